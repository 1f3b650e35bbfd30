import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BadValueError, DamagedHistoryError, ForeignFileError, StateError } from "./errors.ts";
import { recoverHistory } from "./recover.ts";
import { openStore, type Store } from "./store.ts";
import { newRun, rows, SPEC, said, summary, testFolder } from "./testing.ts";

let folder: ReturnType<typeof testFolder>;
let store: Store;
beforeEach(() => {
  folder = testFolder();
  store = openStore(folder.file());
});
afterEach(() => {
  store.close();
  folder.remove();
});

/** An experiment with both modes done, `samples` samples each. */
function add(to: Store, title: string, samples = 10) {
  const { id } = to.createExperiment({ ...SPEC, title, tags: [title], notes: `about ${title}` });
  for (const mode of ["sync", "none"] as const) {
    const run = to.startRun(id, newRun(mode));
    to.appendSamples(run.id, rows(0, samples));
    to.finishRun(run.id, { status: "done", summary: summary(mode === "sync" ? 240 : 102_640) });
  }
  return to.getExperiment(id);
}

const inFolder = () =>
  readdirSync(folder.path)
    .filter((name) => !/-(wal|shm)$|^\./.test(name))
    .sort();
const without = <T extends { id: number }>({ id: _, ...rest }: T) => rest;
/** An experiment without the numbers that a history gives it. */
const content = (experiment: ReturnType<typeof add>) => ({
  ...without(experiment),
  runs: experiment.runs.map(({ experimentId: _, ...run }) => without(run)),
});

describe("a backup", () => {
  test("made while a run goes on is a whole history of its own", async () => {
    const a = add(store, "a", 3000);
    const run = store.startRun(store.createExperiment(SPEC).id, newRun());
    store.appendSamples(run.id, rows(0, 100));
    const progress: number[] = [];
    const modes = new Set<number>();
    const making = store.backup(folder.file("copy.sqlite"), (step) => {
      progress.push(step.pagesDone / step.pagesTotal);
      for (const name of readdirSync(folder.path)) modes.add(statSync(folder.file(name)).mode & 0o777);
    });
    store.appendSamples(run.id, rows(100, 100));
    await making;
    store.appendSamples(run.id, rows(200, 100));
    expect(inFolder()).toEqual(["copy.sqlite", "history.sqlite"]);
    expect(progress.at(-1)).toBe(1);
    // Nobody else reads it while it grows, either.
    if (process.platform !== "win32") expect(modes).toEqual(new Set([0o600]));
    const copy = openStore(folder.file("copy.sqlite"));
    expect(copy.getExperiment(a.id)).toEqual(a);
    expect(copy.getRun(run.id)).toMatchObject({ status: "interrupted", reason: expect.stringMatching(/copy/) });
    expect(copy.check().ok).toBe(true);
    copy.close();
    expect(store.getRun(run.id)).toMatchObject({ status: "running", sampleCount: 300 });
    store.finishRun(run.id, { status: "done" });
  });

  test("replaces an older one in one step, never the history itself", async () => {
    await store.backup(folder.file("copy.sqlite"));
    add(store, "a");
    await store.backup(folder.file("copy.sqlite"));
    const copy = openStore(folder.file("copy.sqlite"));
    expect(copy.list().total).toBe(1);
    copy.close();
    await expect(store.backup(folder.file())).rejects.toThrow(BadValueError);
    const used = openStore(folder.file("used.sqlite"));
    await expect(store.backup(folder.file("used.sqlite"))).rejects.toThrow(/in use/);
    used.close();
    await store.backup(folder.file("used.sqlite"));
    await expect(store.backup(folder.file("no/such/x.sqlite"))).rejects.toThrow();
    expect(inFolder()).toEqual(["copy.sqlite", "history.sqlite", "used.sqlite"]);
  });
});

test("a backup does not replace a history that was opened while it was made", async () => {
  add(store, "a");
  const target = folder.file("copy.sqlite");
  await store.backup(target);
  let opened: Store | undefined;
  const backup = store.backup(target, () => {
    if (opened !== undefined) return;
    opened = openStore(target);
    opened.createExperiment({ ...SPEC, title: "b" });
  });
  await expect(backup).rejects.toThrow(/in use/);
  opened?.close();
  const copy = openStore(target);
  expect(copy.list().rows.map(({ title }) => title)).toEqual(["b", "a"]);
  copy.close();
});

describe("restoring", () => {
  test("makes the history what the backup is, with its numbers, and keeps what was", async () => {
    const a = add(store, "a");
    store.setSetting("x", 1);
    await store.backup(folder.file("copy.sqlite"));
    const bytes = readFileSync(folder.file("copy.sqlite"), "hex");
    store.describeExperiment(a.id, { title: "changed", tags: [] });
    const b = add(store, "b");
    const beside = openStore(folder.file());
    const kept = await store.restore(folder.file("copy.sqlite"));
    for (const seen of [store, beside]) {
      expect(seen.getExperiment(a.id)).toEqual(a);
      expect(seen.list().total).toBe(1);
      expect(seen.samples(a.runs[0].id).count).toBe(10);
      expect(seen.getSetting("x")).toBe(1);
    }
    beside.close();
    expect(store.check()).toMatchObject({ ok: true, experiments: 1, runs: 2, samples: 20 });
    expect(store.createExperiment(SPEC).id).toBeGreaterThan(b.id);
    expect(readFileSync(folder.file("copy.sqlite"), "hex")).toBe(bytes);
    const old = openStore(kept);
    expect(old.getExperiment(b.id)).toEqual(b);
    old.close();
  });

  /** Runs a script for which `store` is the history, opened by a process of its own. */
  const beside = (script: string) =>
    spawn(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `const { openStore } = await import(${JSON.stringify(new URL("./store.ts", import.meta.url).href)});
        const { SPEC } = await import(${JSON.stringify(new URL("./testing.ts", import.meta.url).href)});
        const store = openStore(${JSON.stringify(folder.file())});
        ${script}`,
      ],
      { env: { ...process.env, NODE_OPTIONS: "" }, stdio: ["ignore", "pipe", "inherit"] },
    );

  /** Titles in the history and in all that was kept of it. */
  function allTitles(): string[] {
    const kept = inFolder().filter((name) => /^history(?:\.before-restore.*)?\.sqlite$/.test(name));
    return kept.flatMap((name) => {
      const one = openStore(folder.file(name));
      const titles = one.list({ limit: 10_000 }).rows.map(({ title }) => title);
      one.close();
      return titles;
    });
  }

  test("keeps what another process writes meanwhile", async () => {
    add(store, "a");
    await store.backup(folder.file("copy.sqlite"));
    const writer = beside(`
      for (let i = 0; i < 60; i++) {
        store.createExperiment({ ...SPEC, title: \`written \${i}\` });
        process.stdout.write(\`written \${i}\\n\`);
        await new Promise((done) => setTimeout(done, 40));
      }`);
    let said = "";
    writer.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(writer, "close");
    await once(writer.stdout, "data");
    for (let i = 0; i < 10; i++)
      await store
        .restore(folder.file("copy.sqlite"))
        .catch((error: unknown) => expect(error).toBeInstanceOf(StateError));
    await ended;
    const titles = said.trim().split("\n");
    expect(titles).toHaveLength(60);
    expect(allTitles()).toEqual(expect.arrayContaining(titles));
  });

  test("is refused while a run goes on, and of what is no history", async () => {
    const a = add(store, "a");
    await store.backup(folder.file("copy.sqlite"));
    const run = store.startRun(a.id, newRun());
    await expect(store.restore(folder.file("copy.sqlite"))).rejects.toThrow(StateError);
    store.finishRun(run.id, { status: "done" });
    writeFileSync(folder.file("text"), "x".repeat(5000));
    await expect(store.restore(folder.file("text"))).rejects.toThrow(ForeignFileError);
    truncateSync(folder.file("copy.sqlite"), 20_000);
    await expect(store.restore(folder.file("copy.sqlite"))).rejects.toThrow(DamagedHistoryError);
    await expect(store.restore(folder.file("none"))).rejects.toThrow(/read or written/);
    expect(store.getExperiment(a.id).runs).toHaveLength(3);
    expect(inFolder()).toEqual(["copy.sqlite", "history.sqlite", "text"]);
    expect(store.check().ok).toBe(true);
  });
});

describe("merging", () => {
  test("adds what is not here, under new numbers, once, and leaves the other file alone", async () => {
    const a = add(store, "a");
    await store.backup(folder.file("other.sqlite"));
    const other = openStore(folder.file("other.sqlite"));
    const more = other.startRun(a.id, newRun("sync", { label: "later" }));
    other.appendSamples(more.id, rows(0, 7));
    other.finishRun(more.id, { status: "done" });
    const b = add(other, "b", 20);
    other.trash([b.id]);
    const binned = other.getExperiment(b.id);
    const mine = add(store, "mine");
    const running = other.startRun(other.createExperiment({ ...SPEC, title: "going on" }).id, newRun());
    const bytes = readFileSync(folder.file("other.sqlite"), "hex");

    expect(store.merge(folder.file("other.sqlite"))).toEqual({ experiments: 2, runs: 4, samples: 47, known: 1 });
    expect(readFileSync(folder.file("other.sqlite"), "hex")).toBe(bytes);
    expect(other.getRun(running.id).status).toBe("running");
    expect(store.getExperiment(mine.id)).toEqual(mine);
    expect(store.getExperiment(a.id).runs.map((run) => run.label)).toEqual(["", "", "later"]);
    const [came] = store.list({ shelf: "trash" }).rows;
    expect(came.id).not.toBe(mine.id);
    expect(content(came)).toEqual(content(binned));
    expect(store.samples(came.runs[1].id)).toEqual(other.samples(b.runs[1].id));
    const [interrupted] = store.list({ search: "going on" }).rows;
    expect(interrupted.runs[0].status).toBe("interrupted");

    expect(store.merge(folder.file("other.sqlite"))).toEqual({ experiments: 0, runs: 0, samples: 0, known: 3 });
    expect(store.check()).toMatchObject({ ok: true, experiments: 4, runs: 8, samples: 20 + 20 + 47 });
    other.close();
    expect(inFolder()).toEqual(["history.sqlite", "other.sqlite"]);
  });

  test("of what is no history changes nothing", () => {
    writeFileSync(folder.file("text"), "x".repeat(5000));
    expect(said(() => store.merge(folder.file("text")))).toMatch(/not a Reclaim Lab history/);
    expect(store.check()).toMatchObject({ ok: true, experiments: 0 });
  });
});

describe("checking", () => {
  test("finds rows that do not fit together", () => {
    const a = add(store, "a");
    const db = new Database(folder.file());
    db.pragma("foreign_keys = OFF");
    db.prepare("DELETE FROM sample WHERE run_id = ? AND seq > 4").run(a.runs[0].id);
    db.prepare("INSERT INTO tag VALUES (999, 'x')").run();
    db.close();
    const { ok, problems } = store.check();
    expect(ok).toBe(false);
    expect(problems).toEqual([
      "a row of tag refers to a row of experiment that is not there",
      `run ${a.runs[0].id} should have 10 samples and has 5`,
    ]);
  });
});

test("checking finds damage under the tables, too", () => {
  add(store, "a", 3000);
  // Into the file itself, so that the pages are the ones that are read.
  store.close();
  const bytes = readFileSync(folder.file());
  store = openStore(folder.file());
  bytes.fill(0xa5, bytes.length - 4096 * 20, bytes.length - 4096 * 19);
  writeFileSync(folder.file(), bytes);
  const { ok, problems } = store.check();
  expect(ok).toBe(false);
  expect(problems.join()).toMatch(/page|malformed/);
});

describe("recovering", () => {
  /** Three experiments of 4,000 samples a run; the file's bytes after closing. */
  function filled(): Buffer {
    for (const title of ["a", "b", "c"]) add(store, title, 4000);
    store.close();
    return readFileSync(folder.file());
  }

  test("takes all of a sound file", () => {
    filled();
    const found = recoverHistory(folder.file(), folder.file("new.sqlite"));
    expect(found).toEqual({ experiments: 3, runs: 6, samples: 24_000, incomplete: [] });
    const saved = openStore(folder.file("new.sqlite"));
    store = openStore(folder.file());
    expect(saved.list().rows).toEqual(store.list().rows);
    expect(saved.check().ok).toBe(true);
    saved.close();
  });

  test.each([0.3, 0.6, 0.95])("takes what is left of a file cut off at %f of its length", (part) => {
    const bytes = filled();
    truncateSync(folder.file(), Math.floor(bytes.length * part));
    const damaged = readFileSync(folder.file(), "hex");
    expect(said(() => openStore(folder.file()))).toMatch(/cut off/);
    const found = recoverHistory(folder.file(), folder.file("new.sqlite"));
    expect(found.experiments).toBeGreaterThanOrEqual(3);
    // All that is on the pages that are left.
    expect(found.samples).toBeGreaterThan(24_000 * part * 0.9);
    expect(found.samples).toBeLessThan(24_000);
    expect(found.incomplete).toContain("sample");
    const saved = openStore(folder.file("new.sqlite"));
    expect(saved.check()).toMatchObject({ ok: true, runs: found.runs, samples: found.samples });
    // Samples whose run's own record is lost are kept under one that says so.
    for (const run of saved.list().rows.flatMap((row) => row.runs)) {
      expect(saved.samples(run.id).count).toBe(run.sampleCount);
      if (run.label.startsWith("recovered")) expect(run.reason).toMatch(/not known/);
    }
    saved.close();
    expect(readFileSync(folder.file(), "hex")).toBe(damaged);
    expect(inFolder()).toEqual(["history.sqlite", "new.sqlite"]);
  });

  test("keeps the records of runs whose ends were cut off, under their experiment", () => {
    const { id } = store.createExperiment({ ...SPEC, title: "cut" });
    const uids = (["sync", "none"] as const).map((mode) => {
      const run = store.startRun(id, newRun(mode));
      store.appendSamples(run.id, rows(0, 100));
      store.finishRun(run.id, { status: "done", summary: summary(240), detail: { long: "x".repeat(20_000) } });
      return store.getRun(run.id).uid;
    });
    store.close();
    const bytes = readFileSync(folder.file());
    writeFileSync(folder.file(), bytes.subarray(0, bytes.length - 4096));
    const found = recoverHistory(folder.file(), folder.file("new.sqlite"));
    expect(found).toMatchObject({ experiments: 1, runs: 2, samples: 200 });
    expect(found.incomplete).toContain("run");
    const saved = openStore(folder.file("new.sqlite"));
    const runs = saved.getExperiment(id).runs;
    expect(runs.map(({ uid }) => uid).sort()).toEqual([...uids].sort());
    expect(runs.map(({ mode }) => mode)).toEqual(["sync", "none"]);
    // What was read is there: here all but the detail.
    for (const run of runs) expect(run).toMatchObject({ status: "done", sampleCount: 100, summary: { wall_ms: 18.5 } });
    expect(saved.check().ok).toBe(true);
    saved.close();
  });

  test("takes the rows on both sides of an overwritten page", () => {
    const bytes = filled();
    const page = Math.floor(bytes.length / 4096 / 2);
    bytes.fill(0xa5, page * 4096, (page + 1) * 4096);
    writeFileSync(folder.file(), bytes);
    const found = recoverHistory(folder.file(), folder.file("new.sqlite"));
    expect(found.samples).toBeGreaterThan(23_000);
    expect(found.samples).toBeLessThan(24_000);
    const saved = openStore(folder.file("new.sqlite"));
    const runs = saved.list().rows.flatMap((row) => row.runs);
    const { columns, count } = saved.samples(runs.find((run) => run.sampleCount < 4000)?.id ?? 0);
    expect([columns.seq?.[0], columns.seq?.[count - 1]]).toEqual([0, 3999]);
    saved.close();
  });

  test("takes the rows of a table whose tree is lost", () => {
    filled();
    const db = new Database(folder.file(), { readonly: true });
    const root = Number(db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'sample'").pluck().get());
    db.close();
    const bytes = readFileSync(folder.file());
    bytes.fill(0, (root - 1) * 4096, root * 4096);
    writeFileSync(folder.file(), bytes);
    const found = recoverHistory(folder.file(), folder.file("new.sqlite"));
    expect(found).toMatchObject({ experiments: 3, runs: 6, incomplete: ["sample"] });
    // The root itself held a few.
    expect(found.samples).toBeGreaterThan(23_900);
  });

  test("says when nothing is left, and overwrites nothing", () => {
    filled();
    expect(said(() => recoverHistory(folder.file(), folder.file()))).toMatch(/file with that name/);
    writeFileSync(folder.file("noise"), Buffer.alloc(50_000, 7));
    expect(said(() => recoverHistory(folder.file("noise"), folder.file("new.sqlite")))).toMatch(/not a SQLite/);
    truncateSync(folder.file(), 4096);
    expect(said(() => recoverHistory(folder.file(), folder.file("new.sqlite")))).toMatch(/nothing in it can be read/);
    expect(inFolder()).toEqual(["history.sqlite", "noise"]);
  });
});
