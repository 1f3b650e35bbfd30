/**
 * Every view, menu and dialog, in light and dark: no finding of axe, and a picture of each under test-results, with
 * RECLAIM_LAB_SCREENS=1 at 1920 x 1080 and 2560 x 1440 too. Empty states, errors, long names and large numbers among them.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { atRest, expectAccessible } from "./axe.ts";
import { expect, type LabApp, ROOT, test } from "./fixtures.ts";
import { drawLarge } from "./large.ts";
import { ExperimentPage, HistoryPane, NewExperimentPage } from "./pages.ts";

const traceOf = (name: string): string => join(ROOT, "engine", "workload", "testdata", "traces", name, "events.txt.gz");
const LONG_NAME =
  "checkout-service canary of Tuesday, jemalloc 5.3 with dirty_decay_ms:0 and background threads, before the upgrade of the whole fleet";

/** Names of numbers, and numbers, that stand in more than one line. */
const wrapped = (lab: LabApp): Promise<string[]> =>
  lab.page.locator("main table.figures :is(th, td), main aside :is(dt, dd)").evaluateAll((cells) =>
    cells
      .filter((cell) => cell.childElementCount === 0)
      .filter((cell) => {
        const range = document.createRange();
        range.selectNodeContents(cell);
        return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1;
      })
      .map((cell) => cell.textContent?.trim() ?? ""),
  );

/** As the window is now: checked and drawn in both themes; `large`: in large windows too (a menu would close). */
async function look(lab: LabApp, name: string, { large = true }: { readonly large?: boolean } = {}): Promise<void> {
  const { page } = lab;
  for (const theme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await atRest(page);
    await expectAccessible(page, `${name}, ${theme}`);
    // What was brought into view scrolled in its own pane: the bars stay.
    expect(await page.evaluate(() => [window.scrollY, document.body.scrollTop])).toEqual([0, 0]);
    await lab.screenshot(`${name}-${theme}`);
    if (large) await drawLarge(lab, `${name}-${theme}`);
  }
}

async function run(
  lab: LabApp,
  name: string,
  params: Readonly<Record<string, number | string>> = {},
  title?: string,
): Promise<number> {
  const workload = { kind: "preset" as const, name, params };
  const { id } = await lab.call("experiment.start", { workload, ...(title === undefined ? {} : { title }) });
  await expect
    .poll(async () => (await lab.call("experiment.get", { id })).runs.every((each) => each.endedAt !== null))
    .toBe(true);
  return id;
}

/** A history as it looks after some days' work. */
async function fillHistory(lab: LabApp): Promise<void> {
  const GIB = 2 ** 30;
  await run(lab, "ping-pong");
  await run(lab, "guard-pages", { stacks: 512 });
  const tagged = await run(lab, "jemalloc-decay", { heap: GIB, rounds: 4 }, LONG_NAME);
  await lab.call("experiment.describe", {
    id: tagged,
    tags: ["canary", "jemalloc", "6.18", "a tag that goes on for a while"],
    notes: "Extents of 64 KiB: nothing to gain before extent_hooks are tuned.",
  });
  await run(lab, "redis-flush", { dataset: GIB });
  await run(lab, "server", { virt: 4096 * GIB, resident: 64 * GIB });
  const baseline = await run(lab, "commit-table");
  await lab.call("experiment.describe", { id: baseline, pinned: true });
}

const open = (lab: LabApp, title: string | RegExp) =>
  new HistoryPane(lab.page).rows.filter({ hasText: title }).first().click();

test("the first start, the palette, the shortcuts, the machine", async ({ lab }) => {
  await lab.resize(1280, 800);
  const { page } = lab;
  await expect(page.getByRole("button", { name: "Run the 50 GB experiment" })).toBeVisible();
  await look(lab, "first-run");
  await page.keyboard.press("?");
  await look(lab, "shortcuts");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("combobox", { name: /^Search runs/ })).toBeFocused();
  await page.keyboard.type("exp");
  await look(lab, "palette");
  await page.keyboard.type("lanation of everything");
  await expect(page.getByText(/^No match for/)).toBeVisible();
  await look(lab, "palette-nothing", { large: false });
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("what this machine has");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "What this machine has" })).toBeVisible();
  await expect(page.locator("main")).toContainText("~/reclaim-lab/history.sqlite");
  await look(lab, "machine");
});

test("an experiment: chart, crosshair, samples, map, menus; and a history that is lived in", async ({ lab }) => {
  await lab.resize(1280, 800);
  const { page } = lab;
  await fillHistory(lab);
  const shown = new ExperimentPage(page);
  await open(lab, "The series' own");
  await expect(page.locator("main")).toContainText("99.8 % less");
  const map = page.getByRole("region", { name: "Page tables" });
  await expect(map.getByRole("list")).toContainText("empty 25,600");
  await look(lab, "experiment");
  expect(await wrapped(lab), "labels of numbers in more than one line").toEqual([]);
  const chart = page.getByRole("region", { name: "Chart" }).getByRole("slider");
  await chart.focus();
  await page.keyboard.press("End");
  for (let press = 0; press < 4; press++) await page.keyboard.press("Control+ArrowLeft");
  await expect(chart).toHaveAttribute("aria-valuetext", /no reclaim .*iB, sync reclaim .*iB/);
  await look(lab, "crosshair");
  await page.keyboard.press("Escape");
  await page.keyboard.press("v");
  await expect(page.getByRole("table", { name: /Samples/ })).toBeVisible();
  await look(lab, "samples");
  await page.keyboard.press("v");
  const cells = map.getByRole("slider", { name: /Cells/ });
  await cells.focus();
  for (let press = 0; press < 3; press++) await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await expect(map).toContainText("one cell = 1 PTE table");
  await look(lab, "map-zoomed");
  await cells.focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await expect(map).toContainText("512 none");
  await look(lab, "map-table");

  await page.locator("main").getByRole("button", { name: "Export", exact: true }).click();
  await look(lab, "export-menu", { large: false });
  await page.keyboard.press("Escape");
  await new HistoryPane(page).rows.filter({ hasText: "redis" }).click({ button: "right" });
  await look(lab, "row-menu", { large: false });
  await page.getByRole("menuitem", { name: /^Tags/ }).click();
  await look(lab, "describe");
  await page.keyboard.press("Escape");

  await open(lab, "checkout-service");
  await expect(shown.title).toHaveText(LONG_NAME);
  await expect(shown.numbers).toBeVisible();
  await look(lab, "long-name");
  await open(lab, "cover letter");
  await expect(shown.title).toContainText("cover letter");
  await expect(map.getByRole("list")).toContainText("empty");
  await look(lab, "large-numbers");
  expect(await wrapped(lab), "labels of numbers in more than one line").toEqual([]);

  const { search } = new HistoryPane(page);
  await search.fill("nothing of the kind");
  await expect(page.getByText("No experiment matches.")).toBeVisible();
  await look(lab, "history-nothing", { large: false });
  await search.fill("");
});

test("a new experiment: the form, what it refuses, a sweep; and runs side by side", async ({ lab }) => {
  await lab.resize(1280, 800);
  const { page } = lab;
  const shown = new ExperimentPage(page);
  await run(lab, "commit-table");
  const form = new NewExperimentPage(page);
  await form.open();
  await look(lab, "new-experiment");
  await form.field("Mapping").fill("12 lots");
  await expect(form.run).toBeDisabled();
  await look(lab, "new-experiment-refused");
  await form.field("Mapping").fill("4G");
  await form.field("Chunk size").fill("1M");
  await form.run.click();
  await expect(shown.numbers).toBeVisible();
  await shown.waitUntilDone();

  const history = new HistoryPane(page);
  await expect(history.rows).toHaveCount(2);
  for (const row of [history.rows.first(), history.rows.last()]) await row.click({ modifiers: ["Control"] });
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Compare 4 runs");
  await look(lab, "compare");
  await page.locator("main").getByRole("row").last().scrollIntoViewIfNeeded();
  await look(lab, "compare-table", { large: false });

  await form.open();
  await form.field("Mapping").fill("1G");
  await page.getByRole("checkbox", { name: /Run once for each/ }).check();
  // What cannot be is said where Run was pressed: a mapping smaller than its piece.
  await form.field("From").fill("64K");
  await form.field("To").fill("8M");
  await form.run.click();
  await expect(page.getByRole("alert").filter({ hasText: "chunk" })).toBeInViewport();
  await look(lab, "sweep-refused", { large: false });
  await page.getByRole("combobox", { name: "Parameter" }).selectOption({ label: "Chunk size" });
  await expect(page.getByRole("alert").filter({ hasText: "chunk" })).toHaveCount(0);
  await form.field("From").fill("64K");
  await form.field("To").fill("8M");
  await form.field("Values").scrollIntoViewIfNeeded();
  await look(lab, "sweep-form");
  await form.run.click();
  await expect(page.getByText("runs done")).toHaveCount(0);
  await expect(page.locator("main")).toContainText("Most is saved at");
  await look(lab, "sweep");
});

test("runs under way, cancelled and failed", async ({ lab }) => {
  await lab.resize(1280, 800);
  const { page } = lab;
  const shown = new ExperimentPage(page);
  const long = { kind: "preset" as const, name: "commit-table", params: { rounds: 5000 } };
  const { id } = await lab.call("experiment.start", { workload: long });
  await open(lab, "The series' own");
  await expect(shown.cancel).toBeVisible();
  await expect(shown.numbers.getByRole("row", { name: /VmPTE at (the )?end|VmPTE now/ })).toBeVisible();
  await look(lab, "running", { large: false });
  await lab.call("experiment.cancel", { id });
  await expect(page.locator("main")).toContainText("cancelled");
  await look(lab, "cancelled");
  await lab.restart({ env: { RECLAIM_LAB_FAULT: "worker-crash:20000" } });
  await lab.resize(1280, 800);
  await lab.call("experiment.start", { workload: { ...long, params: {} }, title: "dies on purpose" });
  await open(lab, "dies on purpose");
  await expect(lab.page.locator("main")).toContainText("failed");
  await look(lab, "failed");
});

test("traces: none yet, one that was opened, verdicts, one that is refused", async ({ lab, dataFolder }) => {
  await lab.resize(1280, 800);
  const { page } = lab;
  const choose = async (path: string): Promise<void> => {
    await lab.answerOpenDialogs(path);
    await page.keyboard.press("Control+o");
  };
  await page.getByRole("banner").getByRole("button", { name: "Open trace" }).click();
  await page.getByRole("menuitem", { name: "How to record one" }).click();
  await look(lab, "trace-none");
  const shown = new ExperimentPage(page);
  for (const [trace, name] of [
    ["jemalloc-sparse", "helps"],
    ["redis-default", "does-not-help"],
  ] as const) {
    await choose(traceOf(trace));
    await expect(page.getByRole("radio", { checked: true })).toHaveCount(1);
    if (name === "helps") await look(lab, "trace");
    await page.getByRole("button", { name: "Replay under 2 policies" }).click();
    await expect(shown.numbers).toBeVisible();
    await shown.waitUntilDone();
    const verdict = page.getByRole("region", { name: "Verdict" });
    await verdict.evaluate((region) => region.scrollIntoView({ block: "start" }));
    await look(lab, `verdict-${name}`);
  }
  const letter = join(dataFolder, "letter.txt");
  await writeFile(letter, "Dear reader,\nthis is no trace.\n");
  await choose(letter);
  await expect(page.getByRole("listitem").filter({ hasText: "letter.txt" })).toBeVisible();
  await look(lab, "trace-refused", { large: false });
  await page.getByRole("banner").getByRole("button", { name: "Open trace" }).click();
  await look(lab, "open-menu", { large: false });
});

test("races: the list, and a case that breaks", async ({ lab }) => {
  await lab.resize(1280, 800);
  const { page } = lab;
  await page.keyboard.press("Control+3");
  await expect(page.getByRole("navigation", { name: "Scenarios" })).toBeVisible();
  await look(lab, "races-begin");
  await page
    .getByRole("navigation", { name: "Scenarios" })
    .getByRole("button", { name: /without the fix(?! of)/ })
    .click();
  await page.getByRole("button", { name: "Try", exact: true }).click();
  await expect(page.getByText("Invariant violated: a write was lost.")).toBeVisible();
  await look(lab, "races");
});

test("the history as a table and its menus; the trash, empty; the live machine; a recording", async ({ lab }) => {
  await lab.resize(1280, 800);
  const { page } = lab;
  await run(lab, "ping-pong");
  await run(lab, "guard-pages", { stacks: 512 });
  await page.keyboard.press("Control+5");
  await expect(page.getByRole("grid", { name: "Experiments as a table" })).toBeVisible();
  await look(lab, "history-table");
  await page.getByRole("button", { name: "How to filter" }).click();
  await look(lab, "history-filter", { large: false });
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Columns", exact: true }).click();
  await look(lab, "history-columns", { large: false });
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("trash");
  await page.keyboard.press("Enter");
  await expect(page.getByText("The trash is empty.").first()).toBeVisible();
  await look(lab, "trash", { large: false });
  await page.getByRole("button", { name: "Show all experiments" }).click();

  await page.keyboard.press("Control+4");
  await expect(
    page.getByRole("listbox", { name: "Processes by page-table memory" }).getByRole("option").nth(3),
  ).toBeVisible();
  await look(lab, "live-list");
  await page.keyboard.press("Control+6");
  await expect(page.getByRole("textbox", { name: "Command" })).toBeVisible();
  await look(lab, "record-form");
  await page.getByText("Attach to a process", { exact: true }).click();
  await expect(page.getByRole("radio").first()).toBeVisible();
  await look(lab, "record-attach");
});
