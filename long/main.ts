/**
 * `npm run test:long [-- --short] [--only fuzz,kill] [--seed N] [--jobs N]`: the long lane. Every part is a program of
 * its own that is started here with a limit on its time; at the end there is one table, also in
 * test-results/long/summary.md. With more than one job the longest parts begin first, before them what goes by the
 * clock, and what a part says is printed when it has ended.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildIfNeeded } from "../scripts/lib/build.ts";
import { findElectron } from "../scripts/lib/electron-runtime.ts";
import { ROOT } from "../scripts/lib/paths.ts";
import { runScript, SetupError, say } from "../scripts/lib/say.ts";
import { ensureSystemLibraries } from "../scripts/lib/system-libraries.ts";
import { OUT, type PartResult } from "./lib/part.ts";
import { textTable } from "./lib/table.ts";

interface Part {
  readonly name: string;
  readonly what: string;
  /** At most so many minutes, and in the short form. */
  readonly minutesMax: readonly [long: number, short: number];
  /** It takes its time whatever the machine: what begins last would keep all waiting. */
  readonly byClock?: boolean;
}

const PARTS: readonly Part[] = [
  { name: "determinism", what: "the same experiment again and again, everywhere: one digest", minutesMax: [30, 5] },
  {
    name: "failing",
    what: "every file call of every command that writes made to fail, once each",
    minutesMax: [120, 15],
  },
  { name: "faults", what: "disk full, read-only, locked, two at once: what the user sees", minutesMax: [15, 15] },
  { name: "fuzz", what: "everything that is read, damaged", minutesMax: [120, 10] },
  { name: "kernels", what: "Debian's kernels in QEMU, held to what was found there", minutesMax: [90, 20] },
  { name: "kill", what: "SIGKILL at random moments, nothing lost", minutesMax: [90, 15] },
  { name: "memory", what: "thousands of experiments in one host: what it holds stays level", minutesMax: [150, 10] },
  { name: "packages", what: "the packages installed, started, removed", minutesMax: [30, 30] },
  { name: "properties", what: "every test that draws on chance, with new seeds", minutesMax: [120, 10] },
  { name: "sabotage", what: "the engine broken on purpose, and found out", minutesMax: [60, 60] },
  { name: "scan", what: "the sources looked through for Electron's known mistakes", minutesMax: [20, 20] },
  {
    name: "studies",
    what: "one plan here, by Slurm and by GNU parallel, killed and on a full disk: the same rows",
    minutesMax: [30, 15],
  },
  { name: "soak", what: "an hour of random use of the window", minutesMax: [90, 15], byClock: true },
];

interface Line extends PartResult {
  readonly name: string;
  readonly minutes: number;
}

const heading = (part: Part) => `\n== ${part.name}: ${part.what}`;

function run(part: Part, args: readonly string[], minutesMax: number, printAtEnd: boolean): Promise<Line> {
  const began = performance.now();
  const result = join(OUT, part.name, "result.json");
  rmSync(result, { force: true });
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(ROOT, "long", part.name, "main.ts"), ...args], {
      cwd: ROOT,
      stdio: printAtEnd ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
    });
    const said: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => said.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => said.push(chunk));
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, minutesMax * 60_000);
    child.once("close", (code, signal) => {
      clearTimeout(limit);
      if (printAtEnd) console.log(`${heading(part)}\n${Buffer.concat(said).toString("utf8").trimEnd()}`);
      const minutes = (performance.now() - began) / 60_000;
      if (late) resolve({ name: part.name, ok: false, summary: `not done after ${minutesMax} minutes`, minutes });
      else if (!existsSync(result))
        resolve({ name: part.name, ok: false, summary: `ended without a result (${signal ?? code})`, minutes });
      else resolve({ ...(JSON.parse(readFileSync(result, "utf8")) as PartResult), name: part.name, minutes });
    });
  });
}

function chosen(only: string | undefined): readonly Part[] {
  if (only === undefined) return PARTS;
  const names = only.split(",");
  const unknown = names.filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0)
    throw new SetupError(
      `there is no part ${unknown.join(", ")} of the long lane; there are ${PARTS.map((part) => part.name).join(", ")}`,
    );
  return PARTS.filter((part) => names.includes(part.name));
}

/**
 * One after the other; or `jobs` at a time, what goes by the clock first, then those that may take longest. The lines
 * are in the order of `parts`.
 */
async function runAll(parts: readonly Part[], args: readonly string[], short: boolean, jobs: number): Promise<Line[]> {
  const minutesMax = (part: Part) => part.minutesMax[short ? 1 : 0];
  const byClock = (part: Part) => (part.byClock ? 1 : 0);
  const inTurn = (a: Part, b: Part) => byClock(b) - byClock(a) || minutesMax(b) - minutesMax(a);
  const waiting = jobs === 1 ? [...parts] : parts.toSorted(inTurn);
  const lines: Line[] = [];
  const worker = async () => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      if (jobs === 1) console.log(heading(part));
      else say(`${part.name} began`);
      lines.push(await run(part, args, minutesMax(part), jobs > 1));
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  const place = (line: Line) => parts.findIndex((part) => part.name === line.name);
  return lines.sort((a, b) => place(a) - place(b));
}

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      short: { type: "boolean" },
      only: { type: "string" },
      seed: { type: "string" },
      jobs: { type: "string", default: "1" },
    },
  });
  const jobs = Number(values.jobs);
  if (!Number.isSafeInteger(jobs) || jobs < 1)
    throw new SetupError(`--jobs must be a whole number from 1, not ${values.jobs}`);
  const parts = chosen(values.only);
  const short = values.short === true;
  ensureSystemLibraries({ virtualDisplay: true });
  const electron = await findElectron();
  say(electron.chosen);
  buildIfNeeded();
  process.env.RECLAIM_LAB_ELECTRON = electron.executable;
  mkdirSync(OUT, { recursive: true });
  const args = [...(short ? ["--short"] : []), ...(values.seed === undefined ? [] : ["--seed", values.seed])];
  const lines = await runAll(parts, args, short, jobs);
  const table = textTable(
    ["part", "minutes", "", "figures"],
    lines.map((line) => [line.name, line.minutes, line.ok ? "holds" : "FAILS", line.summary]),
  );
  const failed = lines.filter((line) => !line.ok).length;
  const last = `${lines.length - failed} passed, ${failed} failed`;
  console.log(`\n${table}\n\n${last}`);
  writeFileSync(
    join(OUT, "summary.md"),
    `# The long lane${short ? ", short form" : ""}\n\n\`\`\`\n${table}\n\`\`\`\n\n${last}\n`,
  );
  return failed === 0 ? 0 : 1;
});
