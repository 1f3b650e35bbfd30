/** Measures the running app and prints a row a line as JSON. Started by window.bench.ts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../db/store.ts";
import { LabApp } from "../../e2e/lab-app.ts";
import { SAMPLE_COLUMNS } from "../../engine/experiment/types.ts";
import { hostFacts } from "../../main/host/facts.ts";
import type { Row } from "../harness.ts";
import { busyRows } from "./busy.ts";
import { measureFloor } from "./floor.ts";

const EXPERIMENTS = 10_000;
const SAMPLES = 100_000;
const WIDTH = SAMPLE_COLUMNS.length;

function tell(row: Row): void {
  process.stdout.write(`${JSON.stringify(row)}\n`);
}

/** A figure, and how many times that of the floor it is. */
function tellBeside(row: Row, floor: number, atMost = 1.5): void {
  tell({ ...row, note: [row.note, `floor ${floor.toFixed(1)} ${row.unit}`].filter(Boolean).join("; ") });
  tell({ what: "  times its floor", value: row.value / floor, unit: "x", budget: { atMost } });
}

/** A history of so many experiments, the newest with a run of 100,000 samples. */
function fill(file: string, experiments: number): void {
  const store = openStore(file);
  const facts = hostFacts(null);
  const spec = { workload: "commit-table", workloadKind: "preset" as const, params: { size: 1 }, seed: 1, levels: 4 };
  store.together(() => {
    for (let i = 1; i < experiments; i++) {
      const { id } = store.createExperiment({ ...spec, title: `Experiment ${i}` });
      for (const mode of ["sync", "none"] as const)
        store.finishRun(store.startRun(id, { source: "model", mode, facts }).id, { status: "done" });
    }
    const { id } = store.createExperiment({ ...spec, title: "A long run" });
    const run = store.startRun(id, { source: "model", mode: "none", facts });
    for (let from = 0; from < SAMPLES; from += 2000) {
      const rows = new Float64Array(2000 * WIDTH);
      for (let i = 0; i < 2000; i++)
        for (let column = 0; column < WIDTH; column++)
          rows[i * WIDTH + column] = column < 3 ? from + i : Math.round(1000 * (1 + Math.sin((from + i) / 500)));
      store.appendSamples(run.id, rows);
    }
    store.finishRun(run.id, { status: "done" });
  });
  store.close();
}

/** Started this many times, the least counts, as with the floor: another profile and other caches are there from the second on. */
const LAUNCHES = 3;

/** From the start to the first button, the least of the starts after the first; it stays open. */
async function launchAgain(lab: LabApp): Promise<number> {
  const all: number[] = [];
  while (all.length < LAUNCHES) {
    if (all.length > 0) await lab.stop();
    all.push(await launch(lab));
  }
  return Math.min(...all.slice(1));
}

async function launch(lab: LabApp): Promise<number> {
  const start = performance.now();
  await lab.start();
  await lab.page.getByRole("button", { name: "New experiment" }).first().waitFor();
  return performance.now() - start;
}

/** From the click on Run until the frame with the first point is through, as the page itself sees it. */
async function firstPoint(lab: LabApp): Promise<number> {
  await lab.page.getByRole("banner").getByRole("button", { name: "New experiment" }).click();
  const main = lab.page.locator("main");
  await main.getByRole("textbox", { name: "Rounds", exact: true }).fill("2000");
  const button = main.getByRole("button", { name: "Run", exact: true });
  await button.waitFor();
  return button.evaluate(
    (run: HTMLButtonElement) =>
      new Promise<number>((resolve) => {
        const start = performance.now();
        let sampled = false;
        const off = window.lab.on("run.sampled", () => {
          off();
          sampled = true;
        });
        // The chart is shown with its first sample and drawn in the frame after that.
        const look = () => {
          const canvas = document.querySelector("main canvas");
          if (!sampled || !canvas?.checkVisibility({ visibilityProperty: true })) requestAnimationFrame(look);
          else requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - start)));
        };
        run.click();
        look();
      }),
  );
}

async function framesPerSecond(lab: LabApp, ms: number): Promise<number> {
  return lab.page.evaluate(
    (duration) =>
      new Promise<number>((resolve) => {
        const start = performance.now();
        let frames = 0;
        const count = () => {
          frames++;
          const spent = performance.now() - start;
          if (spent < duration) requestAnimationFrame(count);
          else resolve((frames * 1000) / spent);
        };
        requestAnimationFrame(count);
      }),
    ms,
  );
}

/** From a click on a history row until its chart has been drawn. */
async function openLongRun(lab: LabApp): Promise<number> {
  const rows = lab.page.getByRole("navigation", { name: "History" }).getByRole("option");
  const row = rows.first();
  await row.waitFor();
  // Another one first: what was open at the last end may be open again.
  await rows.nth(1).click();
  await lab.page.waitForTimeout(500);
  return row.evaluate(
    (option: HTMLElement) =>
      new Promise<number>((resolve) => {
        const start = performance.now();
        // The line of mode none is the only orange in a chart.
        const isDrawn = () => {
          const canvas = document.querySelector<HTMLCanvasElement>("main canvas");
          const context = canvas?.getContext("2d");
          if (!canvas || !context || canvas.width === 0) return false;
          const { data } = context.getImageData(Math.floor(canvas.width / 2), 0, 4, canvas.height);
          for (let at = 0; at < data.length; at += 4)
            if ((data[at] ?? 0) > 150 && (data[at + 1] ?? 0) < 130 && (data[at + 2] ?? 0) < 70 && data[at + 3] === 255)
              return true;
          return false;
        };
        const look = () => {
          if (isDrawn()) resolve(performance.now() - start);
          else requestAnimationFrame(look);
        };
        option.click();
        requestAnimationFrame(look);
      }),
  );
}

/** The end of a long run of the cover letter's server: 28.8 million tables, with a map of them. */
async function openServer(lab: LabApp): Promise<number> {
  const { id } = await lab.call("experiment.start", {
    workload: { kind: "preset", name: "server", params: {} },
    mode: "none",
  });
  for (;;) {
    const { runs } = await lab.call("experiment.get", { id });
    const [run] = runs;
    if (run?.status === "done") return run.summary?.final.pte_tables ?? 0;
    if (run?.endedAt !== null) throw new Error(`the server ended: ${run?.status} ${run?.reason}`);
    await lab.page.waitForTimeout(500);
  }
}

/** Frames, and the longest wait for one, while the map is read cell by cell and zoomed into and out of. */
async function mapFrames(lab: LabApp, ms: number): Promise<{ fps: number; longestMs: number }> {
  const cells = lab.page.getByRole("slider", { name: /Cells/ });
  await cells.focus();
  const frames = lab.page.evaluate(
    (duration) =>
      new Promise<{ fps: number; longestMs: number }>((resolve) => {
        const start = performance.now();
        let [before, longestMs, count] = [start, 0, 0];
        const next = () => {
          const now = performance.now();
          count++;
          longestMs = Math.max(longestMs, now - before);
          before = now;
          if (now - start < duration) requestAnimationFrame(next);
          else resolve({ fps: (count * 1000) / (now - start), longestMs });
        };
        requestAnimationFrame(next);
      }),
    ms,
  );
  const until = performance.now() + ms;
  for (let press = 0; performance.now() < until; press++) {
    await lab.page.keyboard.press(press % 20 === 10 ? "Enter" : press % 20 === 19 ? "Backspace" : "ArrowRight");
    await lab.page.waitForTimeout(10);
  }
  return frames;
}

async function listed(lab: LabApp, search: string): Promise<number> {
  return lab.page.evaluate(async (words) => {
    const start = performance.now();
    await window.lab.call("history.list", { search: words, limit: 200 });
    return performance.now() - start;
  }, search);
}

const home = mkdtempSync(join(tmpdir(), "reclaim-lab-bench-"));
/** A window over a history of its own. */
const labOver = (name: string): LabApp => new LabApp(join(home, name, "reclaim-lab"));
let lab = labOver("empty");
try {
  const long = labOver("long");
  fill(join(long.folder, "history.sqlite"), EXPERIMENTS);
  const floor = await measureFloor(process.env.RECLAIM_LAB_ELECTRON ?? "", join(long.folder, "history.sqlite"));
  const listBudget = { unit: "ms", budget: { atMost: 100 } } as const;

  const launched = await launchAgain(lab);
  tellBeside(
    { what: "launch to usable, not the first time", value: launched, unit: "ms", budget: { atMost: 1500 } },
    floor.launch,
  );
  const first = { unit: "ms", budget: { atMost: 200 } } as const;
  tellBeside(
    { what: "Run at once after that, to the first point", value: await firstPoint(lab), ...first },
    floor.point,
  );
  const fps = await framesPerSecond(lab, 3000);
  tell({ what: "frames while both modes stream", value: fps, unit: "fps", budget: { atLeast: 60 } });
  tell({ what: "  of an empty page's", value: fps / floor.fps, unit: "x", budget: { atLeast: 1 / 1.5 } });
  await lab.call("experiment.cancelAll");
  const later: number[] = [];
  for (let times = 0; times < 3; times++) {
    await lab.page.waitForTimeout(1000);
    later.push(await firstPoint(lab));
    await lab.call("experiment.cancelAll");
  }
  const middle = later.toSorted((a, b) => a - b)[1];
  tellBeside({ what: "Run to the first point, median of 3", value: middle, ...first }, floor.point);
  await lab.stop();

  lab = long;
  tellBeside(
    { what: "launch with 10,000 experiments", value: await launchAgain(lab), unit: "ms", budget: { atMost: 1500 } },
    floor.launch,
  );
  const drawn = await openLongRun(lab);
  tellBeside(
    { what: "a run of 100,000 samples opened and drawn", value: drawn, unit: "ms", budget: { atMost: 300 } },
    floor.samples,
  );
  tell({ what: "first 200 of 10,000, there and back, the first time", value: await listed(lab, ""), ...listBudget });
  const lists = [await listed(lab, ""), await listed(lab, ""), await listed(lab, "")];
  tellBeside({ what: "the same, the least of 3", value: Math.min(...lists), ...listBudget }, floor.list);
  tell({ what: "the same, searched", value: await listed(lab, "experiment 77"), ...listBudget });
  await lab.stop();

  lab = labOver("busy");
  fill(join(lab.folder, "history.sqlite"), 1000);
  await launch(lab);
  for await (const row of busyRows(lab)) tell(row);

  const tables = await openServer(lab);
  const panel = lab.page.getByRole("region", { name: "Page tables" });
  const replayed = performance.now();
  await lab.page.getByRole("navigation", { name: "History" }).getByRole("option").first().click();
  await panel.getByRole("list").getByText("empty").waitFor({ timeout: 600_000 });
  const note = `${(tables / 1e6).toFixed(1)} M tables`;
  tell({ what: "map: the run run again up to its end", value: performance.now() - replayed, unit: "ms", note });
  const { id: mapped } = (await lab.call("history.list", { limit: 1 })).rows[0]?.runs[0] ?? { id: 0 };
  const operations = (await lab.call("history.list", { limit: 1 })).rows[0]?.runs[0]?.summary?.operations ?? 0;
  const asked = performance.now();
  await lab.call("map.read", { runId: mapped, operations, cells: 450 });
  tell({ what: "map: all of it read into 450 cells", value: performance.now() - asked, unit: "ms", note });
  // Moments that nobody has seen since the way up to the end, the latest first: each of them is a step back.
  const back: number[] = [];
  for (let tenth = 9; tenth >= 1; tenth--) {
    const start = performance.now();
    await lab.call("map.read", { runId: mapped, operations: Math.round((operations * tenth) / 10) - 1, cells: 450 });
    back.push(performance.now() - start);
  }
  const halfway = back.toSorted((a, b) => a - b)[back.length >> 1];
  const budget = { atMost: 1000 };
  tell({ what: "map: back to an earlier moment, median of 9", value: halfway, unit: "ms", budget, note });
  tell({ what: "map: the longest of these", value: Math.max(...back), unit: "ms", budget, note });
  await lab.call("map.read", { runId: mapped, operations, cells: 450 });
  const { fps: mapFps, longestMs } = await mapFrames(lab, 4000);
  tell({ what: "frames while the map is read and zoomed", value: mapFps, unit: "fps", budget: { atLeast: 60 }, note });
  tell({ what: "the longest wait for a frame meanwhile", value: longestMs, unit: "ms", note });
  await lab.stop();
} finally {
  rmSync(home, { recursive: true, force: true });
}
