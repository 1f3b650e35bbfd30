import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MigrationLedgerError } from "./errors.ts";
import { userVersion } from "./migrate.ts";
import { openFile } from "./open.ts";
import { checksumOf, MIGRATIONS, type Migration } from "./schema.ts";
import { openStore } from "./store.ts";
import { newRun, rows, SPEC, said, testFolder } from "./testing.ts";

/** Histories as released versions wrote them: `vN.db` has the schema of version N and one run of 300 samples. */
const RELEASED = new URL("./fixtures/", import.meta.url);

let folder: ReturnType<typeof testFolder>;
let file: string;
beforeEach(() => {
  folder = testFolder();
  file = folder.file();
});
afterEach(() => folder.remove());

const next = (sql: string, nth = 1, name = "next"): Migration => ({ version: MIGRATIONS.length + nth, name, sql });
const copies = () => readdirSync(folder.path).filter((name) => name.includes(".before-v"));

function made(): void {
  const store = openStore(file);
  const run = store.startRun(store.createExperiment(SPEC).id, newRun());
  store.appendSamples(run.id, rows(0, 300));
  store.finishRun(run.id, { status: "done" });
  store.close();
}

describe("every released schema", () => {
  test("has a file here", () => {
    const versions = readdirSync(RELEASED).filter((name) => /^v\d+\.db$/.test(name));
    expect(versions.sort()).toEqual(MIGRATIONS.map(({ version }) => `v${version}.db`).sort());
  });

  test.each(MIGRATIONS.map(({ version }) => version))("version %i opens with all it held", (version) => {
    copyFileSync(new URL(`v${version}.db`, RELEASED), file);
    const store = openStore(file);
    expect(store.check()).toMatchObject({ ok: true, experiments: 1, runs: 1, samples: 300 });
    const [row] = store.list({ search: "commit" }).rows;
    expect(row).toMatchObject({ workload: "commit-table", params: SPEC.params, tags: ["released"] });
    expect(row.runs[0]).toMatchObject({ mode: "sync", status: "done", sampleCount: 300 });
    expect(store.getRun(row.runs[0].id).kernelProfile?.name).toBe(version === 1 ? undefined : "reference");
    expect(store.samples(row.runs[0].id).columns.vmpte_kb?.[299]).toBe(299 * 100 + 3);
    store.close();
    expect(copies()).toHaveLength(version === MIGRATIONS.length ? 0 : 1);
  });

  test("what was named after 2 MiB is named after a table", () => {
    copyFileSync(new URL("v2.db", RELEASED), file);
    const db = new Database(file);
    const blame = [{ stack: ["main"], reason: "below_2mib", tables: 1, kb: 4 }];
    const summary = JSON.stringify({ releases: { outcomes: { below_2mib: 1 } }, blame: { peak: blame, end: [] } });
    db.prepare("UPDATE run SET summary = ?").run(summary);
    db.close();
    openStore(file).close();
    const after = new Database(file, { readonly: true });
    const stored = JSON.parse(String(after.prepare("SELECT summary FROM run").pluck().get()));
    after.close();
    expect(stored.releases.outcomes).toEqual({ below_table: 1 });
    expect(stored.blame.peak).toEqual([{ ...blame[0], reason: "below_table" }]);
  });

  test("keeps its migrations as they were", () => {
    for (const migration of MIGRATIONS) {
      const db = new Database(readFileSync(new URL(`v${migration.version}.db`, RELEASED)));
      const ledger = db.prepare("SELECT checksum FROM migration WHERE version = ?").pluck().get(migration.version);
      expect(ledger, `migration ${migration.version} was changed after its release`).toBe(checksumOf(migration));
      db.close();
    }
  });
});

describe("a migration", () => {
  test("keeps a copy of what was, and is in the ledger", () => {
    made();
    const before = readFileSync(file);
    const migrations = [
      ...MIGRATIONS,
      next("CREATE TABLE a (x TEXT) STRICT;", 1, "a"),
      next("ALTER TABLE experiment ADD COLUMN extra TEXT; INSERT INTO a VALUES ('new');", 2, "b"),
    ];
    const { db, copy } = openFile(file, { migrations, now: () => Date.UTC(2026, 0, 31, 1, 2, 3) });
    expect(userVersion(db)).toBe(MIGRATIONS.length + 2);
    expect(db.prepare("SELECT count(*) FROM sample").pluck().get()).toBe(300);
    expect(db.prepare("SELECT name, copy FROM migration WHERE version > ?").all(MIGRATIONS.length)).toEqual([
      { name: "a", copy: `history.before-v${MIGRATIONS.length + 2}.20260131T010203Z.sqlite` },
      { name: "b", copy: `history.before-v${MIGRATIONS.length + 2}.20260131T010203Z.sqlite` },
    ]);
    db.close();
    expect(copy).toBe(join(folder.path, copies()[0]));
    const old = openStore(copy ?? "");
    expect(old.check()).toMatchObject({ ok: true, samples: 300 });
    old.close();
    // The header, too, tells an older program that it must not touch the file.
    expect(readFileSync(file).readUInt32BE(60)).toBe(MIGRATIONS.length + 2);
    expect(before.readUInt32BE(60)).toBe(MIGRATIONS.length);
    expect(openFile(file, { migrations }).copy).toBeNull();
  });

  test("that fails changes nothing", () => {
    made();
    const broken = [
      ...MIGRATIONS,
      next("CREATE TABLE a (x TEXT) STRICT;"),
      next("INSERT INTO nonsense VALUES (1);", 2),
    ];
    expect(said(() => openFile(file, { migrations: broken }))).toMatch(/no such table/);
    const orphan = [...MIGRATIONS, next("DELETE FROM experiment;")];
    expect(said(() => openFile(file, { migrations: orphan }))).toMatch(
      /a row of run refers to a row of experiment that is not there/,
    );
    const store = openStore(file);
    expect(store.check()).toMatchObject({ ok: true, experiments: 1, samples: 300 });
    store.close();
  });

  test("of another history than this program's is refused", () => {
    const other = [{ version: 1, name: "other", sql: MIGRATIONS[0].sql }];
    openFile(file, { migrations: other }).db.close();
    expect(() => openStore(file)).toThrow(MigrationLedgerError);
  });

  test("is done once by two processes that open the file together", async () => {
    made();
    const script = `
      const { openFile } = await import(${JSON.stringify(new URL("./open.ts", import.meta.url).href)});
      const { MIGRATIONS } = await import(${JSON.stringify(new URL("./schema.ts", import.meta.url).href)});
      const next = { version: MIGRATIONS.length + 1, name: "next", sql: "CREATE TABLE a (x TEXT) STRICT;" };
      console.log(openFile(${JSON.stringify(file)}, { migrations: [...MIGRATIONS, next] }).copy === null ? "found" : "did");`;
    const said = await Promise.all([0, 1, 2].map(() => child(script)));
    expect(said.map(({ out }) => out).sort()).toEqual(["did", "found", "found"]);
    expect(copies()).toHaveLength(1);
  });

  test("killed at any moment leaves the old history or the new one", async () => {
    made();
    const prepared = readFileSync(file);
    const slow = `CREATE TABLE a (x TEXT) STRICT;
      INSERT INTO a SELECT hex(randomblob(200)) FROM sample AS one, sample AS two LIMIT 60000;`;
    const script = `
      const { openFile } = await import(${JSON.stringify(new URL("./open.ts", import.meta.url).href)});
      const { MIGRATIONS } = await import(${JSON.stringify(new URL("./schema.ts", import.meta.url).href)});
      console.log("go");
      openFile(${JSON.stringify(file)}, { migrations: [...MIGRATIONS, { version: MIGRATIONS.length + 1, name: "slow", sql: ${JSON.stringify(slow)} }] });`;
    for (let i = 0; i < 5; i++) {
      writeFileSync(file, prepared);
      for (const suffix of ["-wal", "-shm"]) writeFileSync(file + suffix, "");
      const { code } = await child(script, 20 + i * 60);
      const db = new Database(file);
      expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
      expect(db.prepare("SELECT count(*) FROM sample").pluck().get()).toBe(300);
      const rowsOfNew = db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'a'").pluck().get();
      expect(rowsOfNew).toBe(userVersion(db) - MIGRATIONS.length);
      if (code === 0) expect(rowsOfNew).toBe(1);
      if (rowsOfNew === 1) expect(db.prepare("SELECT count(*) FROM a").pluck().get()).toBe(60_000);
      db.close();
    }
  });
});

describe("a copy that has no log yet", () => {
  beforeEach(() => copyFileSync(new URL(`v${MIGRATIONS.length}.db`, RELEASED), file));

  test("is opened without a journal, which another process would take for another program's", async () => {
    const names = new Set<string | null>();
    const watcher = watch(folder.path, (_event, name) => names.add(name));
    try {
      openStore(file).close();
      await sleep(100);
    } finally {
      watcher.close();
    }
    expect([...names]).toContain("history.sqlite-wal");
    expect([...names]).not.toContain("history.sqlite-journal");
  });

  test("takes no name that another process gives to one at the same time", async () => {
    const atMs = Date.now() + 1500;
    const made = JSON.stringify(folder.file("made.sqlite"));
    const script = `
      import { copyTo } from ${JSON.stringify(new URL("./copies.ts", import.meta.url).href)};
      while (Date.now() < ${atMs});
      try {
        copyTo(${JSON.stringify(file)}, ${made});
        console.log("made");
      } catch (error) {
        console.log(error.why);
      }`;
    const ends = await Promise.all([child(script), child(script)]);
    expect(ends.map(({ out }) => out).toSorted()).toEqual(["a file with that name exists", "made"]);
  });

  test("is opened when another process that opens it, too, is done with that", async () => {
    const other = new Database(file);
    other.exec("BEGIN IMMEDIATE");
    const opening = child(`
      import { openStore } from ${JSON.stringify(new URL("./store.ts", import.meta.url).href)};
      console.log("go");
      openStore(${JSON.stringify(file)}).close();`);
    await sleep(1500);
    other.close();
    expect(await opening).toEqual({ out: "go", code: 0 });
  });
});

/** Runs a script in a process of its own; killed `killMs` after it says "go", where that is given. */
async function child(script: string, killMs?: number): Promise<{ out: string; code: number | null }> {
  const process_ = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  let out = "";
  process_.stdout.on("data", (data) => {
    out += data;
    if (killMs !== undefined) void sleep(killMs).then(() => process_.kill("SIGKILL"));
  });
  const [code] = await once(process_, "close");
  return { out: out.trim(), code };
}
