import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeError } from "../engine/error.ts";
import { SAMPLE_COLUMNS } from "../engine/experiment/types.ts";
import { listCopies } from "./copies.ts";
import {
  DamagedHistoryError,
  ForeignFileError,
  HistoryBusyError,
  type HistoryError,
  HistoryFullError,
  HistoryIoError,
  MigrationLedgerError,
  NewerHistoryError,
} from "./errors.ts";
import { openFile, whatIsWrong } from "./open.ts";
import { recoverHistory } from "./recover.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";
import { requireSchemaTree } from "./schema-tree.ts";
import { openStore } from "./store.ts";
import { newRun, rows, SPEC, said, testFolder } from "./testing.ts";
import { untouched } from "./untouched.ts";

let folder: ReturnType<typeof testFolder>;
let file: string;

beforeEach(() => {
  folder = testFolder();
  file = folder.file();
});
afterEach(() => folder.remove());

/** A history with one run of `samples` samples, closed. */
function made(samples = 100): void {
  const store = openStore(file);
  const run = store.startRun(store.createExperiment(SPEC).id, newRun());
  store.appendSamples(run.id, rows(0, samples));
  store.finishRun(run.id, { status: "done" });
  store.close();
}

/** Opening fails with `kind`, says what to do, and leaves every file in the folder as it was. */
function refused(kind: new (...args: never[]) => HistoryError, message: RegExp): void {
  const look = () =>
    readdirSync(folder.path)
      .map((name) => [name, statSync(join(folder.path, name)).isFile() && readFileSync(join(folder.path, name), "hex")])
      .sort();
  const before = look();
  let error: unknown;
  try {
    openStore(file).close();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(kind);
  expect(describeError(error)).toMatch(message);
  expect(error).toMatchObject({ where: file, why: expect.any(String), todo: expect.any(String) });
  expect(look()).toEqual(before);
}

describe("a new history", () => {
  test("is a SQLite file of ours with strict tables, a ledger, WAL and foreign keys", () => {
    file = join(folder.path, "a", "b", "h.sqlite");
    openStore(file).close();
    expect(readdirSync(join(folder.path, "a", "b"))).toEqual(["h.sqlite"]);
    const { db } = openFile(file);
    expect(db.pragma("application_id", { simple: true })).toBe(APPLICATION_ID);
    expect(db.pragma("user_version", { simple: true })).toBe(MIGRATIONS.length);
    expect(db.pragma("journal_mode", { simple: true })).toBe("wal");
    expect(db.pragma("foreign_keys", { simple: true })).toBe(1);
    const tables = db.pragma("table_list") as { name: string; type: string; strict: number; schema: string }[];
    for (const table of tables.filter(
      ({ name, type, schema }) => schema === "main" && type === "table" && !name.startsWith("sqlite_"),
    ))
      expect(table.strict, table.name).toBe(1);
    expect(db.prepare("SELECT version FROM migration").pluck().all()).toEqual(MIGRATIONS.map(({ version }) => version));
    db.close();
  });

  test("has a column for every column of a sample, in order", () => {
    const { db } = openFile(file);
    const names = db.prepare("SELECT name FROM pragma_table_info('sample')").pluck().all();
    expect(names).toEqual(["run_id", ...SAMPLE_COLUMNS.map(({ name }) => name)]);
    db.close();
  });

  test("takes the place of an empty file", () => {
    writeFileSync(file, "");
    openStore(file).close();
    expect(openStore(file).list().total).toBe(0);
  });

  test("is made once by many that want it at the same time", async () => {
    const script = `
      const { openStore } = await import(${JSON.stringify(new URL("./store.ts", import.meta.url).href)});
      const { SPEC } = await import(${JSON.stringify(new URL("./testing.ts", import.meta.url).href)});
      const store = openStore(${JSON.stringify(file)});
      store.createExperiment(SPEC);
      store.close();`;
    writeFileSync(
      folder.file("race.sh"),
      `for i in 1 2 3 4 5 6; do "$NODE" --input-type=module -e "$SCRIPT" & done; for i in 1 2 3 4 5 6; do wait -n || exit 1; done`,
    );
    execFileSync("bash", [folder.file("race.sh")], {
      env: { ...process.env, NODE: process.execPath, SCRIPT: script, NODE_OPTIONS: "" },
    });
    const store = openStore(file);
    expect(store.list().total).toBe(6);
    expect(store.check()).toMatchObject({ ok: true });
    store.close();
    expect(readdirSync(folder.path).sort()).toEqual(["history.sqlite", "race.sh"]);
  });
});

test("can be looked at while another process opens and closes it, over and over", async () => {
  made();
  const script = `
    const { openStore } = await import(${JSON.stringify(new URL("./store.ts", import.meta.url).href)});
    const { SPEC } = await import(${JSON.stringify(new URL("./testing.ts", import.meta.url).href)});
    for (let i = 0; ; i++) {
      const store = openStore(${JSON.stringify(file)});
      store.createExperiment(SPEC);
      store.close();
      if (i === 0) process.stdout.write("ready");
    }`;
  const other = spawn(process.execPath, ["--input-type=module", "-e", script], {
    env: { ...process.env, NODE_OPTIONS: "" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(other.stdout, "data");
    for (let i = 0; i < 10_000; i++) requireSchemaTree(file);
    for (let i = 0; i < 500; i++)
      expect(untouched(file, file, (db) => db.prepare("SELECT count(*) FROM run").pluck().get())).toBe(1);
    expect(other.exitCode).toBe(null);
  } finally {
    other.kill();
    await once(other, "close");
  }
});

test("other programs read samples by plain SQL", () => {
  made();
  const answer = execFileSync("sqlite3", [
    file,
    "SELECT max(seq), count(DISTINCT vmpte_kb) FROM sample; SELECT mode, status, sample_count FROM run_overview",
  ]).toString();
  expect(answer).toBe("99|100\nsync|done|100\n");
});

describe("a file that is not a sound history is named and left untouched:", () => {
  test("a text", () => {
    writeFileSync(file, "not a database, but a long enough text".repeat(10));
    refused(ForeignFileError, /not a SQLite database.*new name/);
  });

  test("another program's database", () => {
    const db = new Database(file);
    db.exec("CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    db.close();
    refused(ForeignFileError, /another program/);
  });

  test("a newer version's", () => {
    made();
    const db = new Database(file);
    db.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    db.close();
    refused(NewerHistoryError, /newer Reclaim Lab.*Update/);
  });

  test("one with another ledger", () => {
    made();
    const db = new Database(file);
    db.exec("UPDATE migration SET checksum = 'x'");
    db.close();
    refused(MigrationLedgerError, /migrations/);
  });

  test.each([20, 99, 100, 4096, 10_000])("one cut off after %i bytes", (bytes) => {
    made(2000);
    truncateSync(file, bytes);
    refused(DamagedHistoryError, /cut off.*recover/);
  });

  test("one with a page overwritten", () => {
    made(2000);
    const bytes = readFileSync(file);
    bytes.fill(0xa5, bytes.length - 4096 * 3, bytes.length - 4096 * 2);
    writeFileSync(file, bytes);
    refused(DamagedHistoryError, /damaged.*backup/);
  });

  test("one whose tables are gone", () => {
    const db = new Database(file);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.exec("CREATE TABLE t (x)");
    db.close();
    refused(DamagedHistoryError, /tables are missing/);
  });

  test("a log whose history is gone", () => {
    writeFileSync(`${file}-wal`, Buffer.alloc(5000, 1));
    refused(DamagedHistoryError, /log/);
  });

  test("a folder", () => {
    mkdirSync(file);
    refused(HistoryIoError, /folder/);
  });
});

/** May this process mount a small disk? */
function canMount(): boolean {
  if (process.getuid?.() !== 0 || process.platform !== "linux") return false;
  const place = testFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", place.path], { stdio: "ignore" });
    execFileSync("umount", [place.path]);
    return true;
  } catch {
    return false;
  } finally {
    place.remove();
  }
}

/** On a file system of 600 kB, which is unmounted in any case. */
function onSmallDisk(use: (disk: string) => void): void {
  const disk = folder.file("disk");
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=600k", "tmpfs", disk]);
  try {
    use(disk);
  } finally {
    execFileSync("umount", [disk]);
  }
}

describe("what a user can do nothing about is said clearly:", () => {
  test("a file that another process keeps locked", () => {
    made();
    const other = new Database(file);
    other.exec("BEGIN IMMEDIATE");
    const store = openStore(file, { busyTimeoutMs: 50 });
    expect(() => store.createExperiment(SPEC)).toThrow(HistoryBusyError);
    expect(store.list().total).toBe(1);
    other.exec("COMMIT");
    other.close();
    expect(store.createExperiment(SPEC).id).toBe(2);
    store.close();
  });

  test("a file that another process has for itself", () => {
    made();
    const other = new Database(file);
    other.pragma("locking_mode = EXCLUSIVE");
    other.exec("BEGIN EXCLUSIVE");
    expect(() => openStore(file, { busyTimeoutMs: 50 })).toThrow(HistoryBusyError);
    other.close();
  });

  test("a full disk", () => {
    made();
    const store = openStore(file);
    const run = store.startRun(store.createExperiment(SPEC).id, newRun());
    store.appendSamples(run.id, rows(0, 10));
    store.limitPages(Number(statSync(file).size / 4096) + 20);
    expect(() => store.appendSamples(run.id, rows(10, 5000))).toThrow(HistoryFullError);
    expect(store.samples(run.id).count).toBe(10);
    store.limitPages(1_000_000);
    store.appendSamples(run.id, rows(10, 5000));
    expect(store.check()).toMatchObject({ ok: true, samples: 100 + 5010 });
    store.close();
  });

  test.runIf(canMount())("a disk that is really full: what was stored can be read, and is whole", () =>
    onSmallDisk((disk) => {
      file = join(disk, "history.sqlite");
      const store = openStore(file);
      const run = store.startRun(store.createExperiment(SPEC).id, newRun());
      let stored = 0;
      const fill = () => {
        for (;;) {
          store.appendSamples(run.id, rows(stored, 200));
          stored += 200;
        }
      };
      expect(fill).toThrow(HistoryFullError);
      expect(stored).toBeGreaterThan(0);
      expect(store.samples(run.id).count).toBe(stored);
      const beside = openStore(file);
      expect(beside.list().total).toBe(1);
      expect(beside.check()).toMatchObject({ ok: true, samples: stored });
      beside.close();
      store.close();
      const after = openStore(file);
      expect(after.check()).toMatchObject({ ok: true, samples: stored });
      after.close();
      expect(said(() => openStore(join(disk, "other.sqlite")))).toMatch(/disk is full/);
      expect(readdirSync(disk).filter((name) => !name.startsWith("history.sqlite"))).toEqual([]);
    }),
  );

  test.runIf(canMount())("a disk without a byte left: it is said to be full, and what is stored can be read", () =>
    onSmallDisk((disk) => {
      file = join(disk, "history.sqlite");
      const store = openStore(file);
      const run = store.startRun(store.createExperiment(SPEC).id, newRun());
      store.appendSamples(run.id, rows(0, 200));
      store.finishRun(run.id, { status: "done" });
      store.close();
      expect(readdirSync(disk)).toEqual(["history.sqlite"]);
      const rest = openSync(join(disk, "rest"), "w");
      expect(() => {
        for (;;) writeSync(rest, Buffer.alloc(1024, 1));
      }).toThrow("ENOSPC");
      closeSync(rest);
      // SQLite says only that reading or writing failed: it cannot make the log's index.
      const full = openStore(file);
      expect([full.list().total, full.samples(run.id).count]).toEqual([1, 200]);
      expect(said(() => full.createExperiment(SPEC))).toMatch(/The disk is full/);
      full.close();
      expect(said(() => openStore(join(disk, "other.sqlite")))).toMatch(/The disk is full/);
      rmSync(join(disk, "rest"));
      const after = openStore(file);
      expect(after.check()).toMatchObject({ ok: true, experiments: 1, samples: 200 });
      after.close();
    }),
  );

  test.runIf(process.getuid?.() === 0)("a folder that cannot be written", () => {
    made();
    chmodSync(folder.path, 0o555);
    const script = `
      process.setgid(65534); process.setuid(65534);
      const { openStore } = await import(${JSON.stringify(new URL("./store.ts", import.meta.url).href)});
      const { describeError } = await import(${JSON.stringify(new URL("../engine/error.ts", import.meta.url).href)});
      for (const file of ${JSON.stringify([file, folder.file("new.sqlite")])})
        try { openStore(file); console.log("opened"); } catch (error) { console.log(error.name, describeError(error)); }`;
    const said = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      env: { ...process.env, NODE_OPTIONS: "" },
    }).toString();
    chmodSync(folder.path, 0o755);
    expect(said.trim().split("\n")).toEqual([
      expect.stringMatching(/^HistoryReadOnlyError .*history\.sqlite.*writable/),
      expect.stringMatching(/^HistoryReadOnlyError .*new\.sqlite.*writable/),
    ]);
  });
});

test("a closed history says so", () => {
  const store = openStore(file);
  store.close();
  store.close();
  expect(() => store.list()).toThrow(/closed/);
});

test("a history that was upgraded while it was open is not written by the older program", () => {
  const store = openStore(file);
  const newer = [
    ...MIGRATIONS,
    { version: MIGRATIONS.length + 1, name: "next", sql: "CREATE TABLE next (x TEXT) STRICT;" },
  ];
  openFile(file, { migrations: newer }).db.close();
  expect(() => store.createExperiment(SPEC)).toThrow(NewerHistoryError);
  expect(() => store.list()).toThrow(NewerHistoryError);
  store.close();
});

describe("what is no file", () => {
  const odd = (): Record<string, string> => {
    const at = (name: string) => folder.file(name);
    mkdirSync(at("folder"));
    execFileSync("mkfifo", [at("pipe")]);
    symlinkSync(at("nowhere"), at("dangling"));
    symlinkSync("/dev/null", at("device"));
    return {
      folder: "it is a folder",
      pipe: "it is a device or a pipe, not a file",
      device: "it is a device or a pipe, not a file",
      dangling: `it is a link to ${at("nowhere")}, which is not there`,
    };
  };

  test("is neither opened, merged, recovered nor replaced, nor waited for", async () => {
    const store = openStore(folder.file());
    try {
      for (const [name, why] of Object.entries(odd())) {
        const path = folder.file(name);
        const before = lstatSync(path);
        expect(said(() => openStore(path))).toContain(`${path}: The history cannot be read or written: ${why}`);
        expect(said(() => recoverHistory(folder.file(), path))).toMatch(/needs a new file/);
        if (name !== "dangling") {
          expect(said(() => recoverHistory(path, folder.file("new.sqlite")))).toContain(why);
          expect(said(() => store.merge(path))).toContain(why);
        }
        await expect(store.backup(path), name).rejects.toMatchObject({ message: "A backup needs a file", why });
        expect(lstatSync(path), name).toMatchObject({ ino: before.ino, mode: before.mode });
      }
    } finally {
      store.close();
    }
  });

  test.each(["-wal", "-shm", "-journal"])(
    "beside a history, as its %s: no history that is opened or read",
    async (suffix) => {
      const store = openStore(folder.file());
      const other = folder.file("other.sqlite");
      openStore(other).close();
      symlinkSync(other, folder.file("name.sqlite"));
      const place = other + suffix;
      const make = [
        ["a device or a pipe", () => execFileSync("mkfifo", [place])],
        ["a link", () => symlinkSync(folder.file("precious"), place)],
        ["a folder", () => mkdirSync(place)],
      ] as const;
      try {
        for (const [what, odd] of make) {
          odd();
          const words = `${place}, where its log would be, is ${what}, not a file`;
          for (const path of [other, folder.file("name.sqlite")]) {
            expect(said(() => openStore(path))).toContain(words);
            expect(said(() => store.merge(path))).toContain(words);
            expect(said(() => recoverHistory(path, folder.file("new.sqlite")))).toContain(words);
            expect(said(() => whatIsWrong(path))).toContain(words);
            await expect(store.restore(path)).rejects.toMatchObject({ why: expect.stringContaining(words) });
          }
          expect(listCopies(folder.file()).find(({ path }) => path === other)?.problem).toContain(words);
          rmSync(place, { recursive: true });
        }
      } finally {
        store.close();
      }
    },
  );

  test("a link to a file is followed by a backup", async () => {
    const store = openStore(folder.file());
    writeFileSync(folder.file("real.sqlite"), "");
    symlinkSync(folder.file("real.sqlite"), folder.file("link.sqlite"));
    await store.backup(folder.file("link.sqlite"));
    store.close();
    expect(lstatSync(folder.file("link.sqlite")).isSymbolicLink()).toBe(true);
    openStore(folder.file("real.sqlite")).close();
  });
});
