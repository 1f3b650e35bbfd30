import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRandom } from "../engine/workload/random.ts";
import { NotFoundError } from "./errors.ts";
import { removeDatabase } from "./files.ts";
import { openStore, type Store } from "./store.ts";
import { newRun, rows, SPEC, testFolder } from "./testing.ts";

/** How many processes are killed: a few here, RECLAIM_LAB_KILLS=500 in the long lane. */
const KILLS = Number(process.env.RECLAIM_LAB_KILLS ?? 6);
const KILLS_A_HISTORY = 20;
const SEED = Number(process.env.RECLAIM_LAB_SEED);
const REPLAY = `replay: RECLAIM_LAB_SEED=${SEED} RECLAIM_LAB_KILLS=${KILLS} npx vitest run db/crash.test.ts`;

let folder: ReturnType<typeof testFolder>;
let file: string;
beforeEach(() => {
  folder = testFolder();
  file = folder.file();
});
const writers: Writer[] = [];
afterEach(async () => {
  for (const one of writers.splice(0)) process.kill(one.pid, "SIGKILL");
  folder.remove();
});

interface Writer {
  /** What it said is stored. */
  readonly said: string[];
  readonly pid: number;
  readonly ready: Promise<void>;
  kill(): Promise<void>;
}

function writer(work: "record" | "backup", seed: number): Writer {
  const script = join(import.meta.dirname, "crash-writer.ts");
  const child = spawn(process.execPath, [script, file, work, String(seed)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  const said: string[] = [];
  let rest = "";
  let isReady: () => void;
  const ready = new Promise<void>((resolve) => (isReady = resolve));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    said.push(...lines);
    isReady();
  });
  const closed = once(child, "close");
  const started: Writer = {
    said,
    pid: child.pid ?? -1,
    ready: Promise.race([ready, closed.then(() => undefined)]),
    async kill() {
      writers.splice(writers.indexOf(started), 1);
      child.kill("SIGKILL");
      const [code, signal] = await closed;
      expect([code, signal], "the writer ended by itself").toEqual([null, "SIGKILL"]);
    },
  };
  writers.push(started);
  return started;
}

/** The file as the dead process left it, log and all, is sound, read by SQLite alone. */
function expectSound(): void {
  const copy = folder.file("look.sqlite");
  for (const suffix of ["", "-wal"]) if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
  const db = new Database(copy);
  expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
  expect(db.pragma("foreign_key_check")).toEqual([]);
  db.close();
}

function exists(store: Store, runId: number): boolean {
  try {
    return store.getRun(runId) !== undefined;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}

/** All that was said to be stored is there; what was not ended is marked, unless its process lives. */
function expectKept(store: Store, said: readonly string[], alive: boolean): void {
  const purged = new Set(said.filter((line) => line.startsWith("purging")).flatMap((line) => line.split(" ").slice(1)));
  const done = new Set(said.filter((line) => line.startsWith("done")).map((line) => line.split(" ")[1]));
  const samples = new Map(
    said.filter((line) => line.startsWith("samples")).map((line) => line.split(" ").slice(1) as [string, string]),
  );
  for (const [id, count] of samples) {
    if (purged.has(id)) continue;
    // A living process may have purged it since; once it is dead, all that it said is looked at.
    if (alive && !exists(store, Number(id))) continue;
    const run = store.getRun(Number(id));
    expect(run.sampleCount, `run ${id}`).toBeGreaterThanOrEqual(Number(count));
    const { count: kept } = store.samples(run.id, { columns: ["seq"] });
    // A living process goes on between the two questions.
    expect(kept, `run ${id}`).toBeGreaterThanOrEqual(run.sampleCount);
    if (!alive) expect(kept, `run ${id}`).toBe(run.sampleCount);
    if (done.has(id)) expect(run.status).toBe("done");
    else if (alive) expect(["running", "done"]).toContain(run.status);
    else {
      expect(["interrupted", "done"]).toContain(run.status);
      if (run.status === "interrupted")
        expect(run).toMatchObject({ reason: expect.stringMatching(/samples/), endedAt: expect.any(Number) });
    }
  }
}

describe(`killed processes (${REPLAY})`, () => {
  test(`${KILLS} kills at random moments lose nothing that was stored`, {
    timeout: 60_000 + KILLS * 5000,
  }, async () => {
    const random = createRandom(SEED);
    const table = { kills: 0, interrupted: 0, samples: 0 };
    for (let i = 0; i < KILLS; i++) {
      // A history that all of it is read of after every kill must not grow without end.
      if (i % KILLS_A_HISTORY === 0) removeDatabase(file);
      const victim = writer(i % 4 === 3 ? "backup" : "record", random.uint32());
      const other = i % 3 === 2 ? writer("record", random.uint32()) : undefined;
      await Promise.all([victim.ready, other?.ready]);
      await sleep(random.below(250));
      await victim.kill();
      if (other) {
        // The other process goes on; its runs are not touched by whoever opens the history now.
        const store = openStore(file);
        const seen = [...other.said];
        expectKept(store, victim.said, false);
        expect(store.interrupted.every((run) => run.reason?.includes(String(victim.pid)))).toBe(true);
        await sleep(50);
        expectKept(store, seen, true);
        store.close();
        await other.kill();
      }
      expectSound();
      const store = openStore(file);
      for (const { said } of [victim, other].flatMap((one) => one ?? [])) expectKept(store, said, false);
      expect(store.list({ statuses: ["running", "queued"] }).total).toBe(0);
      table.kills += other ? 2 : 1;
      table.interrupted += store.interrupted.length;
      const health = store.check();
      expect(health).toMatchObject({ ok: true, problems: [] });
      table.samples = Math.max(table.samples, health.samples);
      store.close();
      if (existsSync(`${file}.backup`)) {
        const backup = openStore(`${file}.backup`);
        expect(backup.check()).toMatchObject({ ok: true });
        backup.close();
      }
    }
    if (KILLS > 50) console.log(table);
    const strange = readdirSync(folder.path).filter((name) => !/^(\.?history\.sqlite|look\.sqlite)/.test(name));
    expect(strange).toEqual([]);
  });
});

test("three processes that write at once all get their turn, and all of it is there", {
  timeout: 120_000,
}, async () => {
  const script = `
    const { openStore } = await import(${JSON.stringify(new URL("./store.ts", import.meta.url).href)});
    const { newRun, rows, SPEC } = await import(${JSON.stringify(new URL("./testing.ts", import.meta.url).href)});
    const store = openStore(${JSON.stringify(folder.file())});
    for (let i = 0; i < 10; i++) {
      const run = store.startRun(store.createExperiment(SPEC).id, newRun());
      for (let from = 0; from < 2000; from += 100) store.appendSamples(run.id, rows(from, 100));
      store.finishRun(run.id, { status: "done" });
    }
    store.close();`;
  const ends = [0, 1, 2].map(async () => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    return (await once(child, "close"))[0];
  });
  expect(await Promise.all(ends)).toEqual([0, 0, 0]);
  const store = openStore(file);
  expect(store.list({ statuses: ["done"] }).total).toBe(30);
  expect(store.check()).toEqual({ ok: true, problems: [], damage: null, experiments: 30, runs: 30, samples: 60_000 });
  store.close();
});

describe("who owns a run", () => {
  test("a store that is closed has its runs marked; a store beside it keeps its own", () => {
    const one = openStore(file);
    const other = openStore(file);
    const { id } = one.createExperiment(SPEC);
    const mine = one.startRun(id, newRun("sync"));
    const theirs = other.startRun(id, newRun("none", { status: "queued" }));
    one.appendSamples(mine.id, rows(0, 3));
    one.close();
    expect(other.getRun(mine.id)).toMatchObject({
      status: "interrupted",
      sampleCount: 3,
      summary: { operations: 201 },
    });
    const third = openStore(file);
    expect(third.interrupted).toEqual([]);
    expect(third.getRun(theirs.id).status).toBe("queued");
    expect(() => third.getRun(99)).toThrow(NotFoundError);
    third.close();
    other.close();
  });

  test.each([
    ["another boot", { scope: "boot-1 pid:[1]" }],
    ["a process id that is used again", { start: "1", pid: process.ppid }],
    ["a process id that is not used", { pid: 2 ** 22 + 1 }],
    ["a store that is gone", { token: "other" }],
    ["nobody that can be known", { pid: null }],
  ])("of %s is marked", (_whose, change) => {
    const store = openStore(file);
    const run = store.startRun(store.createExperiment(SPEC).id, newRun());
    const db = new Database(file);
    const owner = JSON.parse(String(db.prepare("SELECT owner FROM run").pluck().get()));
    db.prepare("UPDATE run SET owner = ?").run(JSON.stringify({ ...owner, ...change }));
    expect(store.markInterrupted().map(({ id }) => id)).toEqual([run.id]);
    expect(store.getRun(run.id).status).toBe("interrupted");
    db.close();
    store.close();
  });

  test.runIf(process.platform === "linux")("of another container lives as long as its heart beats", () => {
    let now = 1_000_000;
    const store = openStore(file, { now: () => now });
    const run = store.startRun(store.createExperiment(SPEC).id, newRun());
    const db = new Database(file);
    db.prepare(
      "UPDATE run SET owner = json_set(owner, '$.scope', substr(owner ->> '$.scope', 1, 36) || ' pid:[7]')",
    ).run();
    expect(store.markInterrupted()).toEqual([]);
    now += 120_000;
    expect(store.markInterrupted().map(({ id }) => id)).toEqual([run.id]);
    expect(store.getRun(run.id).endedAt).toBe(1_000_000);
    db.close();
    store.close();
  });
});
