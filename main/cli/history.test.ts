/** The history by command line, as its users have it: a process of its own, its exit status, stdout and stderr. */
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStore } from "../../db/store.ts";
import { newRun, rows, SPEC, summary, testFolder } from "../../db/testing.ts";

const CLI = resolve(import.meta.dirname, "..", "cli.ts");

let folder: ReturnType<typeof testFolder>;
beforeEach(() => {
  folder = testFolder();
  const store = openStore(folder.file());
  for (const [title, kb] of [
    ["first", 240],
    ["second", 480],
  ] as const) {
    const run = store.startRun(store.createExperiment({ ...SPEC, title }).id, newRun("sync"));
    store.appendSamples(run.id, rows(0, 2000));
    store.finishRun(run.id, { status: "done", summary: summary(kb) });
  }
  store.close();
});
afterEach(() => folder.remove());

const lab = (...args: string[]) => labIn(folder.path, ...args);

function labIn(dataFolder: string, ...args: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    env: { ...process.env, RECLAIM_LAB_DATA: dataFolder, NODE_OPTIONS: "" },
    encoding: "utf8",
  });
  return { status, out: stdout, err: stderr };
}

describe("history", () => {
  test("backup, merge and restore bring back what was deleted for good", () => {
    expect(lab("history", "backup", folder.file("copy.sqlite")).status).toBe(0);
    expect(lab("delete", "1", "2").status).toBe(0);
    expect(lab("history", "purge", "1")).toMatchObject({ status: 0, out: "1 experiment removed for good.\n" });
    expect(JSON.parse(lab("history", "merge", folder.file("copy.sqlite"), "--json").out)).toEqual({
      experiments: 1,
      runs: 1,
      samples: 2000,
      known: 1,
    });
    const { status, out } = lab("history", "restore", folder.file("copy.sqlite"));
    expect(status).toBe(0);
    expect(out).toMatch(/What it was is kept in .*before-restore/);
    const titles = JSON.parse(lab("list", "--json").out).map((row: { id: number; title: string }) => [
      row.id,
      row.title,
    ]);
    expect(titles).toEqual([
      [2, "second"],
      [1, "first"],
    ]);
  });

  test("check is 0 for a sound history; a damaged one is named, untouched, and recovered", () => {
    expect(JSON.parse(lab("history", "check", "--json").out)).toMatchObject({
      ok: true,
      experiments: 2,
      samples: 4000,
    });
    truncateSync(folder.file(), 200_000);
    const bytes = readFileSync(folder.file(), "hex");
    expect(lab("list")).toMatchObject({ status: 2, out: "", err: expect.stringMatching(/damaged.*cut off.*recover/) });
    const { status, out } = lab("history", "recover", folder.file(), folder.file("saved.sqlite"), "--json");
    expect(status).toBe(0);
    expect(JSON.parse(out).samples).toBeGreaterThan(0);
    expect(readFileSync(folder.file(), "hex")).toBe(bytes);
    expect(JSON.parse(lab("history", "check", "--json", "--db", folder.file("saved.sqlite")).out).ok).toBe(true);
  });

  test("bad usage, and a file that is none or cannot be one, is named in one line and ends with 2", () => {
    const text = folder.file("text");
    const nosuch = folder.file("nosuch");
    writeFileSync(text, "no history, but long enough for one".repeat(9));
    for (const args of [
      ["history", "purge"],
      ["history", "restore", text],
      ["history", "restore", nosuch],
      ["history", "merge", nosuch],
      ["history", "merge", folder.path],
      ["history", "recover", folder.file(), folder.file()],
      ["history", "recover", nosuch, folder.file("new")],
      ["history", "use", "--copy", nosuch],
      ["history", "backup", folder.file()],
      ["history", "backup", join(nosuch, "copy.sqlite")],
      ["history", "backup", join(text, "copy.sqlite")],
      ["history", "nonsense"],
      ["list", "--db", text],
      ["list", "--db", folder.path],
      ["list", "--db", join(text, "history.sqlite")],
      ["list", "--db", "/dev/null"],
      ["export", "1", "--format", "csv", "--out", folder.path],
      ["export", "1", "--format", "csv", "--out", join(nosuch, "x.csv")],
      ["export", "1", "--format", "csv", "--out", folder.file()],
      ["report", "1", "--out", join(text, "x.html")],
    ]) {
      const { status, out, err } = lab(...args);
      expect(status, args.join(" ")).toBe(2);
      expect(out).toBe("");
      expect(err.trim().split("\n").length, err).toBeLessThanOrEqual(2);
      expect(err).not.toMatch(/^\s+at /m);
    }
    expect(JSON.parse(lab("history", "check", "--json").out)).toMatchObject({ ok: true, experiments: 2 });
  });
});

describe("what people say of an experiment", () => {
  test("tags, notes, title, pin and archive are kept and found", () => {
    expect(lab("tag", "1", "nightly", "x y")).toMatchObject({ status: 0, out: "nightly\nx y\n" });
    expect(lab("tag", "1", "nightly", "--remove")).toMatchObject({ status: 0, out: "x y\n" });
    lab("note", "1", "before", "the", "upgrade");
    lab("note", "1", "--append", "and after");
    expect(lab("note", "1").out).toBe("before the upgrade\nand after\n");
    lab("rename", "1", "a", "better", "title");
    lab("pin", "1");
    expect(lab("archive", "2").status).toBe(0);
    expect(JSON.parse(lab("list", "--json", "--search", "upgrade better").out)).toMatchObject([
      { id: 1, title: "a better title", tags: ["x y"], pinned: true },
    ]);
    expect(JSON.parse(lab("list", "--json", "--shelf", "archive").out)).toMatchObject([{ id: 2 }]);
    expect(lab("rename", "1", " ").status).toBe(2);
    expect(lab("pin", "1", "999").status).toBe(2);
  });

  test("a report goes to a file or to stdout, the same bytes", () => {
    expect(lab("report", "1", "--out", folder.file("r.html")).status).toBe(0);
    expect(lab("report", "1").out).toBe(readFileSync(folder.file("r.html"), "utf8"));
  });

  test("a copy is used where there is no data folder yet", () => {
    const copy = folder.file();
    const elsewhere = folder.file("not-made-yet");
    const used = labIn(elsewhere, "history", "use", "--copy", copy);
    expect(used).toMatchObject({ status: 0, err: "" });
    expect(JSON.parse(labIn(elsewhere, "list", "--json").out)).toHaveLength(2);
  });

  test("names of files forge no rows and do nothing on a terminal", () => {
    const odd = "x\n2026-01-01 00:00  backup, 9 experiments, 9 runs\n  \u001b[2J\u202e.sqlite";
    copyFileSync(folder.file(), folder.file(odd));
    const { out } = lab("history", "copies");
    expect(out.split("\n")[1]).toBe(
      `  ${folder.file("x")}\\n2026-01-01 00:00  backup, 9 experiments, 9 runs\\n  \\u001b[2J\\u202e.sqlite`,
    );
    const { err } = lab("run", `./${odd}`);
    expect(err.split("\n")).toHaveLength(2);
    expect(err).not.toContain("\u001b");
  });

  test("a damaged history: what there is to do is named; a copy is used instead, and the file stays", () => {
    expect(lab("history", "backup", folder.file("copy.db")).status).toBe(0);
    truncateSync(folder.file(), 40_960);
    const damaged = readFileSync(folder.file());
    const refused = lab("list");
    expect(refused.status).toBe(2);
    expect(refused.err).toContain("This history is damaged");
    expect(refused.err).toContain("history use --copy FILE; history recover DAMAGED NEW");
    const listed = JSON.parse(lab("history", "copies", "--json").out);
    expect(listed).toMatchObject([{ path: folder.file("copy.db"), kind: "backup", experiments: 2, runs: 2 }]);
    expect(lab("history", "copies").out).toContain(folder.file("copy.db"));
    expect(lab("history", "use", "--copy", folder.file("copy.db")).out).toContain("history-2.sqlite");
    expect(JSON.parse(lab("list", "--json").out)).toHaveLength(2);
    expect(lab("history", "use", "--new").out).toContain("history-3.sqlite");
    expect(JSON.parse(lab("list", "--json").out)).toEqual([]);
    expect(lab("history", "use", folder.file("nowhere.sqlite"))).toMatchObject({ status: 2 });
    expect(lab("history", "use", folder.file("copy.db"), "--own")).toMatchObject({ status: 2 });
    expect(lab("history", "use", "--own").status, "it is still damaged").toBe(2);
    expect(lab("history", "use").out).toBe(`${folder.file("history-3.sqlite")}\n`);
    expect(readFileSync(folder.file())).toEqual(damaged);
  });
});
