/** Record: a program is launched, a process attached to; live meanwhile, then a trace with its verdict; nothing stays of a killed window. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { captureMeans } from "../probe/capture-means.ts";
import { KernelAnswers, startProbe } from "../probe/conformance/kernel-answers.ts";
import { skipReason } from "../probe/testing.ts";
import { expectAccessible } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { drawLarge } from "./large.ts";
import { ExperimentPage } from "./pages.ts";

const means = await captureMeans();
test.skip(means.how === null, means.how === null ? `nothing records here: ${means.why}` : "");

/** So long does each sleep that is recorded until it is told to end: that says which it is, beside tests that run at the same time. */
const SECONDS = { light: "1234.51", dark: "1234.52" } as const;

function runsStill(word: string): boolean {
  return readdirSync("/proc").some((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(word);
    } catch {
      return false;
    }
  });
}

for (const theme of ["light", "dark"] as const)
  test(`a program is launched, seen while it runs, stopped, and answered (${theme})`, async ({ lab }) => {
    await lab.call("app.setSettings", { theme });
    await lab.restart();
    await lab.resize(1280, 800);
    const { page } = lab;
    await page.keyboard.press("Control+6");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Record a program");
    // The command has the focus: by the keyboard alone.
    await expect(page.getByRole("textbox", { name: "Command" })).toBeFocused();
    await page.keyboard.type(`sleep ${SECONDS[theme]}`);
    await expectAccessible(page, `record, ${theme}`);
    await lab.screenshot(`record-${theme}`);
    await drawLarge(lab, `record-${theme}`);
    await lab.answerQuestions(1);
    await page.keyboard.press("Control+Enter");
    await expect(page.getByRole("region", { name: "Recording" })).toHaveCount(0);
    expect(runsStill(SECONDS[theme])).toBe(false);

    await lab.answerQuestions(0);
    await page.keyboard.press("Control+Enter");
    const now = page.getByRole("region", { name: "Recording" });
    await expect(now.getByText(/^\d+ KiB$/).first()).toBeVisible();
    await expect(now.getByRole("status")).toContainText("Recording for");
    const below = page.getByRole("contentinfo").getByRole("button", { name: "Recording sleep" });
    await page.getByRole("banner").getByRole("button", { name: "Races" }).click();
    await below.click();
    await expect(now).toBeVisible();
    expect(runsStill(SECONDS[theme])).toBe(true);
    await expectAccessible(page, `recording, ${theme}`);
    await lab.screenshot(`recording-${theme}`);
    await page.keyboard.press("Control+.");
    const shown = new ExperimentPage(page);
    await expect(shown.title).toContainText("sleep,", { timeout: 45_000 });
    await shown.waitUntilDone();
    await expect(page.getByRole("region", { name: "Verdict" })).toContainText(/Would (not )?help/);
    await expect(page.getByRole("region", { name: "Whose releases" })).toBeVisible();
    if (means.how === "perf")
      await expect(page.getByRole("textbox", { name: "Notes" })).toHaveValue(
        /^Recording cost the program .*measured in 9 pairs/,
      );
    expect(runsStill(SECONDS[theme])).toBe(false);
    await lab.screenshot(`recorded-${theme}`);
    await drawLarge(lab, `recorded-${theme}`);
  });

test("a process that runs already is chosen from the list, recorded and goes on", async ({ lab }) => {
  test.skip(skipReason !== null || means.how !== "perf", skipReason ?? "a running process is recorded with perf");
  const known = new KernelAnswers(startProbe("whole"));
  try {
    for (const { status } of await known.hold(["map 0 300M", "touch 0 300M stride=2M"])) expect(status).toBe("ok");
    const { page } = lab;
    await page.keyboard.press("Control+6");
    await page.locator("label").filter({ hasText: "Attach to a process" }).click();
    await page.getByRole("searchbox", { name: "Find a process by its name or pid" }).fill(String(known.pid));
    await page.getByRole("radio", { name: new RegExp(`reclaim-probe ${known.pid}`) }).check();
    await expectAccessible(page, "attach");
    await lab.screenshot("attach");
    await page.keyboard.press("Control+Enter");
    const now = page.getByRole("region", { name: "Recording" });
    await expect(now.getByRole("status")).toContainText("Recording for", { timeout: 30_000 });
    await known.hold(["dontneed_step 0 300M 1M"]);
    await now.getByRole("button", { name: "Stop" }).click();
    const shown = new ExperimentPage(page);
    await expect(shown.title).toContainText("reclaim-probe", { timeout: 45_000 });
    await shown.waitUntilDone();
    const blame = page.getByRole("region", { name: "Whose releases" });
    await expect(blame.getByText("150 tables are empty", { exact: false })).toBeVisible();
    // It runs on.
    expect((await known.hold(["map 1G 2M"]))[0]?.status).toBe("ok");
  } finally {
    known.close();
  }
});

for (const theme of ["light", "dark"] as const)
  test(`a process is recorded without its page faults, and the verdict says what that leaves out (${theme})`, async ({
    lab,
  }) => {
    test.skip(skipReason !== null || means.how !== "perf", skipReason ?? "a running process is recorded with perf");
    await lab.call("app.setSettings", { theme });
    await lab.restart();
    await lab.resize(1280, 800);
    const known = new KernelAnswers(startProbe("whole"));
    try {
      for (const { status } of await known.hold(["map 0 64M", "touch 0 64M stride=2M"])) expect(status).toBe("ok");
      const { page } = lab;
      await page.keyboard.press("Control+6");
      await page.locator("label").filter({ hasText: "Attach to a process" }).click();
      await page.getByRole("searchbox", { name: "Find a process by its name or pid" }).fill(String(known.pid));
      await page.getByRole("radio", { name: new RegExp(`reclaim-probe ${known.pid}`) }).check();
      const light = page.getByRole("checkbox", { name: /^Without page faults/ });
      await expect(light).not.toBeChecked();
      await light.check();
      await expectAccessible(page, `attach without page faults, ${theme}`);
      await lab.screenshot(`attach-without-faults-${theme}`);
      await page.keyboard.press("Control+Enter");
      const now = page.getByRole("region", { name: "Recording" });
      await expect(now.getByRole("status")).toContainText("Recording for", { timeout: 30_000 });
      await known.hold(["dontneed_step 0 64M 1M"]);
      await now.getByRole("button", { name: "Stop" }).click();
      const shown = new ExperimentPage(page);
      await expect(shown.title).toContainText("reclaim-probe", { timeout: 45_000 });
      await shown.waitUntilDone();
      await expect(page.getByRole("region", { name: "Verdict" })).toContainText("Recorded without page faults");
      await lab.screenshot(`recorded-without-faults-${theme}`);
    } finally {
      await known.close();
    }
  });

test("a program that is not there is said in words, and the form stays", async ({ lab }) => {
  const { page } = lab;
  await lab.answerQuestions(0);
  await page.keyboard.press("Control+6");
  await page.getByRole("textbox", { name: "Command" }).fill("no-such-program-here --really");
  await page.getByRole("button", { name: "Record", exact: true }).click();
  const refusal = page.getByRole("main").getByRole("alert");
  await expect(refusal).toContainText("There is no program no-such-program-here");
  await expect(page.getByRole("textbox", { name: "Command" })).toHaveValue("no-such-program-here --really");
  // The next one is not told of it.
  await page.getByRole("textbox", { name: "Command" }).fill("true");
  await page.getByRole("button", { name: "Record", exact: true }).click();
  await expect(new ExperimentPage(page).title).toContainText("true,", { timeout: 45_000 });
  await expect(page.getByText("There is no program")).toHaveCount(0);
});

test("a window that is killed leaves no program, no tracing and no half a capture", async ({ lab, dataFolder }) => {
  const { page } = lab;
  await lab.answerQuestions(0);
  await page.keyboard.press("Control+6");
  await page.getByRole("textbox", { name: "Command" }).fill("sleep 1234.53");
  await page.getByRole("button", { name: "Record", exact: true }).click();
  await expect(page.getByRole("region", { name: "Recording" }).getByRole("status")).toContainText("Recording for");
  expect(runsStill("1234.53")).toBe(true);
  await lab.kill();
  await expect.poll(() => runsStill("1234.53"), { timeout: 20_000 }).toBe(false);
  await expect.poll(() => readdirSync(join(dataFolder, "captures")), { timeout: 20_000 }).toEqual([]);
});
