/** The Live view with a process whose tables are known: found, opened, kept, compared, exported; its map; keyboard; both themes. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { KernelAnswers, startProbe } from "../probe/conformance/kernel-answers.ts";
import { skipReason } from "../probe/testing.ts";
import { expectAccessible } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { drawLarge } from "./large.ts";
import { HistoryPane } from "./pages.ts";

test.skip(skipReason !== null, skipReason ?? "");

/** 150 empty tables, 40 sparse ones. */
const KNOWN = [
  "map 0 300M",
  "touch 0 300M stride=2M",
  "dontneed_step 0 300M 1M",
  "map 1G 80M",
  "touch 1G 80M stride=2M",
];

let known: KernelAnswers;

test.beforeEach(async () => {
  known = new KernelAnswers(startProbe("whole"));
  for (const { status } of await known.hold(KNOWN)) expect(status).toBe("ok");
});
test.afterEach(() => known.close());

for (const theme of ["light", "dark"] as const)
  test(`a process is found, read, kept, compared and exported (${theme})`, async ({ lab, dataFolder }) => {
    await lab.useTheme(theme);
    await lab.resize(1280, 800);
    const { page } = lab;
    await page.getByRole("banner").getByRole("button", { name: "Live" }).click();
    await expect(page.getByRole("heading", { name: "This machine" })).toBeVisible();
    const list = page.getByRole("listbox", { name: "Processes by page-table memory" });
    await expect(list.getByRole("option").first()).toBeVisible();

    await page.getByRole("searchbox", { name: "Find a process by its name or pid" }).fill(String(known.pid));
    await expect(list.getByRole("option")).toHaveCount(1);
    await list.getByRole("option").click();
    const panel = page.getByRole("complementary", { name: "The process" });
    await expect(panel.getByRole("heading", { name: "reclaim-probe" })).toBeVisible();
    const causes = panel.getByRole("table", { name: "Page tables by cause" });
    await expect(causes.getByRole("row", { name: /^empty/ })).toContainText("600 KiB");
    await expect(panel.getByRole("region", { name: "Verdict" })).toContainText("Not a problem");
    await expect(panel.getByText("empty 150", { exact: false }).first()).toBeVisible();
    const remedy = panel.getByRole("list", { name: "What would change it" }).getByText("A restart");
    await expect(panel.getByText("up to 600 KiB").first()).toBeVisible();
    await remedy.click();
    await expect(panel.getByText("Until the same amount is empty again.", { exact: false })).toBeVisible();
    await expectAccessible(page, `live, ${theme}`);
    await lab.screenshot(`live-${theme}`);
    await drawLarge(lab, `live-${theme}`);

    // Twice, so that there is something to compare.
    for (const nth of [1, 2]) {
      await panel.getByRole("button", { name: "Keep" }).click();
      await expect(page.locator("main").getByRole("heading", { level: 1 })).toContainText("as it ran");
      await expectAccessible(page, `a kept look, ${theme}`);
      if (nth === 1) {
        // What was open stays open.
        await page.keyboard.press("Control+4");
        await expect(panel.getByRole("heading", { name: "reclaim-probe" })).toBeVisible();
      }
    }
    const history = new HistoryPane(page);
    await expect(history.rows).toHaveCount(2);
    await expect(page.locator("main").getByText("Not a problem", { exact: false })).toBeVisible();

    const file = join(dataFolder, "kept.json");
    await lab.answerSaveDialogs(file);
    await page.locator("main").getByRole("button", { name: "Export", exact: true }).click();
    await page.getByRole("menuitem", { name: /^JSON/ }).click();
    await expect(page.getByText("Exported kept.json")).toBeVisible();
    const { experiment } = JSON.parse(await readFile(file, "utf8"));
    expect(experiment.detail.observation.tables.empty.estimate).toBe(150);

    const ids = (await lab.call("history.list", {})).rows.map(({ id }) => id);
    for (const nth of [0, 1]) await history.rows.nth(nth).click({ modifiers: ["Control"] });
    await page.getByRole("button", { name: "Compare", exact: true }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Compare 2 runs");
    expect(ids).toHaveLength(2);
  });

test("processes of one name are a service: opened, one of them read, kept; what has ended is said", async ({ lab }) => {
  const second = new KernelAnswers(startProbe("whole"));
  try {
    for (const { status } of await second.hold(KNOWN)) expect(status).toBe("ok");
    const { page } = lab;
    await page.keyboard.press("Control+4");
    const list = page.getByRole("listbox", { name: "Processes by page-table memory" });
    await page.getByRole("searchbox", { name: "Find a process by its name or pid" }).fill("reclaim-probe");
    // Other probes may run on this machine.
    const service = list.getByRole("option", { name: /^reclaim-probe \d+ processes/ });
    await expect(service).toHaveCount(1);
    await service.click();
    const panel = page.getByRole("complementary", { name: "The process" });
    await expect(panel.getByRole("region", { name: "Verdict" })).toContainText("with what they share counted once");
    const own = panel.getByRole("table", { name: "Its processes" });
    await expect(own.getByRole("button", { name: String(second.pid), exact: true })).toBeVisible();
    await expectAccessible(page, "a service");
    await panel.getByRole("button", { name: "Keep" }).click();
    await expect(page.locator("main").getByRole("heading", { level: 1 })).toHaveText(
      /^reclaim-probe \(\d+ processes\), as it ran$/,
    );

    await page.keyboard.press("Control+4");
    await own.getByRole("button", { name: String(second.pid), exact: true }).click();
    await expect(panel.getByText(`pid ${second.pid} · up`, { exact: false })).toBeVisible();
    await expect(service).toHaveAttribute("aria-selected", "true");
    await page.getByRole("checkbox", { name: "group by name" }).uncheck();
    await expect(list.getByRole("option", { name: `reclaim-probe ${second.pid}` })).toHaveAttribute(
      "aria-selected",
      "true",
    );

    await panel.getByRole("button", { name: "Record it" }).click();
    await expect(page.locator(`input[name=process][value="${second.pid}"]`)).toBeChecked();
    await page.keyboard.press("Control+4");

    await second.close();
    await panel.getByRole("button", { name: "Look again" }).click();
    await expect(panel.getByText(`There is no process ${second.pid}`)).toBeVisible();
    // What was seen of it can still be kept.
    await panel.getByRole("button", { name: "Keep" }).click();
    await expect(page.locator("main").getByRole("heading", { level: 1 })).toHaveText(
      `reclaim-probe ${second.pid}, as it ran`,
    );
  } finally {
    await second.close();
  }
});

test("by the keyboard alone: the list, a process, and out again; it is kept current", async ({ lab }) => {
  const { page } = lab;
  await page.keyboard.press("Control+4");
  const list = page.getByRole("listbox", { name: "Processes by page-table memory" });
  await expect(list.getByRole("option").first()).toBeVisible();
  await list.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  const panel = page.getByRole("complementary", { name: "The process" });
  await expect(panel).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(panel).toHaveCount(0);

  const before = await lab.call("live.top");
  await known.hold(["map 2G 200M", "touch 2G 200M stride=2M"]);
  const after = await lab.call("live.top");
  const sizeOf = (top: typeof before) => top.processes.find(({ pid }) => pid === known.pid)?.vmpte_kb ?? 0;
  expect(sizeOf(after) - sizeOf(before)).toBe(101 * 4);
  expect(after.cost).not.toBeNull();
});

test("a process that another one takes the place of while its map is under way leaves no error", async ({ lab }) => {
  const second = new KernelAnswers(startProbe("whole"));
  try {
    const { page } = lab;
    await page.keyboard.press("Control+4");
    await page.getByRole("checkbox", { name: "group by name" }).uncheck();
    const list = page.getByRole("listbox", { name: "Processes by page-table memory" });
    const row = (pid: number) => list.getByRole("option", { name: new RegExp(`reclaim-probe ${pid}`) });
    await page.getByRole("searchbox", { name: "Find a process by its name or pid" }).fill("reclaim-probe");
    await expect(row(second.pid)).toBeVisible();
    await row(second.pid).evaluate((option) => option.setAttribute("data-next", ""));
    await row(known.pid).click();
    // In the page, as soon as the map's place has a width and the map was asked for: from here the answer would be there first.
    await page.evaluate(async () => {
      const place = () => document.querySelector('aside[aria-label="The process"] .plane');
      for (;;) {
        const found = place();
        if (found) {
          await new Promise((asked) => new ResizeObserver(() => setTimeout(asked)).observe(found));
          break;
        }
        await new Promise(requestAnimationFrame);
      }
      document.querySelector<HTMLElement>("[data-next]")?.click();
    });
    await expect(page.getByRole("complementary", { name: "The process" })).toContainText(`pid ${second.pid}`);
    // Answered after all that was asked before it.
    await lab.call("live.top");
    expect(lab.complaints).toEqual([]);
  } finally {
    await second.close();
  }
});
