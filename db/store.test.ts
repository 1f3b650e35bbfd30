import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SAMPLE_COLUMNS } from "../engine/experiment/types.ts";
import { BadValueError, NotFoundError, StateError } from "./errors.ts";
import { openStore, type Store } from "./store.ts";
import { FACTS, newRun, rows, SPEC, summary, testFolder } from "./testing.ts";

let folder: ReturnType<typeof testFolder>;
let store: Store;
let now = 1_000_000;

beforeEach(() => {
  folder = testFolder();
  now = 1_000_000;
  store = openStore(folder.file(), { now: () => now++ });
});

afterEach(() => {
  store.close();
  folder.remove();
});

/** An experiment with both runs done; final VmPTE in kB. */
function finished(title: string, syncKb: number, noneKb: number, more: Partial<typeof SPEC> = {}) {
  const { id } = store.createExperiment({ ...SPEC, title, ...more });
  for (const [mode, kb] of [
    ["sync", syncKb],
    ["none", noneKb],
  ] as const) {
    const run = store.startRun(id, newRun(mode));
    store.appendSamples(run.id, rows(0, 3));
    store.finishRun(run.id, { status: "done", summary: summary(kb) });
  }
  return store.getExperiment(id);
}

describe("an experiment and its runs", () => {
  test("come back as they were stored, also from a reopened file", () => {
    const { id } = store.createExperiment({ ...SPEC, tags: ["b", "a", "a"], notes: "n", detail: { path: "/x" } });
    const run = store.startRun(id, newRun("none", { operationsTotal: 25_600, label: "first" }));
    expect(run).toMatchObject({ experimentId: id, status: "running", sampleCount: 0, summary: null, endedAt: null });
    store.appendSamples(run.id, rows(0, 2), summary(44));
    expect(store.getRun(run.id).summary).toEqual(summary(44));
    store.appendSamples(run.id, rows(2, 98));
    const ended = store.finishRun(run.id, { status: "done", summary: summary(102_640) });
    expect(ended).toMatchObject({ status: "done", sampleCount: 100, operations: 99 * 100 + 1, facts: FACTS });
    expect(ended.sparkline).toHaveLength(48);
    expect(ended.sparkline.at(-1)).toBe(99 * 100 + 3);

    const before = store.getExperiment(id);
    expect(before).toMatchObject({ ...SPEC, tags: ["a", "b"], notes: "n", detail: { path: "/x" }, deletedAt: null });
    expect(before.runs).toEqual([ended]);
    store.close();
    store = openStore(folder.file());
    expect(store.getExperiment(id)).toEqual(before);
    expect(store.interrupted).toEqual([]);
  });

  test("the sparkline of a program's run goes by its clock, not by its samples", () => {
    const { id } = store.createExperiment(SPEC);
    // 10 kB for the first 90 samples, which are a tenth of the time; 1000 kB from then on.
    const samples = rows(0, 100, {
      time_ns: (seq) => (seq < 90 ? seq * 10 : 900 + (seq - 90) * 900),
      vmpte_kb: (seq) => (seq < 90 ? 10 : 1000),
    });
    const large = (more: Parameters<typeof summary>[1]): number => {
      const run = store.startRun(id, newRun());
      store.appendSamples(run.id, samples);
      const { sparkline } = store.finishRun(run.id, { status: "done", summary: summary(1000, more) });
      return sparkline.filter((kb) => kb === 1000).length / sparkline.length;
    };
    expect(large({})).toBeCloseTo(0.1, 1);
    expect(large({ program_ns: 9000 })).toBeCloseTo(0.9, 1);
  });

  test("runs are stored together, or not at all", () => {
    const { id } = store.createExperiment(SPEC);
    const runs = store.startRuns(id, [newRun("none", { label: "a" }), newRun("sync", { label: "b" })]);
    expect(store.getExperiment(id).runs).toEqual(runs);
    expect(runs.map(({ mode, label }) => `${mode} ${label}`)).toEqual(["none a", "sync b"]);
    const wrong = { ...newRun(), source: null } as unknown as ReturnType<typeof newRun>;
    expect(() => store.startRuns(id, [newRun(), wrong])).toThrow();
    expect(store.getExperiment(id).runs).toHaveLength(2);
  });

  test("a queued run begins, once", () => {
    const { id } = store.createExperiment(SPEC);
    const run = store.startRun(id, newRun("sync", { status: "queued" }));
    expect(run.startedAt).toBeNull();
    expect(() => store.appendSamples(run.id, rows(0, 1))).toThrow(StateError);
    expect(store.beginRun(run.id)).toMatchObject({ status: "running", startedAt: expect.any(Number) });
    store.finishRun(run.id, { status: "cancelled", reason: "by hand" });
    expect(() => store.beginRun(run.id)).toThrow(StateError);
    expect(() => store.finishRun(run.id, { status: "done" })).toThrow(StateError);
    expect(() => store.appendSamples(run.id, rows(1, 1))).toThrow(StateError);
  });

  test("what is not there is named", () => {
    expect(() => store.getExperiment(999)).toThrow(new NotFoundError("experiment", 999));
    expect(() => store.getRun(999)).toThrow(NotFoundError);
    expect(() => store.samples(999)).toThrow(NotFoundError);
    expect(() => store.startRun(999, newRun())).toThrow(NotFoundError);
    expect(() => store.appendSamples(999, rows(0, 1))).toThrow(NotFoundError);
    expect(() => store.describeExperiment(999, { title: "x" })).toThrow(NotFoundError);
  });

  test("a run that ends without a summary gets that of its samples", () => {
    const { id } = store.createExperiment(SPEC);
    const run = store.startRun(id, newRun());
    store.appendSamples(
      run.id,
      rows(0, 10, { vmpte_kb: (seq) => (seq === 4 ? 900 : 240), pte_tables: () => Number.NaN }),
    );
    const ended = store.finishRun(run.id, { status: "failed", reason: "worker died" });
    expect(ended.summary).toMatchObject({ final: { vmpte_kb: 240, pte_tables: null }, peak: { vmpte_kb: 900 } });
    expect(ended.reason).toBe("worker died");
  });
});

describe("samples", () => {
  test("are stored column for column; NaN stays unknown", () => {
    const { id } = store.createExperiment(SPEC);
    const run = store.startRun(id, newRun());
    const packed = rows(0, 1000, { time_ns: (seq) => seq * 1e12, swap_kb: () => Number.NaN });
    store.appendSamples(run.id, packed.subarray(0, 28 * 400));
    store.appendSamples(run.id, packed.subarray(28 * 400));
    const { count, columns } = store.samples(run.id);
    expect(count).toBe(1000);
    for (const [at, { name }] of SAMPLE_COLUMNS.entries())
      expect(columns[name], name).toEqual(Float64Array.from({ length: 1000 }, (_, i) => packed[i * 28 + at]));
    const part = store.samples(run.id, { columns: ["vmpte_kb", "seq"], fromSeq: 10, toSeq: 12 });
    expect(Object.keys(part.columns).sort()).toEqual(["seq", "vmpte_kb"]);
    expect([...(part.columns.seq ?? [])]).toEqual([10, 11, 12]);
  });

  test("a batch is stored whole or not at all", () => {
    const { id } = store.createExperiment(SPEC);
    const run = store.startRun(id, newRun());
    store.appendSamples(run.id, rows(0, 5));
    expect(() => store.appendSamples(run.id, rows(4, 5))).toThrow(BadValueError);
    expect(() => store.appendSamples(run.id, rows(5, 5, { faults: () => 0.5 }))).toThrow(BadValueError);
    expect(() => store.appendSamples(run.id, rows(5, 2).subarray(1))).toThrow(BadValueError);
    expect(store.samples(run.id).count).toBe(5);
    expect(store.getRun(run.id).sampleCount).toBe(5);
  });
});

describe("the list", () => {
  test("searches title, workload, parameters, tags and notes, without case and accents", () => {
    const a = finished("Commit table", 240, 102_640);
    const b = finished("Café server", 300, 900, { workload: "jemalloc", params: { decay: 10_000 }, tags: ["Nightly"] });
    store.describeExperiment(b.id, { notes: "100% Ärger_x" });
    const found = (search: string) => store.list({ search }).rows.map((row) => row.id);
    expect(found("")).toEqual([b.id, a.id]);
    expect(found("COMMIT table")).toEqual([a.id]);
    expect(found("cafe")).toEqual([b.id]);
    expect(found("decay=10000 nightly")).toEqual([b.id]);
    expect(found("0% ärger_")).toEqual([b.id]);
    expect(found("commit nightly")).toEqual([]);
    expect(found("%")).toEqual([b.id]);
    expect(store.list({ search: "commit" }).total).toBe(1);
  });

  test("filters, sorts and pages", () => {
    const small = finished("B small", 200, 300, { tags: ["x"] });
    const large = finished("a large", 240, 102_640, { tags: ["x", "y"] });
    const { id: bare } = store.createExperiment({ ...SPEC, title: "c bare", workload: "other" });
    const ids = (filter: Parameters<Store["list"]>[0]) => store.list(filter).rows.map((row) => row.id);
    expect(ids({ sort: "saving" })).toEqual([large.id, small.id, bare]);
    expect(ids({ sort: "saving", descending: false })).toEqual([small.id, large.id, bare]);
    expect(ids({ sort: "title", descending: false })).toEqual([large.id, small.id, bare]);
    expect(ids({ sort: "peak" })).toEqual([large.id, small.id, bare]);
    expect(ids({ tags: ["x", "y"] })).toEqual([large.id]);
    expect(ids({ workloads: ["other", "nope"] })).toEqual([bare]);
    expect(ids({ statuses: ["done"], sort: "created", descending: false })).toEqual([small.id, large.id]);
    expect(ids({ sources: ["kernel"] })).toEqual([]);
    expect(ids({ descending: false, limit: 1, offset: 1 })).toEqual([large.id]);
    expect(store.list({ limit: 1, offset: 1 }).total).toBe(3);
    expect(store.tags()).toEqual([
      { name: "x", count: 2 },
      { name: "y", count: 1 },
    ]);
  });

  test("has a shelf for what was put aside and one for the trash", () => {
    const a = finished("a", 1, 2);
    const b = finished("b", 1, 2);
    store.describeExperiment(a.id, { archived: true, pinned: true, title: "  a2 " });
    expect(store.list().rows.map((row) => row.id)).toEqual([b.id]);
    expect(store.list({ shelf: "archive", pinned: true }).rows).toMatchObject([
      { id: a.id, title: "a2", pinned: true },
    ]);
    store.describeExperiment(a.id, { archived: false });
    expect(store.list().total).toBe(2);
  });
});

describe("deleting", () => {
  test("goes through a trash that can be undone, and is final only when purged", () => {
    const a = finished("a", 1, 2);
    const b = finished("b", 1, 2);
    expect(store.purge({ ids: [a.id] })).toBe(0);
    expect(store.trash([a.id, b.id, 999])).toBe(2);
    expect(store.list().total).toBe(0);
    expect(store.list({ shelf: "trash" }).total).toBe(2);
    expect(store.untrash([a.id])).toBe(1);
    expect(store.getExperiment(a.id)).toEqual({ ...a, deletedAt: null });
    expect(store.purge({ before: now + 10 })).toBe(1);
    expect(() => store.getExperiment(b.id)).toThrow(NotFoundError);
    expect(() => store.samples(b.runs[0].id)).toThrow(NotFoundError);
    expect(store.samples(a.runs[0].id).count).toBe(3);
    expect(store.createExperiment(SPEC).id).toBeGreaterThan(b.id);
  });

  test("waits for a run that is under way", () => {
    const { id } = store.createExperiment(SPEC);
    const run = store.startRun(id, newRun());
    expect(() => store.trash([id])).toThrow(StateError);
    store.finishRun(run.id, { status: "cancelled" });
    expect(store.trash([id])).toBe(1);
  });
});

test("texts that cannot be are refused at their field", () => {
  expect(() => store.createExperiment({ ...SPEC, title: " " })).toThrow(BadValueError);
  expect(() => store.createExperiment({ ...SPEC, tags: [" "] })).toThrow(BadValueError);
  expect(store.list().total).toBe(0);
});

test("a stored value that is no longer what it was is named with its row, which is shown all the same", () => {
  const { id } = finished("a", 1, 2);
  const db = new Database(folder.file());
  db.pragma("ignore_check_constraints = ON");
  db.prepare("UPDATE run SET facts = '{'").run();
  db.close();
  expect(store.getExperiment(id).runs[0]).toMatchObject({
    problem: "what is stored as its facts is not valid",
    facts: { cpu: "unknown" },
    status: "done",
  });
  expect(store.list().total).toBe(1);
});

test("settings keep JSON", () => {
  expect(store.getSetting("window")).toBeNull();
  store.setSetting("window", { columns: ["saving"] });
  store.setSetting("window", { columns: ["saving", "peak"] });
  expect(store.getSetting("window")).toEqual({ columns: ["saving", "peak"] });
  const db = new Database(folder.file());
  db.exec("UPDATE setting SET value = '{}' || char(0) || 'x'");
  db.close();
  expect(store.getSetting("window"), "one that cannot be read is none").toBeNull();
});
