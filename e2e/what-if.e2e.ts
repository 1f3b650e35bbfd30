/** A program's releases changed, and settings tried, from the page of its trace. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { operationLine, opsHeaderLine } from "../engine/workload/import/index.ts";
import type { Operation } from "../engine/workload/operation.ts";
import { skipReason } from "../probe/testing.ts";
import { expectAccessible } from "./axe.ts";
import { expect, type LabApp, ROOT, test } from "./fixtures.ts";
import { drawLarge } from "./large.ts";
import { ExperimentPage, HistoryPane } from "./pages.ts";

const MIB = 2 ** 20;
const BASE = 2 ** 45;
const MS = 1e6;

/** 64 MiB that are written and given back 64 KiB at a time, one such piece a millisecond. */
function pieces(): Operation[] {
  const size = 64 * 1024;
  return [
    { op: "mmap", addr: BASE, len: 64 * MIB, prot: "rw", backing: "anon", at: 0 },
    { op: "touch", addr: BASE, len: 64 * MIB, access: "w", at: MS },
    ...Array.from(
      { length: (64 * MIB) / size },
      (_, i): Operation => ({
        op: "madvise",
        addr: BASE + i * size,
        len: size,
        advice: "dontneed",
        at: (i + 2) * MS,
      }),
    ),
    { op: "touch", addr: BASE, len: 4096, access: "w", at: 3000 * MS },
  ];
}

async function openPieces(lab: LabApp, folder: string): Promise<ExperimentPage> {
  const path = join(folder, "pieces.ops.jsonl");
  writeFileSync(path, `${opsHeaderLine({ title: "pieces" })}${pieces().map(operationLine).join("")}`);
  await lab.resize(1280, 800);
  await lab.answerOpenDialogs(path);
  await lab.page.keyboard.press("Control+o");
  await lab.page.getByRole("button", { name: "Replay under 2 policies" }).click();
  const shown = new ExperimentPage(lab.page);
  await expect(shown.numbers).toBeVisible();
  await shown.waitUntilDone();
  return shown;
}

test("releases are merged, or only whole 2 MiB: what is saved, and its price in RSS, by keyboard too", async ({
  lab,
  dataFolder,
}) => {
  const { page } = lab;
  const shown = await openPieces(lab, dataFolder);
  await expect(page.getByRole("region", { name: "Verdict" })).toContainText("Would not help");
  await page.locator("main").getByRole("button", { name: "What if…" }).click();
  const panel = page.getByRole("region", { name: "What if" });
  const ms = panel.getByRole("textbox", { name: "Merge releases over" });
  await expect(ms).toBeFocused();
  await ms.fill("soon");
  await page.keyboard.press("Enter");
  await expect(panel.getByRole("alert")).toContainText('There is no change "coalesce=soon" of releases');
  await ms.fill("200");
  await page.keyboard.press("Enter");
  const table = panel.getByRole("table", { name: "Releases as they are, and changed" });
  const merged = table.getByRole("row", { name: /releases merged over 200 ms/ });
  await expect(merged.getByRole("cell").first()).toContainText("less");
  await expect(panel.getByRole("alert")).toHaveCount(0);
  await panel.getByRole("button", { name: /only whole 2 MiB/ }).click();
  const whole = table.getByRole("row", { name: /only whole 2 MiB released/ });
  await expect(whole.getByRole("cell").first()).toContainText("less");
  // 1,024 calls of 64 KiB; a call for each 2 MiB.
  await expect(
    table
      .getByRole("row", { name: /^as it is/ })
      .getByRole("cell")
      .last(),
  ).toHaveText("1,024");
  await expect(whole.getByRole("cell").last()).toHaveText("32");
  await expect(panel.getByRole("listitem").first()).toContainText(
    /With releases merged over 200 ms: page tables .* less on average; its price: RSS .* more on average/,
  );
  for (const theme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await panel.scrollIntoViewIfNeeded();
    await expectAccessible(page, `what if, ${theme}`);
    await lab.screenshot(`what-if-${theme}`);
    await drawLarge(lab, `what-if-${theme}`);
  }
  // Under the policy that frees nothing, merging saves nothing.
  await panel.getByRole("combobox").selectOption({ label: "no reclaim" });
  await expect(whole.getByRole("cell").first()).toContainText("the same");

  const history = new HistoryPane(page);
  await expect(history.rows).toHaveCount(3);
  await panel
    .getByRole("button", { name: /only whole 2 MiB released/ })
    .last()
    .click();
  await expect(shown.title).toContainText("only whole 2 MiB released");
  await expect(panel.getByRole("row", { name: /^as it is/ })).toBeVisible();
  await panel.getByRole("button", { name: "as it is" }).click();
  await expect(shown.title).not.toContainText("only whole");
  // The palette leads there, too.
  await page.keyboard.press("Control+k");
  await page.keyboard.type("coalesce");
  await page.keyboard.press("Enter");
  await expect(panel.getByRole("textbox", { name: "Merge releases over" })).toBeFocused();
});

test("settings are tried from the verdict: what is typed stays, the user is asked, and each has its verdict", async ({
  lab,
}) => {
  test.skip(skipReason !== null, skipReason ?? "");
  const { page } = lab;
  await lab.resize(1280, 800);
  await lab.answerOpenDialogs(
    join(ROOT, "engine", "workload", "testdata", "traces", "tcmalloc-churn", "events.txt.gz"),
  );
  await page.keyboard.press("Control+o");
  await page.getByRole("button", { name: "Replay under 2 policies" }).click();
  const shown = new ExperimentPage(page);
  await expect(shown.numbers).toBeVisible();
  await shown.waitUntilDone();
  const verdict = page.getByRole("region", { name: "Verdict" });
  await expect(verdict).toContainText("reclaim-lab try --setting 'release rate 10: TCMALLOC_RELEASE_RATE=10'");
  await verdict.getByRole("button", { name: "Try it here…" }).click();
  const form = verdict.getByRole("form", { name: "Try settings" });
  await form.getByRole("checkbox", { name: /aggressive decommit/ }).uncheck();
  await form.getByLabel("Times each").fill("1");
  await expect(form).toContainText("2 times, without tracing");
  await form.getByLabel("Command").fill("no-such-program-here");
  await lab.answerQuestions(1);
  await form.getByRole("button", { name: "Try", exact: true }).click();
  await expect(form.getByRole("alert")).toHaveCount(0);
  await lab.answerQuestions(0);
  await form.getByRole("button", { name: "Try", exact: true }).click();
  await expect(form.getByRole("alert")).toContainText("There is no program no-such-program-here");
  await expectAccessible(page, "the form of a trial");
  await form.scrollIntoViewIfNeeded();
  await lab.screenshot("try-form");
  await form.getByLabel("Command").fill("sleep 0.4");
  await page.keyboard.press("Enter");
  await expect(shown.title).toHaveText("Trial of sleep: 1 setting");
  const table = page.getByRole("table", { name: "Settings, tried" });
  const row = table.getByRole("row", { name: /release rate 10/ });
  await expect(row).toContainText("same");
  await expect(row).toContainText("TCMALLOC_RELEASE_RATE=10");
  await expect(row).toContainText("one run does not show how much identical runs differ");
  await expect(page.getByRole("button", { name: "Run missing points" })).toHaveCount(0);
  for (const theme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await expectAccessible(page, `a trial, ${theme}`);
    await lab.screenshot(`trial-${theme}`);
    await drawLarge(lab, `trial-${theme}`);
  }
});
