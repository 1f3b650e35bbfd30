/** A folder of results as an Atlas: what the policies save and cost, the tasks, and a task run again here with the same numbers. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expectAccessible } from "./axe.ts";
import { expect, type LabApp, ROOT, test } from "./fixtures.ts";
import { drawLarge } from "./large.ts";
import { ExperimentPage } from "./pages.ts";

const TRACE = join(ROOT, "engine", "workload", "testdata", "traces", "jemalloc-sparse", "events.txt.gz");
const PLAN = {
  version: 1,
  name: "pieces, and a program",
  workloads: [
    { preset: "commit-table", params: { size: ["64M", "128M"], chunk: ["2M", "1M"] } },
    { trace: "traces/*.txt.gz" },
  ],
  policies: ["none", "sync", "eager"],
  seeds: [7],
};

/** Makes a plan's results as the command line does; gives their folder. */
async function makeResults(at: string): Promise<string> {
  await mkdir(join(at, "traces"), { recursive: true });
  await copyFile(TRACE, join(at, "traces", "jemalloc.txt.gz"));
  await writeFile(join(at, "plan.json"), JSON.stringify(PLAN));
  const folder = join(at, "results of a study");
  const args = [join(ROOT, "main", "cli.ts"), "batch", join(at, "plan.json"), "--out", folder, "--json"];
  await promisify(execFile)(process.execPath, args, { cwd: at });
  return folder;
}

async function openResults({ page }: LabApp): Promise<void> {
  await page.getByRole("banner").getByRole("button", { name: "Open trace" }).click();
  await page.getByRole("menuitem", { name: /A folder of results/ }).click();
}

for (const theme of ["light", "dark"] as const)
  test(`results are opened as an Atlas, and a task is run again here (${theme})`, async ({ lab, dataFolder }) => {
    await lab.useTheme(theme);
    await lab.resize(1280, 800);
    const folder = await makeResults(join(dataFolder, "study"));
    await lab.answerOpenDialogs(folder);
    await openResults(lab);
    const { page } = lab;
    const main = page.locator("main");
    await expect(main.getByRole("heading", { level: 1 })).toHaveText("results of a study");
    await expect(main).toContainText("15 tasks");
    const policies = main.getByRole("region", { name: /What each policy saves/ });
    await expect(policies.getByRole("rowheader")).toHaveText(["eager sync", "sync reclaim"]);
    await expectAccessible(page, `an Atlas, ${theme}`);
    await lab.screenshot(`atlas-${theme}`);
    await drawLarge(lab, `atlas-${theme}`);

    // Another baseline, another comparison; the list is sorted by what is saved.
    const tasks = main.getByRole("listbox", { name: /Tasks/ });
    await main.getByRole("combobox", { name: "Baseline" }).selectOption("sync");
    await expect(policies.getByRole("rowheader")).toHaveText(["eager sync", "no reclaim"]);
    await main.getByRole("combobox", { name: "Baseline" }).selectOption("none");
    await expect(policies.getByRole("rowheader")).toHaveText(["eager sync", "sync reclaim"]);

    await main.getByRole("searchbox", { name: "Find tasks" }).fill("commit sync 67108864 2097152");
    await expect(tasks.getByRole("option")).toHaveCount(1);
    const saved = await tasks.getByRole("option").locator("span").nth(4).innerText();
    expect(saved).toMatch(/^\d\d(\.\d)? %$/);
    await tasks.focus();
    await page.keyboard.press("Enter");
    const shown = new ExperimentPage(page);
    await expect(shown.numbers).toBeVisible();
    await shown.waitUntilDone();
    await expect(page.getByText("it gives the same numbers")).toBeVisible();
    const [{ id }] = (await lab.call("history.list", {})).rows;
    const experiment = await lab.call("experiment.get", { id });
    expect(experiment.seed).toBe(7);
    const averages = experiment.runs.map(({ summary }) => summary?.average_vmpte_kb ?? 0);
    expect(`${(100 * (1 - averages[1] / averages[0])).toFixed(1)} %`).toBe(saved);
  });

test("a trace of a row is looked for around the folder and asked for where it is not; another file is refused", async ({
  lab,
  dataFolder,
}) => {
  const at = join(dataFolder, "study");
  const folder = await makeResults(at);
  await lab.answerOpenDialogs(folder);
  await openResults(lab);
  const { page } = lab;
  const main = page.locator("main");
  await main.getByRole("searchbox", { name: "Find tasks" }).fill("jemalloc sync");
  await main.getByRole("button", { name: "Run it here" }).click();
  const shown = new ExperimentPage(page);
  await expect(shown.numbers).toBeVisible();
  await shown.waitUntilDone();

  const moved = join(dataFolder, "elsewhere.txt.gz");
  await rename(join(at, "traces", "jemalloc.txt.gz"), moved);
  await page.keyboard.press("Alt+ArrowLeft");
  await main.getByRole("searchbox", { name: "Find tasks" }).fill("jemalloc sync");
  await lab.answerOpenDialogs(join(at, "plan.json"));
  await main.getByRole("button", { name: "Run it here" }).click();
  await expect(page.getByText("This is not the trace of the row")).toBeVisible();
  await lab.answerOpenDialogs(moved);
  await main.getByRole("button", { name: "Run it here" }).click();
  await expect(shown.numbers).toBeVisible();
  await expect.poll(async () => (await lab.call("history.list", {})).rows.length).toBe(2);
});

test("a folder that holds neither results nor records is refused in words; records of hosts are answered", async ({
  lab,
  dataFolder,
}) => {
  const { page } = lab;
  const empty = join(dataFolder, "empty");
  await mkdir(empty);
  await lab.answerOpenDialogs(empty);
  await openResults(lab);
  await expect(page.getByText("There are no results and no records in it")).toBeVisible();
  await rm(empty, { recursive: true });

  const fleet = join(dataFolder, "fleet");
  await mkdir(fleet);
  const tables = {
    in_use: 3,
    sparse: 1,
    deposited: 0,
    pinned: 0,
    shared: 0,
    empty: { min: 1, estimate: 700, max: 705 },
  };
  const record = {
    pid: 9,
    name: "redis-server",
    kernel: "6.12",
    vmpte_kb: 4000,
    rss_kb: 9000,
    virt_kb: 99_000,
    tables,
  };
  await writeFile(join(fleet, "db-1.json"), JSON.stringify(record));
  await writeFile(join(fleet, "db-2.json"), JSON.stringify({ ...record, pid: 10 }));
  await writeFile(join(fleet, "broken.json"), "{");
  await lab.answerOpenDialogs(fleet);
  await openResults(lab);
  const main = page.locator("main");
  await expect(main).toContainText("2 records of processes");
  await expect(main).toContainText("broken.json");
  const programs = main.getByRole("region", { name: /by program/ });
  await expect(programs.getByRole("row").nth(1)).toContainText("redis-server");
  await expect(programs.getByRole("row").nth(1)).toContainText("5.47 MiB");
  await expectAccessible(page, "records of hosts as an Atlas");
  await lab.screenshot("atlas-records");
});
