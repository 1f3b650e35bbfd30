/**
 * One plan of 500 tasks: by the command line here, by Slurm, by GNU parallel, and through kills and a full disk. However it was
 * made, its rows are the same.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { ROOT } from "../../scripts/lib/paths.ts";
import { type PartOptions, runPart } from "../lib/part.ts";
import { missingSlurm, startSlurm } from "./slurm.ts";

const CLI = join(ROOT, "main", "cli.ts");
const TASKS = 500;

function writePlan(folder: string): string {
  const traces = join(ROOT, "engine", "workload", "testdata", "traces");
  for (const name of ["redis-default", "python3"])
    cpSync(join(traces, name, "events.txt.gz"), join(folder, "traces", name, "events.txt.gz"));
  const seeds = Array.from({ length: 25 }, (_, i) => i + 1);
  const plan = join(folder, "plan.json");
  const workloads = [
    { preset: "commit-table", params: { size: ["64M", "256M"], chunk: ["1M", "2M"] } },
    { preset: "redis-flush", params: { dataset: ["16M", "64M"] } },
    { preset: "go-scavenger", params: {} },
    { preset: "thp-split", params: {} },
    { trace: "traces/*/events.txt.gz" },
  ];
  writeFileSync(plan, JSON.stringify({ version: 1, name: "500 tasks", workloads, policies: ["none", "sync"], seeds }));
  return plan;
}

interface Ended {
  readonly status: number | null;
  readonly err: string;
}

function batch(args: readonly string[], env: NodeJS.ProcessEnv = {}): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [CLI, "batch", ...args], {
    env: { ...process.env, NODE_OPTIONS: "", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let err = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  return { child, ended: new Promise((done) => child.once("close", (status) => done({ status, err }))) };
}

/** The rows of a folder, each digest once, as one hash and how many they are. */
async function rowsOf(folder: string): Promise<{ readonly rows: number; readonly hash: string }> {
  const rows = new Map<string, string>();
  const at = join(folder, "results");
  for (const name of readdirSync(at).filter((each) => each.endsWith(".parquet")))
    for (const row of await parquetReadObjects({ file: await asyncBufferFromFile(join(at, name)) })) {
      const text = JSON.stringify(row, (_, value) => (typeof value === "bigint" ? String(value) : value));
      const before = rows.get(row.digest);
      if (before !== undefined && before !== text)
        throw new Error(`two rows of one task differ: ${before} and ${text}`);
      rows.set(row.digest, text);
    }
  const hash = createHash("sha256");
  for (const digest of [...rows.keys()].sort()) hash.update(rows.get(digest) ?? "");
  return { rows: rows.size, hash: hash.digest("hex") };
}

/** Kills the process group of one shard once its folder has a part or it has been at work for a while. */
async function killShard(plan: string, out: string, shard: string, say: PartOptions["say"]): Promise<void> {
  const { child, ended } = batch([plan, "--out", out, "--shard", shard, "--jobs", "1"]);
  const timer = setTimeout(() => child.kill("SIGKILL"), 1500);
  const { status } = await ended;
  clearTimeout(timer);
  say(`shard ${shard}: ${status === null ? "killed at work" : "had ended before the kill"}`);
}

async function onFullDisk(plan: string, folder: string, say: PartOptions["say"]): Promise<string> {
  const out = join(folder, "full");
  mkdirSync(out);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=20k", "tmpfs", out], { encoding: "utf8" });
  if (mounted.status !== 0) throw new Error(`no small file system: ${mounted.stderr}`);
  try {
    const full = await batch([plan, "--out", out]).ended;
    const said = full.err.trim().split("\n").at(-1) ?? "";
    say(`full disk: exit status ${full.status}: ${said}`);
    if (full.status !== 1 || !/no space is left/.test(full.err))
      throw new Error(`a full disk is not said: ${full.err}`);
    spawnSync("mount", ["-o", "remount,size=64m", out]);
    const again = await batch([plan, "--out", out]).ended;
    if (again.status !== 0) throw new Error(`after there is room again: ${again.err}`);
    cpSync(out, join(folder, "after-full"), { recursive: true });
  } finally {
    spawnSync("umount", [out]);
  }
  return join(folder, "after-full");
}

await runPart("studies", async ({ say }) => {
  const folder = mkdtempSync(join(tmpdir(), "studies-"));
  const done: string[] = [];
  const skipped: string[] = [];
  const wrong: string[] = [];
  try {
    const plan = writePlan(folder);
    const local = await batch([plan, "--out", join(folder, "local")]).ended;
    if (local.status !== 0) return { ok: false, summary: `here: ${local.err}` };
    const expected = await rowsOf(join(folder, "local"));
    if (expected.rows !== TASKS) return { ok: false, summary: `the plan makes ${expected.rows} tasks, not ${TASKS}` };
    const compare = async (how: string, out: string) => {
      const got = await rowsOf(out);
      const same = got.hash === expected.hash;
      say(`${how}: ${got.rows} rows, ${same ? "equal to the local ones" : "NOT equal to the local ones"}`);
      (same ? done : wrong).push(how);
    };

    const cut = join(folder, "cut");
    await killShard(plan, cut, "1/2", say);
    for (const shard of ["1/2", "2/2", "2/2"]) {
      const { status, err } = await batch([plan, "--out", cut, "--shard", shard]).ended;
      if (status !== 0) return { ok: false, summary: `shard ${shard}: ${err}` };
    }
    await compare("one shard killed, one run twice", cut);

    const twice = join(folder, "twice");
    const both = [batch([plan, "--out", twice]), batch([plan, "--out", twice])];
    for (const { ended } of both) {
      const { status, err } = await ended;
      if (status !== 0) return { ok: false, summary: `two at once: ${err}` };
    }
    await compare("two at once in one folder", twice);

    if (process.getuid?.() === 0) await compare("a full disk, resumed", await onFullDisk(plan, folder, say));
    else skipped.push("full disk (a small file system takes root)");

    if (spawnSync("sh", ["-c", "command -v parallel"], { stdio: "ignore" }).status === 0) {
      const out = join(folder, "by parallel");
      const { status, err } = await batch([plan, "--out", out, "--on", "parallel", "--shards", "4"]).ended;
      if (status !== 0) return { ok: false, summary: `GNU parallel: ${err}` };
      await compare("GNU parallel", out);
    } else skipped.push("GNU parallel (apt-get install parallel)");

    const missing = missingSlurm();
    if (missing.length > 0) skipped.push("Slurm (apt-get install slurmctld slurmd slurm-client munge)");
    else if (process.getuid?.() !== 0) skipped.push("Slurm (its daemons take root)");
    else {
      const place = join(folder, "slurm");
      mkdirSync(place);
      const slurm = await startSlurm(place);
      try {
        const out = join(folder, "by Slurm, 2 slots");
        const { status, err } = await batch([plan, "--out", out, "--on", "slurm", "--shards", "6"], slurm.env).ended;
        if (status !== 0)
          return { ok: false, summary: `Slurm: ${err} ${readFileSync(join(out, "job.sbatch"), "utf8")}` };
        await compare("Slurm, two slots", out);
      } finally {
        slurm.stop();
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const left = skipped.length > 0 ? `; skipped: ${skipped.join(", ")}` : "";
  const bad = wrong.length > 0 ? `; NOT equal: ${wrong.join(", ")}` : "";
  return { ok: wrong.length === 0, summary: `${TASKS} tasks, rows equal: ${done.join("; ")}${bad}${left}` };
});
