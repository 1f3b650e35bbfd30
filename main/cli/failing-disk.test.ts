/** What the command line says and keeps where calls of the file system fail; the long lane tries every single one. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildFailingCalls, type Fault, meeting } from "../../db/failing-calls.ts";
import { openStore } from "../../db/store.ts";
import { newRun, rows, SPEC, testFolder } from "../../db/testing.ts";

const library = buildFailingCalls();
if (library === null) console.log("not tried: failing calls need Linux and a C compiler");

let folder: ReturnType<typeof testFolder>;
beforeEach(() => {
  folder = testFolder();
});
afterEach(() => {
  folder.remove();
});

function lab(fault: Omit<Fault, "under"> | null, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, "..", "cli.ts"), ...args, "--db", folder.file()],
    {
      encoding: "utf8",
      env: fault === null ? process.env : meeting(library?.path ?? "", { ...fault, under: realpathSync(folder.path) }),
    },
  );
  return { status, stdout, stderr };
}

/** A history with an experiment of that title. */
function history(file: string, title: string): void {
  const store = openStore(file);
  const run = store.startRun(store.createExperiment({ ...SPEC, title }).id, newRun());
  store.appendSamples(run.id, rows(0, 20));
  store.finishRun(run.id, { status: "done" });
  store.close();
}

/** Every title in every history of the folder. */
function titles(): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const name of readdirSync(folder.path).filter((each) => each.endsWith(".sqlite"))) {
    const store = openStore(folder.file(name));
    found[name.replace(/\.\d{8}T\d{6}Z/, "")] = store.list().rows.map((row) => row.title);
    store.close();
  }
  return found;
}

describe.skipIf(library === null)("a disk that fails", () => {
  test.each(["EIO", "EROFS", "EBUSY"] as const)("%s in the clean-up of a restore loses nothing", (errno) => {
    history(folder.file(), "mine");
    history(folder.file("backup.sqlite"), "theirs");
    const seen = lab(
      { call: "unlink", errno, at: 1, on: "on", name: ".tmp" },
      "history",
      "restore",
      folder.file("backup.sqlite"),
    );
    expect(seen).toMatchObject({ status: 0, stdout: expect.stringMatching(/What it was is kept in/) });
    expect(titles()).toEqual({
      "history.sqlite": ["theirs"],
      "backup.sqlite": ["theirs"],
      "history.before-restore.sqlite": ["mine"],
    });
  });

  test("in the clean-up of a merge and of a backup makes no failure of them", () => {
    history(folder.file(), "mine");
    history(folder.file("other.sqlite"), "theirs");
    const fault = { call: "unlink", errno: "EIO", at: 1, on: "on", name: ".tmp" } as const;
    expect(lab(fault, "history", "merge", folder.file("other.sqlite"))).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Added: 1 experiment, 1 run, 20 samples/),
    });
    expect(lab(fault, "history", "backup", folder.file("backup.sqlite")).status).toBe(0);
    expect(titles()).toMatchObject({ "history.sqlite": ["theirs", "mine"], "backup.sqlite": ["theirs", "mine"] });
  });

  test("when a restore is committed keeps what was, and says where", () => {
    history(folder.file(), "mine");
    history(folder.file("backup.sqlite"), "theirs");
    // The log's own syncs: the one that COMMIT waits for among them.
    const seen = lab(
      { call: "fsync", errno: "EIO", at: 1, on: "on", name: "history.sqlite-wal" },
      "history",
      "restore",
      folder.file("backup.sqlite"),
    );
    expect(seen.status).toBe(1);
    expect(seen.stderr).toMatch(/cannot be read or written.*The old history is kept in .*before-restore/);
    expect(
      Object.values(titles())
        .flat()
        .filter((title) => title === "mine").length,
    ).toBeGreaterThan(0);
  });

  test("that is full in a run: it fails, nothing is said to be saved, and it stays failed", () => {
    history(folder.file(), "mine");
    const fault = { call: "write", errno: "ENOSPC", at: 20, on: "on", name: "history.sqlite-wal" } as const;
    const seen = lab(fault, "run", "commit-table", "--set", "size=1G");
    expect(seen).toMatchObject({ status: 1 });
    expect(seen.stdout + seen.stderr).toMatch(/disk I\/O error|disk is full/);
    expect(seen.stdout).not.toContain("Saved in");
    const { stdout, status } = lab(null, "history", "check");
    expect({ stdout, status }).toMatchObject({ status: 0 });
    const [run] = JSON.parse(lab(null, "list", "--json").stdout).filter(
      ({ title }: { title: string }) => title !== "mine",
    );
    for (const each of run?.runs ?? []) expect(each.status).not.toBe("done");
  });

  test("when the folder is synced after an export says that the file is there", () => {
    history(folder.file(), "mine");
    const out = folder.file("x.csv");
    // The folder itself: its path ends where those of files go on.
    const seen = lab({ call: "fsync", errno: "EIO", at: 2 }, "export", "1", "--format", "csv", "--out", out);
    expect(existsSync(out)).toBe(true);
    expect(seen).toMatchObject({ status: 1, stderr: expect.stringMatching(/x\.csv: The file is complete/) });
  });
});
