/** Histories with values that no program of ours writes: each opens, lists and is repaired row by row; the rest of it is as it was. */
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InvalidRowsError } from "./errors.ts";
import { recoverHistory } from "./recover.ts";
import { openStore } from "./store.ts";
import { newRun, rows, SPEC, said, summary, testFolder } from "./testing.ts";

let folder: ReturnType<typeof testFolder>;
beforeEach(() => {
  folder = testFolder();
  const store = openStore(folder.file());
  for (const mode of ["none", "sync"] as const) {
    const { id } = mode === "none" ? store.createExperiment(SPEC) : store.getExperiment(1);
    const run = store.startRun(id, newRun(mode));
    store.appendSamples(run.id, rows(0, 20));
    store.finishRun(run.id, { status: "done", summary: summary(mode === "none" ? 480 : 240) });
  }
  store.close();
});
afterEach(() => folder.remove());

/** Changes the history past its rules. */
function change(sql: string): void {
  const db = new Database(folder.file());
  db.unsafeMode(true);
  db.pragma("ignore_check_constraints = ON");
  db.pragma("foreign_keys = OFF");
  db.exec(sql);
  db.close();
}

/** Not taken over, and told; what is valid of it is saved, and that is. */
function refusedAndSaved(why: RegExp): void {
  const mine = openStore(folder.file("mine.sqlite"));
  try {
    expect(said(() => mine.merge(folder.file()))).toMatch(why);
    expect(() => mine.merge(folder.file())).toThrow(InvalidRowsError);
    recoverHistory(folder.file(), folder.file("saved.sqlite"));
    expect(mine.merge(folder.file("saved.sqlite"))).toMatchObject({ experiments: 1 });
    expect(mine.check()).toMatchObject({ ok: true });
  } finally {
    mine.close();
  }
}

describe("names that every object has", () => {
  test.each([
    '{"__proto__":{"toString":1,"valueOf":1}}',
    '{"constructor":{"a":1}}',
    '{"prototype":[1]}',
    '{"size":1,"__proto__":1}',
  ])("as parameters (%s)", (params) => {
    change(`UPDATE experiment SET params = '${params}'; UPDATE run SET params = '${params}'`);
    refusedAndSaved(/experiment 1: what is stored as its params is not valid/);
    const store = openStore(folder.file());
    expect(store.getExperiment(1)).toMatchObject({ problem: expect.stringContaining("params"), params: {} });
    store.describeExperiment(1, { tags: ["odd"] });
    store.close();
  });
});

test.each(["'null'", `'{"a":1}' || char(0) || 'x'`])(
  "parameters that are none (%s) keep nobody from describing the experiment, and condemn no history",
  (params) => {
    change(`UPDATE experiment SET params = ${params}`);
    const told: Error[] = [];
    const store = openStore(folder.file(), { onDamage: (error) => told.push(error) });
    expect(store.describeExperiment(1, { title: "Another title" })).toMatchObject({ title: "Another title" });
    expect(store.list({ search: "another" }).total).toBe(1);
    expect(told).toEqual([]);
    store.close();
  },
);

const UNENDED = "status = 'running', owner = NULL";
/** Run 2 is found unfinished, and cannot be ended as others are. */
const UNENDABLE: Readonly<Record<string, string>> = {
  "its samples are gone": `UPDATE run SET ${UNENDED}, summary = json_set(summary, '$.program_ns', 1000) WHERE id = 2;
    DELETE FROM sample WHERE run_id = 2`,
  "its last sign of life lies beyond all time": `UPDATE run SET ${UNENDED}, heartbeat_ms = 9223372036854775807 WHERE id = 2`,
  "its last sign of life lies before all time": `UPDATE run SET ${UNENDED}, heartbeat_ms = -9223372036854775807 WHERE id = 2`,
  "its number is none": `UPDATE run SET ${UNENDED}, id = -7 WHERE id = 2;
    UPDATE sample SET run_id = -7 WHERE run_id = 2`,
  "another's peak is a text": `UPDATE run SET ${UNENDED} WHERE id = 2;
    UPDATE run SET summary = '{"peak":{"vmpte_kb":"x"}}' WHERE id = 1`,
  "it did half an operation": `UPDATE run SET ${UNENDED}, summary = json_set(summary, '$.operations', 1e9 + 0.5) WHERE id = 2`,
};

describe("a run that was left unfinished keeps nobody from the history", () => {
  test.each(Object.entries(UNENDABLE))("where %s", (_name, sql) => {
    change(sql);
    const store = openStore(folder.file());
    try {
      const runs = store.list().rows.flatMap((row) => row.runs);
      expect(runs.map(({ id, status }) => ({ id, status }))).toMatchObject(
        sql.includes("id = -7")
          ? [{ id: 1, status: "done" }]
          : [
              { id: 1, status: "done" },
              { id: 2, status: "interrupted" },
            ],
      );
      for (const { endedAt } of runs) expect(endedAt).toBeLessThanOrEqual(Date.now());
      expect(store.markInterrupted()).toEqual([]);
    } finally {
      store.close();
    }
    const db = new Database(folder.file(), { readonly: true });
    expect(db.prepare("SELECT count(*) FROM run WHERE status = 'running'").pluck().get()).toBe(0);
    db.close();
  });
});

test("a run that cannot be ended at all is set aside, and the next is ended", () => {
  const store = openStore(folder.file());
  try {
    change(`UPDATE run SET ${UNENDED}; UPDATE run SET detail = '{' WHERE id = 1`);
    expect(store.markInterrupted().map(({ id, status }) => ({ id, status }))).toEqual([
      { id: 1, status: "interrupted" },
      { id: 2, status: "interrupted" },
    ]);
    expect(store.markInterrupted()).toEqual([]);
  } finally {
    store.close();
  }
});

describe("an object with two fields of one name, of which SQLite reads one and JavaScript the other", () => {
  test.each([
    `replace(summary, '"peak":', '"peak":{"vmpte_kb":"x"},"peak":')`,
    `replace(summary, '"peak":', '"pe\\u0061k" : {"vmpte_kb":"x"}, "peak":')`,
    `replace(summary, '"peak":{', '"peak" : {"vmpte_kb":1e6,')`,
  ])("%s", (twice) => {
    change(`UPDATE run SET summary = ${twice} WHERE id = 2`);
    const store = openStore(folder.file());
    expect(store.check()).toMatchObject({ ok: false, damage: null });
    expect(store.getExperiment(1).runs.map(({ problem }) => problem)).toEqual([
      null,
      "what is stored as its summary is not valid",
    ]);
    store.close();
    refusedAndSaved(/run 2: what is stored as its summary is not valid/);
  });

  test("is none where the same is written otherwise", () => {
    change(`UPDATE run SET summary = replace(summary, ':', ' :  '),
      facts = replace(facts, '"cpu":"test"', '"cpu":"a \\"test\\": of \\u0061"')`);
    const store = openStore(folder.file());
    expect(store.check()).toMatchObject({ ok: true });
    expect(store.getRun(1).facts.cpu).toBe('a "test": of a');
    store.close();
  });
});

/** So many bytes of a document with as many values as it can have. */
const crowded = (bytes: number) =>
  `'[' || substr(replace(hex(zeroblob(${bytes / 3})), '00', '[],'), 1, ${bytes}) || '[]]'`;

describe("documents are no longer than what the program writes, and no heavier than they are long", () => {
  test.each([
    ["run", "kernel_profile", 70_000],
    ["run", "detail", 70_000],
    ["experiment", "detail", 5_000_000],
  ] as const)("%s.%s of %i bytes", (table, column, bytes) => {
    change(`UPDATE ${table} SET ${column} = '{"name":"x","x":"' || hex(zeroblob(${bytes / 2})) || '"}' WHERE id = 1`);
    refusedAndSaved(new RegExp(`${table} 1: what is stored as its ${column} is not valid`));
  });

  test("of a sweep, by its bounds", () => {
    const settings = `json_object('parameter', 'setting', 'values', json_array('a'), 'settings',
      (SELECT json_group_array(json('{"name":"a","env":{}}')) FROM (SELECT * FROM sample LIMIT 22)))`;
    for (const detail of [
      `'{"parameter":"chunk","values":[${new Array(201).fill(1).join(",")}]}'`,
      settings,
      `'{"parameter":"chunk","values":{}}'`,
    ]) {
      change(`UPDATE experiment SET kind = 'sweep', detail = ${detail}`);
      const store = openStore(folder.file());
      expect(store.check().problems).toEqual(["experiment 1: what is stored as its detail is not valid"]);
      expect(store.list().rows[0]).toMatchObject({ detail: null, problem: expect.stringContaining("detail") });
      store.close();
    }
  });

  test("of which a list holds what it shows", () => {
    change(`UPDATE experiment SET workload_kind = 'live', detail = ${crowded(1_000_000)}`);
    change(`UPDATE run SET detail = ${crowded(60_000)}, facts = json_set(facts, '$.more', json(${crowded(12_000)})),
      summary = json_set(summary, '$.more', json(${crowded(1_000_000)}))`);
    const store = openStore(folder.file());
    expect(store.check()).toMatchObject({ ok: true });
    const [listed] = store.list().rows;
    expect(listed?.detail).toBeNull();
    for (const run of listed?.runs ?? []) expect(JSON.stringify([run.facts, run.summary]).length).toBeLessThan(1000);
    expect(JSON.stringify(store.getExperiment(1).detail).length).toBeGreaterThan(900_000);
    store.close();
  });
});

test("what the store keeps up of an experiment is made anew where it is merged or restored", async () => {
  const before = openStore(folder.file());
  const saving = before.list({ sort: "saving" }).rows.length;
  before.close();
  change("UPDATE experiment SET search = 'forged', saving_kb = 1e300, peak_kb = 1e300, status = 'failed'");
  const kept = (name: string) => {
    const db = new Database(folder.file(name), { readonly: true });
    const row = db.prepare("SELECT search, saving_kb, peak_kb, status FROM experiment").get();
    db.close();
    return row;
  };
  const made = { search: expect.stringContaining("commit table"), saving_kb: 240, peak_kb: 484, status: "done" };
  const mine = openStore(folder.file("mine.sqlite"));
  mine.merge(folder.file());
  expect(kept("mine.sqlite")).toEqual(made);
  await mine.restore(folder.file());
  expect(kept("mine.sqlite")).toEqual(made);
  expect(saving).toBe(1);
  mine.close();
});
