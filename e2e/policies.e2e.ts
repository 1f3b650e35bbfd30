/** Policies in the window: chosen as chips, a line each, compared with a baseline, in words, in the history and in exports. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { POLICIES, POLICY_IDS } from "../engine/experiment/policies.ts";
import { expectAccessible } from "./axe.ts";
import { expect, type LabApp, ROOT, test } from "./fixtures.ts";
import { drawLarge } from "./large.ts";
import { ExperimentPage, HistoryPane, NewExperimentPage } from "./pages.ts";

const TRACE = join(ROOT, "engine", "workload", "testdata", "traces", "jemalloc-sparse", "events.txt.gz");
const WORDS = POLICIES.map(({ word }) => word);

/** All of them on; the keyboard does what the mouse does. */
async function chooseAll(lab: LabApp): Promise<void> {
  const chips = lab.page.getByRole("group", { name: "Policies" });
  for (const word of WORDS) {
    const chip = chips.getByRole("checkbox", { name: word });
    if (await chip.isChecked()) continue;
    await chip.focus();
    await lab.page.keyboard.press("Space");
    await expect(chip).toBeChecked();
  }
}

/** How each line is drawn where the crosshair stands. */
const dashes = (lab: LabApp): Promise<(string | null)[]> =>
  lab.page
    .getByRole("region", { name: "Chart" })
    .locator("dl line")
    .evaluateAll((lines) => lines.map((line) => line.getAttribute("stroke-dasharray")));

test("all policies are chosen, drawn, compared, priced and exported", async ({ lab, dataFolder }) => {
  const { page } = lab;
  await lab.resize(1280, 800);
  const form = new NewExperimentPage(page);
  await form.open();
  await page.locator("label").filter({ hasText: "jemalloc: decay" }).click();
  await form.field("Heap").fill("1G");
  await chooseAll(lab);
  await expectAccessible(page, "policies as chips");
  await lab.screenshot("policies-form");
  await drawLarge(lab, "policies-form");
  await form.run.click();
  const shown = new ExperimentPage(page);
  await expect(shown.numbers).toBeVisible();
  await shown.waitUntilDone();

  // A column a policy, in the table's order, the others against the baseline.
  await expect(shown.numbers.getByRole("columnheader")).toHaveText([
    "Numbers",
    /^\s*no reclaim\s*baseline\s*$/,
    ...WORDS.slice(1),
  ]);
  const average = await shown.row("VmPTE on average");
  expect(Object.keys(average)).toHaveLength(WORDS.length);
  const main = page.locator("main");
  for (const word of WORDS.slice(1)) await expect(main.locator(".sentence")).toContainText(word);
  await expect(main.locator(".sentence")).toContainText("more in the longest call");

  // Lines are told apart without colour: no two are dashed alike.
  const chart = page.getByRole("region", { name: "Chart" }).getByRole("slider");
  await chart.focus();
  await page.keyboard.press("End");
  for (const word of WORDS) await expect(chart).toHaveAttribute("aria-valuetext", new RegExp(`${word} \\S+ \\S+iB`));
  const drawn = await dashes(lab);
  expect(drawn).toHaveLength(WORDS.length);
  expect(new Set(drawn).size).toBe(WORDS.length);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("region", { name: "Savings against cost" })).toBeVisible();
  for (const theme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await expectAccessible(page, `all policies, ${theme}`);
    await lab.screenshot(`policies-${theme}`);
    await drawLarge(lab, `policies-${theme}`);
  }
  await page.getByRole("region", { name: "Savings against cost" }).scrollIntoViewIfNeeded();
  await lab.screenshot("policies-cost");

  // Another baseline: the numbers stay, what they are compared with changes.
  await page.getByRole("combobox", { name: "Baseline" }).first().selectOption({ label: "sync reclaim" });
  await expect(shown.numbers.getByRole("columnheader", { name: "sync reclaim" })).toContainText("baseline");
  expect(await shown.row("VmPTE on average")).toEqual(
    Object.fromEntries(
      Object.entries(average).map(([head, value]) => {
        const [word] = head.split("\n");
        return [word === "sync reclaim" ? "sync reclaim\nbaseline" : word, value];
      }),
    ),
  );

  const row = new HistoryPane(page).rows.first();
  await expect(row.locator("svg path")).toHaveCount(WORDS.length);
  const csv = join(dataFolder, "policies.csv");
  await lab.answerSaveDialogs(csv);
  await shown.exportAs("CSV");
  await expect(page.getByText("Exported policies.csv")).toBeVisible();
  const lines = (await readFile(csv, "utf8")).split("\n");
  for (const id of POLICY_IDS) expect(lines.filter((line) => line.includes(`,${id},`)).length).toBeGreaterThan(10);
  const report = join(dataFolder, "policies.html");
  await lab.answerSaveDialogs(report);
  await shown.exportAs("HTML");
  await expect(page.getByText("Exported policies.html")).toBeVisible();
  const html = await readFile(report, "utf8");
  for (const word of WORDS) expect(html).toContain(word);
});

test("eight lines of two experiments are told apart without colour", async ({ lab }) => {
  const { page } = lab;
  const mode = ["none", "sync", "eager", "refcount"] as const;
  for (const chunk of [2 ** 20, 2 ** 21]) {
    const workload = { kind: "preset", name: "commit-table", params: { size: 2 ** 28, chunk } } as const;
    const { id } = await lab.call("experiment.start", { workload, mode: [...mode], title: `pieces of ${chunk}` });
    await expect
      .poll(async () => (await lab.call("experiment.get", { id })).runs.every(({ status }) => status === "done"))
      .toBe(true);
  }
  const history = new HistoryPane(page);
  await expect(history.rows).toHaveCount(2);
  for (const row of [history.rows.first(), history.rows.last()]) await row.click({ modifiers: ["Control"] });
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Compare 8 runs");
  const lines = page.locator("main ul line");
  await expect(lines).toHaveCount(8);
  const marks = await lines.evaluateAll((all) => all.map((line) => line.getAttribute("stroke-dasharray")));
  expect(new Set(marks).size).toBe(8);
  await lab.screenshot("compare-eight");
  await drawLarge(lab, "compare-eight");
});

test("the verdict on a trace names what each policy saves, and its price", async ({ lab }) => {
  const { page } = lab;
  await lab.resize(1280, 800);
  await lab.answerOpenDialogs(TRACE);
  await page.keyboard.press("Control+o");
  await page.getByRole("button", { name: "Replay under 2 policies" }).click();
  const shown = new ExperimentPage(page);
  await expect(shown.numbers).toBeVisible();
  await shown.waitUntilDone();
  await page.getByRole("region", { name: "Verdict" }).getByRole("button", { name: "Which policy would?" }).click();
  await expect(shown.numbers.getByRole("columnheader")).toHaveCount(WORDS.length + 1);
  await shown.waitUntilDone();
  await expect(page.getByRole("button", { name: "Which policy would?" })).toHaveCount(0);
  const sentence = page.locator("main .sentence");
  await expect(sentence).toContainText(/averaged over its 433 ms without reclaim, sync reclaim saves \d/);
  await expect(sentence).toContainText(/at \S+ \S+ more in the longest call, eager sync \d+\.\d % at \S+ \S+,/);
  await lab.screenshot("policies-trace");
});
