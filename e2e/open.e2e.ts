/** A file that the desktop gives the program: with its first start, with a second one, by the menu, by macOS's event. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, LabApp, ROOT, test } from "./fixtures.ts";
import { ExperimentPage } from "./pages.ts";
import { WORKLOAD } from "./runs.ts";
import { startAgain } from "./start-again.ts";

const shown = (lab: LabApp) => expect(lab.page.getByRole("heading", { level: 1 }));

test("started with a file: it is opened once, and can be run", async ({ emptyFolder: dataFolder }) => {
  await mkdir(join(dataFolder, "given files"), { recursive: true });
  const path = join(dataFolder, "given files", "ä two.ops.jsonl");
  await writeFile(path, WORKLOAD);
  const lab = new LabApp(dataFolder);
  await lab.start({ args: [path] });
  await shown(lab).toHaveText("ä two.ops.jsonl");
  await lab.page.getByRole("button", { name: "Replay under 2 policies" }).click();
  const experiment = new ExperimentPage(lab.page);
  await expect(experiment.numbers).toBeVisible();
  await experiment.waitUntilDone();
  for (const again of [() => lab.page.reload(), () => lab.restart()]) {
    await again();
    await expect(new ExperimentPage(lab.page).numbers).toBeVisible();
    await expect(lab.page.getByRole("button", { name: "Replay under 2 policies" })).toHaveCount(0);
  }
  await lab.stop();
  expect(lab.complaints).toEqual([]);
});

test("started with what is not there, or is no trace: said in words, and the window works", async ({
  emptyFolder: dataFolder,
}) => {
  const lab = new LabApp(dataFolder);
  await lab.start({ args: [join(dataFolder, "nowhere.txt")] });
  await expect(lab.page.getByRole("listitem").filter({ hasText: "nowhere.txt" })).toBeVisible();
  await lab.stop();
  const letter = join(dataFolder, "letter.md");
  await writeFile(letter, "Dear reader,\nthis is no trace.\n");
  await lab.start({ args: [letter] });
  await expect(lab.page.getByRole("listitem").filter({ hasText: "letter.md" })).toBeVisible();
  await expect(lab.page.getByRole("button", { name: "Run the 50 GB experiment" })).toBeVisible();
  await lab.stop();
});

test("a second start gives its file to the first window, by a name relative to where it was started", async ({
  lab,
  dataFolder,
}) => {
  const folder = join(dataFolder, "elsewhere");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "second.ops.jsonl"), WORKLOAD);
  expect(await startAgain(dataFolder, ["second.ops.jsonl"], folder)).toBe(0);
  await shown(lab).toHaveText("second.ops.jsonl");
  expect(await startAgain(dataFolder, ["gone.ops.jsonl"], folder)).toBe(0);
  await expect(lab.page.getByRole("listitem").filter({ hasText: "gone.ops.jsonl" })).toBeVisible();
  await shown(lab).toHaveText("second.ops.jsonl");
  expect(lab.windowCount()).toBe(1);
});

test("File > Open asks for a file; macOS gives one by an event", async ({ lab, dataFolder }) => {
  for (const name of ["chosen.ops.jsonl", "finder.ops.jsonl"]) await writeFile(join(dataFolder, name), WORKLOAD);
  await lab.answerOpenDialogs(join(dataFolder, "chosen.ops.jsonl"));
  await lab.appToAsk.evaluate(({ Menu }) => {
    const file = Menu.getApplicationMenu()?.items.find((item) => item.label === "&File");
    file?.submenu?.items.find((item) => item.label.startsWith("&Open Trace or Workload"))?.click();
  });
  await shown(lab).toHaveText("chosen.ops.jsonl");
  await lab.appToAsk.evaluate(
    ({ app }, path) => void app.emit("open-file", { preventDefault: () => {} }, path),
    join(dataFolder, "finder.ops.jsonl"),
  );
  await shown(lab).toHaveText("finder.ops.jsonl");
});

test("the desktop's entry opens workload files with the window", async () => {
  const entry = await readFile(join(ROOT, "packaging", "reclaim-lab.desktop"), "utf8");
  const types = await readFile(join(ROOT, "packaging", "reclaim-lab.xml"), "utf8");
  const [, type = "none"] = /<mime-type type="([^"]+)">/.exec(types) ?? [];
  expect(entry).toMatch(/^Exec=reclaim-lab window %f$/m);
  expect(entry).toContain(`MimeType=${type};`);
  expect(types).toContain('<glob pattern="*.ops.jsonl"');
});
