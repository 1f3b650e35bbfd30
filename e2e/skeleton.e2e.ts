/** The main job in the real window: run, watch, come back, find, open, export; and what happens when it goes wrong. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { policyColor } from "../chart/policy-style.ts";
import { expect, test } from "./fixtures.ts";
import { ExperimentPage, HistoryPane, NewExperimentPage } from "./pages.ts";
import { pixelsOf } from "./pixels.ts";

test("run, watch the points arrive, restart, find, open, export", async ({ lab, dataFolder }) => {
  const form = new NewExperimentPage(lab.page);
  const shown = new ExperimentPage(lab.page);
  await form.open();
  await form.field("Rounds").fill("150");
  await form.field("Title").fill("Many rounds");
  await form.run.click();

  await expect(shown.title).toHaveText("Many rounds");
  await expect(shown.cancel).toBeVisible();
  const bar = lab.page.locator("main").getByRole("progressbar").first();
  const seen = new Set<string>();
  await expect
    .poll(
      async () => {
        if ((await shown.cancel.count()) > 0 && (await bar.count()) > 0)
          seen.add((await bar.getAttribute("aria-valuenow", { timeout: 1000 }).catch(() => null)) ?? "");
        return seen.size;
      },
      { intervals: [50] },
    )
    .toBeGreaterThanOrEqual(3);
  await shown.waitUntilDone();
  expect(await shown.row("VmPTE at the end")).toEqual({ "no reclaim": 102_640, "sync reclaim": 240 });

  await lab.restart();
  const history = new HistoryPane(lab.page);
  await history.search.fill("many");
  await expect(history.rows).toHaveCount(1);
  await history.rows.first().click();
  const reopened = new ExperimentPage(lab.page);
  await expect(reopened.title).toHaveText("Many rounds");
  expect(await reopened.row("VmPTE at the end")).toEqual({ "no reclaim": 102_640, "sync reclaim": 240 });

  const csv = join(dataFolder, "out.csv");
  await lab.answerSaveDialogs(csv);
  await reopened.exportAs("CSV");
  await expect
    .poll(() =>
      stat(csv).then(
        (about) => about.size,
        () => 0,
      ),
    )
    .toBeGreaterThan(0);
  const rows = parse(await readFile(csv, "utf8"), { columns: true }) as Record<string, string>[];
  for (const [mode, vmpte] of [
    ["sync", "240"],
    ["none", "102640"],
  ]) {
    const last = rows.filter((row) => row.mode === mode).at(-1);
    expect(last).toMatchObject({ vmpte_kb: vmpte, operations: String(1 + 2 * 150 * 25_600) });
  }

  const png = join(dataFolder, "out.png");
  await lab.answerSaveDialogs(png);
  await reopened.exportAs("PNG");
  await expect
    .poll(() =>
      stat(png).then(
        (about) => about.size,
        () => 0,
      ),
    )
    .toBeGreaterThan(0);
  for (const mode of ["sync", "none"] as const)
    expect(await pixelsOf(png, policyColor(mode, "light")), `pixels of the line ${mode}`).toBeGreaterThan(500);
});

test("a save dialog that is cancelled writes nothing and says nothing is wrong", async ({ lab }) => {
  const { id } = await lab.call("experiment.start", {
    workload: { kind: "preset", name: "commit-table", params: { size: 2 ** 30 } },
  });
  await lab.answerSaveDialogs(null);
  expect(await lab.call("export.save", { experimentId: id, format: "csv" })).toEqual({ file: null });
});

test("cancel half-way: the samples are kept, the run is marked, the next run works", async ({ lab }) => {
  const form = new NewExperimentPage(lab.page);
  const shown = new ExperimentPage(lab.page);
  await form.open();
  await form.field("Rounds").fill("10000");
  await form.run.click();
  await expect(shown.cancel).toBeVisible();
  await expect
    .poll(async () => {
      const [row] = (await lab.call("history.list", {})).rows;
      const begun = row && (await lab.call("experiment.get", { id: row.id }));
      return begun?.runs.every((run) => run.sampleCount > 2);
    })
    .toBe(true);
  await shown.cancel.click();
  await shown.waitUntilDone();

  const { rows } = await lab.call("history.list", {});
  expect(rows).toHaveLength(1);
  expect(rows[0]?.runs.map((run) => run.status)).toEqual(["cancelled", "cancelled"]);
  const stored = await lab.call("experiment.get", { id: rows[0]?.id ?? 0 });
  for (const run of stored.runs) {
    expect(run.sampleCount).toBeGreaterThan(2);
    expect(run.summary?.operations).toBeGreaterThan(0);
    expect(run.summary?.operations).toBeLessThan(1 + 2 * 10_000 * 25_600);
  }
  await expect(lab.page.locator("main")).toContainText(/cancelled/i);

  await form.open();
  await form.field("Mapping").fill("1G");
  await form.run.click();
  await expect(shown.numbers).toBeVisible();
  await shown.waitUntilDone();
  const after = await lab.call("history.list", {});
  expect(after.rows[0]?.runs.map((run) => run.status)).toEqual(["done", "done"]);
});

test("a worker that crashes ends its run as failed with the reason, and the window lives on", async ({ lab }) => {
  await lab.restart({ env: { RECLAIM_LAB_FAULT: "worker-crash:60000" } });
  const form = new NewExperimentPage(lab.page);
  const shown = new ExperimentPage(lab.page);
  await form.open();
  await form.field("Rounds").fill("100");
  await form.run.click();
  await expect(lab.page.locator("main")).toContainText("crashed on purpose");
  await shown.waitUntilDone();
  const { rows } = await lab.call("history.list", {});
  expect(rows[0]?.runs.map((run) => run.status)).toEqual(["failed", "failed"]);
  const stored = await lab.call("experiment.get", { id: rows[0]?.id ?? 0 });
  for (const run of stored.runs) {
    expect(run.reason).toContain("crashed on purpose");
    expect(run.sampleCount).toBeGreaterThan(1);
  }

  await form.open();
  await form.field("Mapping").fill("1G");
  await form.run.click();
  await expect
    .poll(async () => (await lab.call("history.list", {})).rows[0]?.runs.map((run) => run.status))
    .toEqual(["done", "done"]);
});

test("bad parameters cannot be started and say why", async ({ lab }) => {
  const form = new NewExperimentPage(lab.page);
  await form.open();
  const main = lab.page.locator("main");
  for (const [label, value, reason] of [
    ["Mapping", "-1", "outside 4K to 32T"],
    ["Mapping", "5000", "not a multiple of 4K"],
    ["Chunk size", "100G", "outside 4K to 1G"],
    ["Rounds", "many", "not a whole number"],
    ["Seed", "-3", ""],
  ] as const) {
    const before = await form.field(label).inputValue();
    await form.field(label).fill(value);
    await expect(form.run, `${label} ${value}`).toBeDisabled();
    await expect(main).toContainText(reason);
    await form.field(label).fill(before);
    await expect(form.run).toBeEnabled();
  }
  expect(await lab.call("history.list", {})).toMatchObject({ total: 0 });
});

test("a lab host that dies is restarted, and its runs are marked interrupted", async ({ lab }) => {
  const started = await lab.call("experiment.start", {
    workload: { kind: "preset", name: "commit-table", params: { rounds: 10_000 } },
  });
  await expect
    .poll(async () => (await lab.call("experiment.get", { id: started.id })).runs.every((run) => run.sampleCount > 2))
    .toBe(true);
  const pid = await lab.hostPid();
  process.kill(pid, "SIGKILL");
  await expect
    .poll(async () => {
      const answer = await lab.answer("experiment.get", { id: started.id });
      return "result" in answer ? (answer.result as typeof started).runs.map((run) => run.status) : [];
    })
    .toEqual(["interrupted", "interrupted"]);
  const stored = await lab.call("experiment.get", { id: started.id });
  for (const run of stored.runs) expect(run.sampleCount).toBeGreaterThan(2);
  expect(await lab.hostPid()).not.toBe(pid);
  const { rows } = await lab.call("history.list", {});
  expect(rows).toHaveLength(1);
});
