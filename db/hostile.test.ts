/** Histories that somebody made to do harm: each is refused in words or shown as what it is, within seconds; nothing of ours is lost. */
import { copyFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { copyTo, listCopies } from "./copies.ts";
import { AlteredHistoryError, DamagedHistoryError, ForeignFileError, InvalidRowsError } from "./errors.ts";
import { removeDatabase } from "./files.ts";
import { recoverHistory } from "./recover.ts";
import { MIGRATIONS } from "./schema.ts";
import { withSnapshot } from "./snapshot.ts";
import { openStore, type Store } from "./store.ts";
import { newRun, rows, SPEC, said, summary, testFolder } from "./testing.ts";

let folder: ReturnType<typeof testFolder>;
let store: Store;
let mine: number;
beforeEach(() => {
  folder = testFolder();
  store = openStore(folder.file());
  mine = add(store, "mine");
});
afterEach(() => {
  store.close();
  folder.remove();
});

function add(to: Store, title: string): number {
  const { id } = to.createExperiment({ ...SPEC, title, tags: ["tag"] });
  const run = to.startRun(id, newRun());
  to.appendSamples(run.id, rows(0, 20));
  to.finishRun(run.id, { status: "done", summary: summary(240) });
  return id;
}

/** Another history, changed by whoever made it. */
function hostile(change: (db: Database.Database) => void, name = "other.sqlite"): string {
  const file = folder.file(name);
  const other = openStore(file);
  add(other, "theirs");
  other.close();
  const db = new Database(file);
  db.unsafeMode(true);
  db.pragma("ignore_check_constraints = ON");
  db.pragma("foreign_keys = OFF");
  db.pragma("journal_mode = DELETE");
  change(db);
  db.close();
  return file;
}

const ENDLESS = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n)";

/** SQL that puts a view in the place of a table. */
function replaced(table: string): (db: Database.Database) => void {
  return (db) => {
    const names = db.prepare<[string], string>("SELECT name FROM pragma_table_info(?)").pluck().all(table);
    db.exec(`DROP TABLE ${table};
      CREATE VIEW ${table} AS ${ENDLESS} SELECT ${names.map((name) => `i AS ${name}`).join(", ")} FROM n;`);
  };
}

const SCHEMAS: Readonly<Record<string, (db: Database.Database) => void>> = {
  "a view for tag": replaced("tag"),
  "a view for sample": replaced("sample"),
  "a view for experiment": replaced("experiment"),
  "a view for run": replaced("run"),
  "a view for setting": replaced("setting"),
  "a view for migration": replaced("migration"),
  "another view": (db) => db.exec(`CREATE VIEW x AS ${ENDLESS} SELECT i FROM n`),
  "our own view, changed": (db) =>
    db.exec(`DROP VIEW run_overview; CREATE VIEW run_overview AS ${ENDLESS} SELECT i FROM n`),
  "a trigger": (db) => db.exec(`CREATE TRIGGER t BEFORE INSERT ON run BEGIN DELETE FROM sample; END`),
  "a table more": (db) => db.exec("CREATE TABLE x (y)"),
  "a virtual table": (db) => db.exec("CREATE VIRTUAL TABLE x USING fts5(y)"),
  "a column more": (db) =>
    db.exec("ALTER TABLE experiment ADD COLUMN x TEXT GENERATED ALWAYS AS (hex(zeroblob(99999999)))"),
  "an index by an expression": (db) => db.exec("CREATE INDEX x ON run (abs(seed))"),
  "a rule more": (db) => {
    db.pragma("writable_schema = ON");
    db.exec(
      "UPDATE sqlite_schema SET sql = replace(sql, 'seed INTEGER NOT NULL', 'seed INTEGER NOT NULL CHECK (length(hex(randomblob(999999999))) > 0)') WHERE name = 'run'",
    );
  },
  "no index": (db) => db.exec("DROP INDEX run_experiment"),
  "a table less": (db) => db.exec("DROP TABLE tag"),
};

describe("another schema than ours", () => {
  test.each(Object.entries(SCHEMAS))("%s: refused wherever it is read", async (_name, change) => {
    const other = hostile(change);
    const bytes = readFileSync(other, "hex");
    const words = /not those that Reclaim Lab makes/;
    expect(said(() => openStore(other))).toMatch(words);
    expect(() => store.merge(other)).toThrow(AlteredHistoryError);
    await expect(store.restore(other)).rejects.toThrow(AlteredHistoryError);
    expect(() => copyTo(other, folder.file("copy.sqlite"))).toThrow(AlteredHistoryError);
    expect(listCopies(folder.file()).find(({ path }) => path === other)).toMatchObject({
      experiments: null,
      problem: expect.stringMatching(words),
    });
    const saved = (() => {
      try {
        return recoverHistory(other, folder.file("saved.sqlite"));
      } catch (error) {
        return error;
      }
    })();
    if (saved instanceof Error) expect(saved).toBeInstanceOf(DamagedHistoryError);
    else openStore(folder.file("saved.sqlite")).close();
    expect(readFileSync(other, "hex")).toBe(bytes);
    expect(store.list().rows.map(({ id }) => id)).toEqual([mine]);
    expect(readdirSync(folder.path).filter((file) => file.endsWith(".tmp"))).toEqual([]);
  });

  test("every version of our own is none", () => {
    for (const { version } of MIGRATIONS) {
      const file = folder.file(`v${version}.sqlite`);
      openStore(file, { migrations: MIGRATIONS.slice(0, version) }).close();
      expect(listCopies(folder.file()).find(({ path }) => path === file)?.problem).toBeNull();
    }
  });

  test("what ANALYZE leaves is none either", () => {
    const other = hostile((db) => db.exec("ANALYZE"));
    expect(store.merge(other)).toMatchObject({ experiments: 1 });
  });
});

const set = (table: string, column: string, value: unknown) => (db: Database.Database) =>
  void db.prepare(`UPDATE ${table} SET ${column} = ?`).run(value);

const ROWS: Readonly<Record<string, readonly [(db: Database.Database) => void, RegExp]>> = {
  "a summary that is a number": [set("run", "summary", "7"), /run 1: .*summary/],
  "a summary with words for numbers": [
    set("run", "summary", JSON.stringify({ ...summary(1), peak: { vmpte_kb: "x", rss_kb: 1 } })),
    /summary/,
  ],
  "a number beyond all": [
    set("run", "summary", JSON.stringify(summary(1)).replace('"operations":100', '"operations":1e999')),
    /summary/,
  ],
  "a number beyond all, without an exponent": [
    set("run", "summary", JSON.stringify(summary(1)).replace('"vmpte_kb":1', `"vmpte_kb":1${"0".repeat(400)}`)),
    /summary/,
  ],
  "such a number in a sparkline": [set("run", "sparkline", `[1,1${"0".repeat(400)}]`), /sparkline/],
  "such a number in a document of any shape": [set("run", "detail", `{"a":[1${"0".repeat(400)}]}`), /detail/],
  "a sparkline that is a number": [set("run", "sparkline", "1"), /sparkline/],
  "a sparkline of objects": [set("run", "sparkline", '[{"a":1}]'), /sparkline/],
  "a long sparkline": [set("run", "sparkline", JSON.stringify(new Array(100_000).fill(1))), /sparkline/],
  "facts that are a list": [set("run", "facts", "[]"), /facts/],
  "parameters that are null": [set("run", "params", "null"), /run 1: .*params/],
  "parameters of an experiment that are nested": [
    set("experiment", "params", '{"a":{"b":1}}'),
    /experiment 1: .*params/,
  ],
  "a title of 40 MB": [set("experiment", "title", "x".repeat(40_000_000)), /title/],
  "a title that goes on behind a NUL": [set("experiment", "title", `x\0${"x".repeat(1_000_000)}`), /title/],
  "notes of 40 MB": [set("experiment", "notes", "x".repeat(40_000_000)), /notes/],
  "a document of 40 MB": [set("run", "detail", JSON.stringify("x".repeat(40_000_000))), /detail/],
  "a time before 1970": [set("experiment", "created_ms", -1), /created_ms/],
  "a time after the last": [set("run", "created_ms", Number.MAX_SAFE_INTEGER), /created_ms/],
  "an unknown source": [set("run", "source", "moon"), /source/],
  "an absurd count": [set("run", "operations", -5), /operations/],
  "an absurd level": [set("experiment", "levels", 9_000_000), /levels/],
  "a number below 1": [
    (db) =>
      db.exec("UPDATE experiment SET id = -3; UPDATE run SET experiment_id = -3; UPDATE tag SET experiment_id = -3"),
    /experiment/,
  ],
  "too many tags": [(db) => db.exec(`${ENDLESS} INSERT INTO tag SELECT 1, 't' || i FROM n LIMIT 100000`), /tags/],
  "a tag that is long": [set("tag", "name", "x".repeat(1_000_000)), /tag/],
  "a setting that is no JSON": [
    (db) => db.exec("INSERT INTO setting VALUES ('x', '{}' || char(0) || 'x')"),
    /setting “x”: .*value/,
  ],
  "a sample out of bounds": [set("sample", "vmpte_kb", -9), /sample/],
};

describe("values that none can have", () => {
  test.each(Object.entries(ROWS))(
    "%s: not taken over, found by check, shown as what it is",
    async (_name, [change, why]) => {
      const other = hostile(change);
      expect(() => store.merge(other)).toThrow(InvalidRowsError);
      expect(said(() => store.merge(other))).toMatch(why);
      await expect(store.restore(other)).rejects.toThrow(InvalidRowsError);
      expect(store.list().total).toBe(1);
      const theirs = openStore(other);
      try {
        const { ok, problems, damage } = theirs.check();
        expect(ok).toBe(false);
        expect(damage).toBeNull();
        expect(problems[0]).toMatch(why);
        const page = theirs.list();
        expect(page.rows).toHaveLength(page.total);
        expect(JSON.stringify(page).length).toBeLessThan(300_000);
        for (const { id } of page.rows) theirs.getExperiment(id);
      } finally {
        theirs.close();
      }
      recoverHistory(other, folder.file("saved.sqlite"));
      const saved = openStore(folder.file("saved.sqlite"));
      expect(saved.check()).toMatchObject({ ok: true, experiments: 1, runs: expect.any(Number) });
      saved.close();
      expect(store.merge(folder.file("saved.sqlite"))).toMatchObject({ experiments: 1 });
      expect(store.check().ok).toBe(true);
    },
  );
});

test("texts in documents are lines, as titles are: they forge no row and break no export", () => {
  const odd = "CPU\u0000\n 9   forged\u001b[2J\u202e\u2028";
  const shown = "CPU\ufffd\ufffd 9   forged\ufffd[2J\ufffd\ufffd";
  const facts = { ...newRun().facts, cpu: odd };
  const process = {
    process: 0,
    pid: 5,
    comm: odd,
    lives: true,
    peak_vmpte_kb: 1,
    average_vmpte_kb: 1,
    final_vmpte_kb: 1,
    empty_pte_tables: 0,
    peak_rss_kb: 1,
  };
  const theirs = { ...summary(240), processes: { all: 1, largest: [process] } };
  const other = hostile((db) => {
    set("run", "facts", JSON.stringify(facts))(db);
    set("run", "params", JSON.stringify({ [odd]: odd }))(db);
    set("run", "summary", JSON.stringify(theirs))(db);
    set("experiment", "title", "a\n 9   forged\u202e")(db);
    set("experiment", "workload", odd)(db);
    set("experiment", "params", JSON.stringify({ size: odd }))(db);
  });
  expect(store.merge(other)).toMatchObject({ experiments: 1 });
  const [row] = store.list().rows.filter(({ id }) => id !== mine);
  expect(row).toMatchObject({ title: "a\ufffd 9   forged\ufffd", workload: shown, params: { size: shown } });
  const [run] = store.getExperiment(row?.id ?? 0).runs;
  expect(run?.facts.cpu).toBe(shown);
  expect(run?.params).toEqual({ [shown]: shown });
  expect(run?.summary?.processes?.largest[0]?.comm).toBe(shown);
});

/** SQL that gives the one experiment or run another number. */
const renumber = (table: "experiment" | "run", id: string) => (db: Database.Database) =>
  db.exec(
    table === "run"
      ? `UPDATE run SET id = ${id}; UPDATE sample SET run_id = ${id}`
      : `UPDATE experiment SET id = ${id}; UPDATE run SET experiment_id = ${id}; UPDATE tag SET experiment_id = ${id}`,
  );

const FILES: Readonly<Record<string, readonly [(db: Database.Database) => void, RegExp]>> = {
  "rows that refer to none": [(db) => db.exec("DELETE FROM experiment"), /refers to a row/],
  "a wrong count": [set("run", "sample_count", 1e9), /should have/],
  "JSON that is none": [set("run", "summary", "{"), /CHECK constraint|damaged/],
  "an experiment's number behind which none is left": [
    (db) => {
      renumber("experiment", "9007199254740990")(db);
      db.exec("UPDATE sqlite_sequence SET seq = 1");
    },
    /numbering of table “experiment” is used up/,
  ],
  "a run's number behind which none is left": [
    renumber("run", "9223372036854775807"),
    /numbering of table “run” is used up/,
  ],
  "no number left": [set("sqlite_sequence", "seq", 9223372036854775807n), /numbering/],
  "a newer version": [(db) => db.pragma("user_version = 99"), /newer Reclaim Lab/],
  "a negative version": [(db) => db.pragma("user_version = -1"), /newer|missing/],
  "another program's": [(db) => db.pragma("application_id = 1"), /another program/],
};

test.each(Object.entries(FILES))("%s: refused in words", async (_name, [change, why]) => {
  const other = hostile(change);
  expect(said(() => store.merge(other))).toMatch(why);
  await expect(store.restore(other)).rejects.toThrow();
  expect(store.list().rows.map(({ id }) => id)).toEqual([mine]);
  expect(store.check().ok).toBe(true);
  // It opens again, too.
  openStore(folder.file()).close();
});

test.each(["9007199254740990", "9223372036854775807"])("numbers up to %s: what is recovered opens", (id) => {
  const other = hostile((db) => {
    renumber("experiment", id)(db);
    renumber("run", id)(db);
  });
  const saved = folder.file("saved.sqlite");
  const recovered = (() => {
    try {
      return recoverHistory(other, saved);
    } catch (error) {
      return error;
    }
  })();
  // JavaScript has the first one exactly: its rows get other numbers. Nothing of the other can be kept.
  if (id.startsWith("92")) return expect(recovered).toBeInstanceOf(DamagedHistoryError);
  expect(recovered).toEqual({ experiments: 1, runs: 1, samples: 20, incomplete: [] });
  const theirs = openStore(saved);
  const [row] = theirs.list().rows;
  expect(row).toMatchObject({ title: "theirs", tags: ["tag"] });
  expect(theirs.getExperiment(row?.id ?? 0).runs).toMatchObject([{ sampleCount: 20 }]);
  expect(add(theirs, "next")).toBe(Number(row?.id) + 1);
  expect(theirs.check().ok).toBe(true);
  theirs.close();
});

test("texts in another encoding are refused in words", () => {
  const file = folder.file("utf16.sqlite");
  const db = new Database(file);
  db.pragma("encoding = 'UTF-16le'");
  db.pragma("application_id = 0x524c6162");
  db.exec("CREATE TABLE x (y)");
  db.close();
  expect(() => store.merge(file)).toThrow(ForeignFileError);
});

test("a history that leads in circles is listed and recovered", () => {
  const other = hostile((db) => db.exec(`${ENDLESS} INSERT INTO setting SELECT 'k' || i, '1' FROM n LIMIT 20000`));
  const root = rootOf(other, "run");
  const bytes = readFileSync(other);
  // An inner page of a table whose children are all one leaf, a page of which is its own child.
  const at = (root - 1) * 4096;
  const leaf = Buffer.from(bytes.subarray(at, at + 4096));
  bytes.fill(0, at, at + 4096);
  bytes.writeUInt8(5, at);
  bytes.writeUInt16BE(1, at + 3);
  bytes.writeUInt16BE(4000, at + 5);
  bytes.writeUInt32BE(root, at + 8);
  bytes.writeUInt16BE(4000, at + 12);
  bytes.writeUInt32BE(root, at + 4000);
  bytes.writeUInt8(1, at + 4004);
  expect(leaf.length).toBe(4096);
  const file = folder.file("circle.sqlite");
  writeFileSync(file, bytes);
  expect(listCopies(folder.file()).find(({ path }) => path === file)).toMatchObject({ problem: expect.any(String) });
  expect(said(() => store.merge(file))).toMatch(/damaged/);
  expect(recoverHistory(file, folder.file("saved.sqlite"))).toMatchObject({
    incomplete: expect.arrayContaining(["run"]),
  });
});

describe("the other file is not touched", () => {
  test("nor gets files beside it, whether it was closed in order or not", () => {
    const other = folder.file("wal.sqlite");
    const theirs = openStore(other);
    add(theirs, "theirs");
    theirs.close();
    const before = [readFileSync(other, "hex"), readdirSync(folder.path).filter((name) => name.startsWith("wal"))];
    expect(store.merge(other)).toMatchObject({ experiments: 1 });
    listCopies(folder.file());
    expect([readFileSync(other, "hex"), readdirSync(folder.path).filter((name) => name.startsWith("wal"))]).toEqual(
      before,
    );
  });

  test("one that is listed is not copied where it or its log is huge: neither time nor disk goes into that", () => {
    const other = folder.file("left.sqlite");
    const theirs = openStore(folder.file("living.sqlite"));
    add(theirs, "in the log");
    for (const suffix of ["", "-wal"]) copyFileSync(folder.file(`living.sqlite${suffix}`), other + suffix);
    theirs.close();
    // Holes: it takes no room itself.
    truncateSync(`${other}-wal`, 64 * 2 ** 30);
    expect(listCopies(folder.file()).find(({ path }) => path === other)).toMatchObject({
      experiments: null,
      problem: expect.stringMatching(/too large for that here: 68,7/),
    });
    expect(said(() => store.merge(other))).toMatch(/too large for that here: 68,7/);
    expect(said(() => recoverHistory(other, folder.file("saved.sqlite")))).toMatch(/too large for that here: 68,7/);
    expect(readdirSync(folder.path).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  test("a copy of it that is made for a moment is nobody else's to read", () => {
    const other = hostile(() => {});
    const modes = withSnapshot(other, folder.file(), (copy) => statSync(copy).mode & 0o777);
    expect(modes).toBe(0o600);
  });

  test("a log that nobody has open any more is read with it, as a copy", () => {
    const other = folder.file("left.sqlite");
    const theirs = openStore(folder.file("living.sqlite"));
    add(theirs, "in the log");
    for (const suffix of ["", "-wal"]) copyFileSync(folder.file(`living.sqlite${suffix}`), other + suffix);
    theirs.close();
    expect(statSync(`${other}-wal`).size).toBeGreaterThan(0);
    const before = [other, `${other}-wal`].map((file) => readFileSync(file, "hex"));
    expect(store.merge(other)).toMatchObject({ experiments: 1 });
    expect([other, `${other}-wal`].map((file) => readFileSync(file, "hex"))).toEqual(before);
    expect(readdirSync(folder.path)).not.toContain("left.sqlite-shm");
  });
});

/** A page of a table that leads to others: `first` and then, time and again, `child`. */
function innerPage(children: readonly number[], right: number): Buffer {
  const page = Buffer.alloc(4096);
  page.writeUInt8(5, 0);
  page.writeUInt16BE(children.length, 3);
  page.writeUInt16BE(4096 - 6 * children.length, 5);
  page.writeUInt32BE(right, 8);
  for (const [i, child] of children.entries()) {
    const at = 4096 - 6 * (i + 1);
    page.writeUInt32BE(child, at);
    page.writeUInt8(99, at + 4);
    page.writeUInt16BE(at, 12 + 2 * i);
  }
  return page;
}

/** A leaf of a table with one row of short texts and small numbers. */
function leafPage(values: readonly (string | number | null)[]): Buffer {
  const types = values.map((value) => (value === null ? 0 : typeof value === "number" ? 1 : 13 + 2 * value.length));
  const bytes = values.map((value) =>
    value === null ? Buffer.alloc(0) : typeof value === "number" ? Buffer.from([value]) : Buffer.from(value),
  );
  const record = Buffer.concat([Buffer.from([types.length + 1, ...types]), ...bytes]);
  const page = Buffer.alloc(4096);
  const at = 4096 - record.length - 2;
  page.writeUInt8(13, 0);
  page.writeUInt16BE(1, 3);
  page.writeUInt16BE(at, 5);
  page.writeUInt16BE(at, 8);
  page.set([record.length, 100], at);
  record.copy(page, at + 2);
  return page;
}

/** The pages behind a file's last: a leaf, and seven that lead to the one before 400 times each. The last is the way in. */
function fan(pagesBefore: number, leaf: Buffer): Buffer[] {
  const pages = [leaf];
  while (pages.length < 8) {
    const child = pagesBefore + pages.length;
    pages.push(innerPage(new Array(400).fill(child), child));
  }
  return pages;
}

/** The first page of a table or index. */
function rootOf(file: string, name: string): number {
  const db = new Database(file, { readonly: true });
  const root = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").pluck().get(name);
  db.close();
  return Number(root);
}

/** Whose list of tables has a page more, from which 400 to the seventh ways lead to one row, which is there already. */
function endlessSchema(file: string): string {
  const bytes = readFileSync(file);
  const before = bytes.length / 4096;
  const index = "sqlite_autoindex_experiment_1";
  const pages = fan(before, leafPage(["index", index, "experiment", rootOf(file, index), null]));
  const last = before + pages.length;
  // The first page leads to others: it is full.
  expect(bytes.readUInt8(100)).toBe(5);
  pages.push(innerPage([bytes.readUInt32BE(108)], last));
  bytes.writeUInt32BE(last + 1, 108);
  bytes.writeUInt32BE(last + 1, 28);
  writeFileSync(file, Buffer.concat([bytes, ...pages]));
  return file;
}

/** The same of what ANALYZE left. */
function endlessStatistics(file: string): string {
  const root = rootOf(file, "sqlite_stat1");
  const bytes = readFileSync(file);
  const pages = fan(bytes.length / 4096, leafPage(["run", null, "1"]));
  const last = bytes.length / 4096 + pages.length;
  pages.at(-1)?.copy(bytes, (root - 1) * 4096);
  bytes.writeUInt32BE(last, 28);
  writeFileSync(file, Buffer.concat([bytes, ...pages]));
  return file;
}

/** The file as it was, and the changes of `change` in a log beside it. */
function inLog(file: string, change: (file: string) => string): string {
  const changed = folder.file("changed.sqlite");
  copyFileSync(file, changed);
  change(changed);
  const [before, after] = [readFileSync(file), readFileSync(changed)];
  const writer = folder.file("writer.sqlite");
  copyFileSync(file, writer);
  const db = new Database(writer);
  db.pragma("journal_mode = WAL");
  db.pragma("wal_autocheckpoint = 0");
  db.exec("INSERT INTO setting VALUES ('x', '1')");
  const log = readFileSync(`${writer}-wal`);
  copyFileSync(writer, file);
  db.close();
  for (const name of ["changed.sqlite", "writer.sqlite"]) removeDatabase(folder.file(name));
  const wanted = [
    1,
    ...Array.from({ length: (after.length - before.length) / 4096 }, (_, i) => before.length / 4096 + i + 1),
  ];
  const frames = Buffer.concat([
    log.subarray(0, 32),
    ...wanted.map((number, i) => {
      const frame = Buffer.alloc(24 + 4096);
      frame.writeUInt32BE(number, 0);
      frame.writeUInt32BE(i === wanted.length - 1 ? after.length / 4096 : 0, 4);
      log.copy(frame, 8, 16, 24);
      after.copy(frame, 24, (number - 1) * 4096, number * 4096);
      return frame;
    }),
  ]);
  let [one, two] = [frames.readUInt32BE(24), frames.readUInt32BE(28)];
  for (let at = 32; at < frames.length; at += 24 + 4096) {
    for (const [from, to] of [
      [0, 8],
      [24, 24 + 4096],
    ] as const)
      for (let i = at + from; i < at + to; i += 8) {
        one = (one + frames.readUInt32LE(i) + two) >>> 0;
        two = (two + frames.readUInt32LE(i + 4) + one) >>> 0;
      }
    frames.writeUInt32BE(one, at + 16);
    frames.writeUInt32BE(two, at + 20);
  }
  writeFileSync(`${file}-wal`, frames);
  return file;
}

describe("a list of tables without end: SQLite is not asked", () => {
  const made: Readonly<Record<string, () => string>> = {
    "in the file": () => endlessSchema(hostile(() => {})),
    "in the log beside it": () =>
      inLog(
        hostile(() => {}),
        endlessSchema,
      ),
    "of what ANALYZE left": () => endlessStatistics(hostile((db) => db.exec("ANALYZE"))),
  };
  test.each(Object.entries(made))("%s", async (_name, make) => {
    const other = make();
    const words = /the tree of its tables is none of ours: page \d+ is part of it twice/;
    expect(listCopies(folder.file()).find(({ path }) => path === other)?.problem).toMatch(words);
    expect(said(() => store.merge(other))).toMatch(words);
    expect(said(() => openStore(other))).toMatch(words);
    expect(said(() => copyTo(other, folder.file("copy.sqlite")))).toMatch(words);
    await expect(store.restore(other)).rejects.toMatchObject({ why: expect.stringMatching(words) });
    // Page by page, then.
    expect(recoverHistory(other, folder.file("saved.sqlite"))).toMatchObject({ experiments: 1, runs: 1, samples: 20 });
    openStore(folder.file("saved.sqlite")).close();
  });
});

test("a rollback journal beside a history is not played back into it", () => {
  const other = hostile(() => {});
  writeFileSync(`${other}-journal`, Buffer.from("d9d505f920a163d7", "hex"));
  expect(said(() => openStore(other))).toMatch(/rollback journal of another program/);
  expect(said(() => store.merge(other))).toMatch(/rollback journal of another program/);
  expect(recoverHistory(other, folder.file("saved.sqlite"))).toMatchObject({ experiments: 1, incomplete: [] });
  // What SQLite marks so is done with.
  writeFileSync(`${other}-journal`, Buffer.alloc(512));
  expect(store.merge(other)).toMatchObject({ experiments: 1 });
});
