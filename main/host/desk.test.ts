/** What can be done where the history cannot be opened: nothing of the old file is changed, and a history is open after. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStore } from "../../db/store.ts";
import { newRun, rows, SPEC, summary } from "../../db/testing.ts";
import { resultOf } from "../answer.ts";
import type { CallArguments, CallResult, HostCallName, LabError } from "../contract.ts";
import { chooseHistory, historyFile } from "../data-folder.ts";
import { type Desk, openDesk } from "./desk.ts";

let folder: string;
let desk: Desk | undefined;
let told: (LabError | null)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reclaim-lab-desk-"));
  told = [];
});
afterEach(async () => {
  await desk?.close();
  desk = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const at = (name = "history.sqlite") => join(folder, name);
const digest = (name?: string) =>
  createHash("sha256")
    .update(readFileSync(at(name)))
    .digest("hex");

function open(): void {
  desk = openDesk({
    file: historyFile(folder),
    folder,
    emit: () => {},
    log: (error) => expect.unreachable(String(error)),
    tell: (failure) => told.push(failure),
  });
}

async function ask<N extends HostCallName>(name: N, ...params: CallArguments<N>): Promise<CallResult<N>> {
  return resultOf(name, await (desk as Desk).call(name, params[0]));
}

/** A history with so many experiments. */
function fill(name: string, titles: readonly string[], samples = 3000): void {
  const store = openStore(at(name));
  for (const title of titles) {
    const run = store.startRun(store.createExperiment({ ...SPEC, title }).id, newRun("sync"));
    store.appendSamples(run.id, rows(0, samples));
    store.finishRun(run.id, { status: "done", summary: summary(240) });
  }
  store.close();
}

const titles = async () => (await ask("history.list", {})).rows.map((row) => row.title).sort();

describe("a history that cannot be opened", () => {
  beforeEach(() => {
    fill("history.sqlite", ["a", "b"]);
    mkdirSync(at("elsewhere"));
    fill("elsewhere/backup.sqlite", ["a"]);
    // What a backup of the window or the command line leaves behind.
    writeFileSync(at("history.backups.json"), JSON.stringify([at("elsewhere/backup.sqlite"), at("gone.sqlite")]));
    truncateSync(at(), readFileSync(at()).length - 8 * 4096);
  });

  test("says why, answers what can be done, and refuses everything else with the same words", async () => {
    const before = digest();
    open();
    expect(told).toMatchObject([{ name: "DamagedHistoryError", where: at() }]);
    await expect(ask("history.list", {})).rejects.toThrow("This history is damaged; it was left untouched");
    const { name, copies } = await ask("rescue.look");
    expect(name).toBe("history.sqlite");
    expect(copies).toMatchObject([
      { id: 1, name: "backup.sqlite", kind: "backup", experiments: 1, runs: 1, problem: null },
    ]);
    expect(digest()).toBe(before);
    await expect(ask("rescue.retry")).rejects.toThrow("damaged");
    await expect(ask("rescue.open", { id: 2 })).rejects.toThrow("There is no such copy");
    expect(await ask("host.close")).toBeUndefined();
  });

  test("a copy is opened as a new history beside it, and stays in use", async () => {
    const [old, copy] = [digest(), digest("elsewhere/backup.sqlite")];
    open();
    await ask("rescue.look");
    expect(await ask("rescue.open", { id: 1 })).toEqual({ name: "history-2.sqlite" });
    expect(told.at(-1)).toBeNull();
    expect(await titles()).toEqual(["a"]);
    expect([digest(), digest("elsewhere/backup.sqlite")]).toEqual([old, copy]);
    await desk?.close();
    expect(historyFile(folder)).toBe(at("history-2.sqlite"));
    open();
    expect(await titles()).toEqual(["a"]);
  });

  test("what can be read is recovered into a new file, which can be opened", async () => {
    const old = digest();
    open();
    const recovered = await ask("rescue.recover");
    expect(recovered).toMatchObject({ name: "history-recovered-2.sqlite", experiments: 2, runs: 2 });
    expect(recovered.samples).toBeGreaterThan(3000);
    expect(recovered.samples).toBeLessThan(6000);
    expect(recovered.incomplete).toContain("sample");
    expect(historyFile(folder), "it is only offered").toBe(at());
    expect(await ask("rescue.open", { id: recovered.id })).toEqual({ name: "history-recovered-2.sqlite" });
    expect(await titles()).toEqual(["a", "b"]);
    expect((await ask("history.check")).ok).toBe(true);
    expect(digest()).toBe(old);
  });

  test("a new history is started beside it or where somebody says, never over a file", async () => {
    const old = digest();
    open();
    expect(await ask("rescue.startNew")).toEqual({ name: "history-2.sqlite" });
    expect(await titles()).toEqual([]);
    await expect(ask("rescue.create", { path: at() })).rejects.toThrow("A new history needs a new file");
    expect(await ask("rescue.create", { path: at("elsewhere/mine.sqlite") })).toEqual({ name: "mine.sqlite" });
    expect(historyFile(folder)).toBe(at("elsewhere/mine.sqlite"));
    expect(digest()).toBe(old);
  });

  test("another file that is no history changes nothing", async () => {
    writeFileSync(at("letter.sqlite"), "Dear all,\n".repeat(100));
    open();
    await expect(ask("rescue.openFile", { path: at("letter.sqlite") })).rejects.toThrow("not a Reclaim Lab history");
    await expect(ask("rescue.openFile", { path: at("nowhere.sqlite") })).rejects.toMatchObject({
      why: "there is no such file",
    });
    expect(existsSync(at("nowhere.sqlite"))).toBe(false);
    expect(historyFile(folder)).toBe(at());
    const { copies } = await ask("rescue.look");
    expect(copies.find((copy) => copy.name === "letter.sqlite")).toMatchObject({ experiments: null, kind: "history" });
  });
});

test("a chosen history that is gone is not made anew", () => {
  fill("other.sqlite", ["a"]);
  chooseHistory(folder, at("other.sqlite"));
  rmSync(at("other.sqlite"));
  open();
  expect(told).toMatchObject([{ name: "HistoryIoError", why: "there is no such file any more" }]);
  expect(readdirSync(folder)).toEqual(["history.json"]);
});

test("a backup is remembered as a copy of the history it was made of", async () => {
  open();
  mkdirSync(at("elsewhere"));
  await ask("history.backup", { path: at("elsewhere/b.sqlite") });
  const { copies } = await ask("rescue.look");
  expect(copies).toMatchObject([{ name: "b.sqlite", kind: "backup", experiments: 0 }]);
  expect(told).toEqual([null]);
});

test("a host that is told of no data folder makes the file that it is told of, whatever its name", async () => {
  desk = openDesk({
    file: at("other-1.sqlite"),
    folder: null,
    emit: () => {},
    log: (error) => expect.unreachable(String(error)),
    tell: (failure) => told.push(failure),
  });
  expect(told).toEqual([null]);
  expect(await titles()).toEqual([]);
  expect(readdirSync(folder)).not.toContain("history.json");
});
