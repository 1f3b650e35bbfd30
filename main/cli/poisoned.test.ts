/** Histories whose values are odd, from the command line: each experiment can be shown, exported and tagged. */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStore } from "../../db/store.ts";
import { newRun, rows, SPEC, summary, testFolder } from "../../db/testing.ts";

const CLI = resolve(import.meta.dirname, "..", "cli.ts");

let folder: ReturnType<typeof testFolder>;
beforeEach(() => {
  folder = testFolder();
  const store = openStore(folder.file());
  const { id } = store.createExperiment(SPEC);
  const run = store.startRun(id, newRun());
  store.appendSamples(run.id, rows(0, 20));
  store.finishRun(run.id, { status: "done", summary: summary(240) });
  store.close();
});
afterEach(() => folder.remove());

function change(sql: string): void {
  const db = new Database(folder.file());
  db.pragma("ignore_check_constraints = ON");
  db.exec(sql);
  db.close();
}

function lab(...words: string[]) {
  const [command = "", ...rest] = words;
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, command, ...rest, "--db", folder.file()], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("an experiment is shown", () => {
  test("whose blame names a reason that every object has", () => {
    const blame = '{"peak":[],"end":[{"stack":["main"],"reason":"constructor","tables":1,"kb":4}]}';
    change(`UPDATE run SET summary = json_set(summary, '$.blame', json('${blame}'))`);
    expect(lab("show", "1")).toMatchObject({ status: 0, stderr: "" });
    expect(lab("export", "1", "--format", "folded", "--out", "-")).toMatchObject({
      status: 0,
      stdout: "main;[constructor] 4\n",
    });
  });

  test.each(["NULL", '\'{"parameter":"setting","values":[]}\''])(
    "that is a trial of which no settings are stored (%s)",
    (detail) => {
      change(`UPDATE experiment SET workload_kind = 'program', kind = 'sweep', detail = ${detail}`);
      const { status, stdout } = lab("show", "1");
      expect(stdout).toContain("Nothing is known of the settings that were tried");
      expect(status).toBe(0);
      expect(JSON.parse(lab("show", "1", "--json").stdout)).toMatchObject({ baseline: null, settings: [] });
    },
  );
});

describe("parameters that are called as every object's fields are", () => {
  test("are not valid, and keep nobody from an export, a tag or a search", () => {
    const params = '{"__proto__":{"toString":1,"valueOf":1}}';
    change(`UPDATE experiment SET params = '${params}'; UPDATE run SET params = '${params}'`);
    expect(lab("history", "check").stdout).toMatch(/experiment 1: what is stored as its params is not valid/);
    expect(lab("export", "1", "--format", "csv", "--out", "-")).toMatchObject({ status: 0, stderr: "" });
    expect(lab("tag", "1", "odd")).toMatchObject({ status: 0, stderr: "" });
    expect(lab("list", "--filter", "tag:odd").stdout).toContain("Commit table, 50 GB");
  });
});
