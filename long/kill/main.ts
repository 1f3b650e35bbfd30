/**
 * SIGKILL at random moments, random processes: a lab host in a run, a delete, a backup, an export or a merge; the
 * command line; the window's program, its renderer and its host; the probe of a measured run; an engine worker (a
 * thread: it is made to throw where nobody catches). After each the history must open, pass integrity_check and
 * foreign_key_check, hold every earlier run as it was, hold every sample that the lab had told of, and have no run
 * that nobody runs. `--kills N` instead of 500 (40 in the short form).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureProbe } from "../../probe/detect.ts";
import { buildIfNeeded } from "../../scripts/lib/build.ts";
import { electronSwitches } from "../../scripts/lib/display.ts";
import { findElectron } from "../../scripts/lib/electron-runtime.ts";
import { ROOT } from "../../scripts/lib/paths.ts";
import { startDisplay } from "../../scripts/lib/xvfb.ts";
import { PATIENCE_MS, startWindow, until } from "../lib/cdp.ts";
import { type PartOptions, runPart } from "../lib/part.ts";
import { isAlive, tree } from "../lib/processes.ts";
import { type Random, seeded } from "../lib/random.ts";
import { textTable } from "../lib/table.ts";
import { HostProcess } from "./host.ts";
import { Ledger } from "./ledger.ts";

/** Histories grow: after so many kills a new one is begun. */
const KILLS_A_HISTORY = 25;

interface Scene {
  readonly ledger: Ledger;
  readonly folder: string;
  readonly random: Random;
}

/** What a kill hit, and what else was found wrong with it. */
interface Hit {
  /** Was the process still at work when it was killed? */
  readonly live: boolean;
  readonly problems: readonly string[];
  /** Age of the newest sample that the lab had told of when it was killed, in ms; null where it had told of none. */
  readonly ageMs: number | null;
}

interface Started {
  readonly id: number;
  readonly runs: readonly { readonly id: number }[];
}
interface Sampled {
  readonly runId: number;
  readonly fromSeq: number;
  readonly samples: { readonly count: number };
}

const SPEC = (rounds: number, more: Record<string, unknown> = {}) => ({
  workload: { kind: "preset", name: "commit-table", params: { rounds } },
  ...more,
});

/** A host that notes what it tells. */
function open({ ledger }: Scene, env: NodeJS.ProcessEnv = {}): HostProcess & { lastTold: number | null } {
  const host = Object.assign(new HostProcess(ledger.file, env), { lastTold: null as number | null });
  host.onEvent = (name, payload) => {
    if (name !== "run.sampled") return;
    const { runId, fromSeq, samples } = payload as Sampled;
    ledger.told(runId, fromSeq + samples.count);
    host.lastTold = performance.now();
  };
  return host;
}

const age = (told: number | null) => (told === null ? null : performance.now() - told);

async function hostInRun(scene: Scene): Promise<Hit> {
  const host = open(scene);
  if (scene.random.chance(0.1)) {
    // While it opens the file.
    await sleep(scene.random.below(250));
    await host.kill();
    return { live: true, problems: [], ageMs: null };
  }
  await host.ready();
  await host.call<Started>("experiment.start", SPEC(scene.random.between(2, 30)));
  await sleep(scene.random.below(1500));
  const ageMs = age(host.lastTold);
  await host.kill();
  return { live: true, problems: [], ageMs };
}

async function commandLineInRun(scene: Scene): Promise<Hit> {
  const rounds = scene.random.between(2, 20);
  const args = ["run", "commit-table", "--set", `rounds=${rounds}`, "--db", scene.ledger.file, "--json"];
  return killCommand(scene, args, 2500);
}

async function killCommand({ random }: Scene, args: readonly string[], within: number): Promise<Hit> {
  const child = spawn(process.execPath, [join(ROOT, "dist", "host", "cli.mjs"), ...args], { stdio: "ignore" });
  const gone = once(child, "exit");
  await Promise.race([sleep(random.below(within)), gone]);
  const live = child.exitCode === null;
  child.kill("SIGKILL");
  await gone;
  return { live, problems: [], ageMs: null };
}

/** Some experiments to work on. */
async function fill(scene: Scene): Promise<number[]> {
  const host = open(scene);
  await host.ready();
  const ids: number[] = [];
  for (let i = 0; i < 3; i++) {
    const started = await host.call<Started>("experiment.start", SPEC(1));
    if (started !== null) ids.push(started.id);
  }
  await until("the runs to end", async () => {
    const page = await host.call<{ rows: { runs: { status: string }[] }[] }>("history.list", { limit: 10 });
    return (
      page?.rows.every((row) => row.runs.every((run) => run.status !== "running" && run.status !== "queued")) ||
      undefined
    );
  });
  await host.close();
  return ids;
}

async function inDelete(scene: Scene): Promise<Hit> {
  const ids = await fill(scene);
  const host = open(scene);
  await host.ready();
  // Deleting an experiment under way cancels its runs first.
  const running = await host.call<Started>("experiment.start", SPEC(10));
  const going = (async () => {
    for (let i = 0; i < 100; i++) {
      await host.call("experiment.delete", { ids });
      await host.call("experiment.restore", { ids });
      if (i === 3 && running !== null) await host.call("experiment.delete", { ids: [running.id] });
    }
  })().catch(() => {});
  await sleep(scene.random.below(400));
  await host.kill();
  await going;
  return { live: true, problems: [], ageMs: null };
}

/** Files beside the export that are neither it nor whole. */
function halfExports(folder: string, format: string, whole: Buffer): string[] {
  const problems: string[] = [];
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(`.${format}`)) continue;
    if (!readFileSync(join(folder, name)).equals(whole)) problems.push(`${name} is a half-written export`);
  }
  return problems;
}

async function inExport(scene: Scene): Promise<Hit> {
  const ids = await fill(scene);
  const folder = mkdtempSync(join(scene.folder, "export-"));
  const format = scene.random.pick(["csv", "json"]);
  const wholeFile = join(scene.folder, "whole.out");
  const host = open(scene);
  await host.ready();
  const write = (path: string) => host.call("export.write", { experimentId: ids[0], format, path });
  await write(wholeFile);
  const going = (async () => {
    for (let i = 0; i < 200; i++) await write(join(folder, `${i % 3}.${format}`));
  })().catch(() => {});
  await sleep(scene.random.below(500));
  await host.kill();
  await going;
  const problems = halfExports(folder, format, readFileSync(wholeFile));
  // The next export into the folder removes what the killed one left.
  const next = open(scene);
  await next.ready();
  await next.call("export.write", { experimentId: ids[0], format, path: join(folder, `next.${format}`) });
  await next.close();
  problems.push(...readdirSync(folder).filter((name) => name.startsWith(".")));
  return { live: true, problems, ageMs: null };
}

async function inBackup(scene: Scene): Promise<Hit> {
  await fill(scene);
  const copy = join(scene.folder, "copy.sqlite");
  rmSync(copy, { force: true });
  const host = open(scene);
  await host.ready();
  await host.call("experiment.start", SPEC(5));
  const going = host.call("history.backup", { path: copy }).catch(() => null);
  await sleep(scene.random.below(120));
  await host.kill();
  const done = (await going) !== null;
  const problems: string[] = [];
  if (existsSync(copy)) problems.push(...new Ledger(copy).check().problems.map((each) => `the copy: ${each}`));
  rmSync(copy, { force: true });
  return { live: !done, problems, ageMs: null };
}

async function inMerge(scene: Scene): Promise<Hit> {
  const other = join(scene.folder, `other-${scene.random.below(1e9)}.sqlite`);
  await fill({ ...scene, ledger: new Ledger(other) });
  const hit = await killCommand(scene, ["history", "merge", other, "--db", scene.ledger.file], 1200);
  rmSync(other, { force: true });
  return hit;
}

/** A file of every released schema is opened by this program, which brings it to its own; killed on the way. */
async function inMigration(scene: Scene): Promise<Hit> {
  const fixtures = join(ROOT, "db", "fixtures");
  const released = readdirSync(fixtures).filter((name) => /^v\d+\.(db|sqlite)$/.test(name));
  const file = join(scene.folder, `old-${scene.random.below(1e9)}.sqlite`);
  copyFileSync(join(fixtures, scene.random.pick(released)), file);
  const hit = await killCommand(scene, ["list", "--db", file], 700);
  const { problems } = new Ledger(file).check();
  for (const name of readdirSync(scene.folder)) if (name.startsWith("old-")) rmSync(join(scene.folder, name));
  return { ...hit, problems };
}

async function worker(scene: Scene): Promise<Hit> {
  const host = open(scene, { RECLAIM_LAB_FAULT: `worker-crash:${scene.random.between(1, 100_000)}` });
  await host.ready();
  const problems: string[] = [];
  const ended = Promise.withResolvers<string>();
  const note = host.onEvent;
  host.onEvent = (name, payload) => {
    note(name, payload);
    if (name === "run.ended") ended.resolve((payload as { status: string }).status);
  };
  await host.call("experiment.start", SPEC(10, { mode: scene.random.pick(["sync", "none"]) }));
  const status = await Promise.race([ended.promise, sleep(30_000).then(() => "still running after 30 s")]);
  if (status !== "failed") problems.push(`the run of a crashed worker is ${status}`);
  if ((await host.call("history.list", {})) === null) problems.push("the host went with its worker");
  await host.close();
  return { live: true, problems, ageMs: null };
}

async function probe(scene: Scene): Promise<Hit> {
  const host = open(scene);
  await host.ready();
  const ended = Promise.withResolvers<string>();
  const sampled = Promise.withResolvers<void>();
  const note = host.onEvent;
  host.onEvent = (name, payload) => {
    note(name, payload);
    if (name === "run.sampled") sampled.resolve();
    if (name === "run.ended") ended.resolve((payload as { status: string }).status);
  };
  const problems: string[] = [];
  await host.call("experiment.start", {
    ...SPEC(1, { mode: "none", source: "kernel" }),
    workload: { kind: "preset", name: "commit-table", params: { size: 2 ** 34 } },
  });
  // Before, there are probes that ask what the kernel is; without their answer the run goes on to its end, which may take minutes.
  await Promise.race([sampled.promise, sleep(PATIENCE_MS)]);
  const victim = tree(host.child.pid ?? 0).find((each) => each.command.includes("reclaim-probe"));
  if (victim === undefined) problems.push("no probe was started");
  else {
    await sleep(scene.random.below(1500));
    if (isAlive(victim.pid)) process.kill(victim.pid, "SIGKILL");
  }
  const status = await Promise.race([ended.promise, sleep(180_000).then(() => "still running after 180 s")]);
  if (status !== "failed" && status !== "done") problems.push(`the run of a killed probe is ${status}`);
  if ((await host.call("history.list", {})) === null) problems.push("the host went with the probe");
  await host.close();
  return { live: status === "failed", problems, ageMs: null };
}

interface Desktop {
  readonly electron: string;
  readonly display: string;
}

/** The whole desktop program: its host, its renderer, or itself. */
function windowProcess(who: "app" | "window's host" | "renderer", { electron, display }: Desktop) {
  return async (scene: Scene): Promise<Hit> => {
    const args = [...electronSwitches().filter((each) => each !== "--disable-gpu"), ROOT];
    const env = { ...process.env, DISPLAY: display, RECLAIM_LAB_DATA: scene.folder };
    const started = await startWindow(electron, args, env);
    const problems: string[] = [];
    const root = started.child.pid ?? 0;
    const host = () => tree(root).find((each) => each.command.includes("host.mjs"))?.pid;
    await started.page.call("experiment.start", SPEC(20));
    await sleep(scene.random.below(1500));
    const hostPid = host();
    if (who === "app") {
      started.child.kill("SIGKILL");
      await started.gone;
    } else if (who === "renderer") {
      const page = tree(root).find((each) => each.command.includes("--type=renderer"));
      if (page !== undefined) process.kill(page.pid, "SIGKILL");
      await sleep(500);
      if (host() !== hostPid) problems.push("the host did not outlive the renderer");
      started.child.kill("SIGTERM");
      await started.gone;
    } else {
      if (hostPid !== undefined) process.kill(hostPid, "SIGKILL");
      else problems.push("the window had no host");
      await until("the host to be started again", () => {
        const now = host();
        return now !== undefined && now !== hostPid ? now : undefined;
      });
      const list = await until("the window to be answered again", () =>
        started.page.call<{ rows: { runs: { status: string }[] }[] }>("history.list", {}).catch(() => undefined),
      );
      if (!list.rows.some((row) => row.runs.some((run) => run.status === "interrupted")))
        problems.push("what was under way is not marked interrupted");
      await started.stop();
    }
    started.page.close();
    if (hostPid !== undefined) await until("the host to leave", () => (isAlive(hostPid) ? undefined : true));
    return { live: true, problems, ageMs: null };
  };
}

interface Kind {
  readonly name: string;
  /** How often of 500. */
  readonly share: number;
  readonly act: (scene: Scene) => Promise<Hit>;
}

interface Row {
  kills: number;
  live: number;
  losses: number;
  ageMsMax: number;
}

async function killLoop(kinds: readonly Kind[], kills: number, { seed, say, out }: PartOptions) {
  const random = seeded(seed);
  const table = new Map<string, Row>(kinds.map(({ name }) => [name, { kills: 0, live: 0, losses: 0, ageMsMax: 0 }]));
  const total = kinds.reduce((sum, each) => sum + each.share, 0);
  // Every kind has its share, in a random order.
  const order = kinds.flatMap((kind) =>
    Array.from({ length: Math.max(1, Math.round((kind.share * kills) / total)) }, () => kind),
  );
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j] as Kind, order[i] as Kind];
  }
  const work = mkdtempSync(join(tmpdir(), "reclaim-lab-kill-"));
  let scene: Scene | undefined;
  let interrupted = 0;
  for (const [i, kind] of order.entries()) {
    if (scene === undefined || i % KILLS_A_HISTORY === 0) {
      const folder = join(work, String(i));
      mkdirSync(folder);
      scene = { folder, random, ledger: new Ledger(join(folder, "history.sqlite")) };
      await fill(scene);
    }
    const row = table.get(kind.name) as Row;
    const problems: string[] = [];
    try {
      const hit = await kind.act(scene);
      row.kills++;
      if (hit.live) row.live++;
      row.ageMsMax = Math.max(row.ageMsMax, hit.ageMs ?? 0);
      problems.push(...hit.problems);
    } catch (error) {
      problems.push(`broke off: ${error instanceof Error ? error.message : error}`);
    }
    const verdict = scene.ledger.check();
    interrupted = Math.max(interrupted, verdict.interrupted);
    problems.push(...verdict.problems);
    if (problems.length > 0) {
      row.losses++;
      say(`  kill ${i} (${kind.name}): ${problems.slice(0, 4).join("; ")}`);
      cpFolder(scene.folder, join(out, `kill-${i}`));
    }
    if ((i + 1) % 50 === 0) say(`  ${i + 1} of ${order.length}`);
  }
  rmSync(work, { recursive: true, force: true });
  return table;
}

function cpFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) if (/sqlite/.test(name)) copyFileSync(join(from, name), join(to, name));
}

await runPart(
  "kill",
  async (options) => {
    const kills = Number(options.values.kills ?? (options.short ? 40 : 500));
    const electron = await findElectron();
    buildIfNeeded();
    const noProbe = ensureProbe();
    const display = await startDisplay();
    const desktop = { electron: electron.executable, display: display.name };
    const kinds: Kind[] = [
      { name: "lab host, in a run", share: 150, act: hostInRun },
      { name: "command line, in a run", share: 120, act: commandLineInRun },
      { name: "engine worker (crash)", share: 50, act: worker },
      ...(noProbe === null ? [{ name: "probe", share: 30, act: probe }] : []),
      { name: "app", share: 30, act: windowProcess("app", desktop) },
      { name: "window's host", share: 20, act: windowProcess("window's host", desktop) },
      { name: "renderer", share: 10, act: windowProcess("renderer", desktop) },
      { name: "host, in a delete", share: 25, act: inDelete },
      { name: "host, in an export", share: 25, act: inExport },
      { name: "host, in a backup", share: 20, act: inBackup },
      { name: "command line, in a merge", share: 10, act: inMerge },
      { name: "command line, in a migration", share: 10, act: inMigration },
    ];
    if (noProbe !== null) options.say(`  no measured runs here: ${noProbe}`);
    const only = options.values.only;
    const chosen = typeof only === "string" ? kinds.filter((each) => each.name.includes(only)) : kinds;
    try {
      const table = await killLoop(chosen, kills, options);
      const text = textTable(
        ["process", "kills", "at work", "losses"],
        [...table].map(([name, row]) => [name, row.kills, row.live, row.losses]),
      );
      options.say(text);
      writeFileSync(join(options.out, "table.txt"), `${text}\n`);
      const sum = (field: keyof Row) => [...table.values()].reduce((total, row) => total + row[field], 0);
      const ageMs = Math.max(...[...table.values()].map((row) => row.ageMsMax));
      return {
        ok: sum("losses") === 0,
        summary: `${sum("kills")} kills, ${sum("live")} of processes at work, ${sum("losses")} losses; a kill came at most ${ageMs.toFixed(0)} ms after the last stored batch that was told`,
      };
    } finally {
      display.close();
    }
  },
  { kills: { type: "string" }, only: { type: "string" } },
);
