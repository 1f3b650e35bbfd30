/** A big history that is damaged where opening does not look: whoever finds it, the same words, and nothing more written. */
import { copyFileSync, mkdtempSync, rmSync, statfsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { whatIsWrong } from "../../db/open.ts";
import { openStore } from "../../db/store.ts";
import { addSamples, damagePage, newRun, SPEC } from "../../db/testing.ts";
import type { LabError } from "../contract.ts";
import { type Desk, openDesk } from "./desk.ts";

const SAMPLES = 250_000;

/** The history, its copy, its backup, and what is recovered from it. */
const ROOM_BYTES = 256 * 2 ** 20;
const { bavail, bsize } = statfsSync(tmpdir());
const cramped = bavail * bsize < ROOM_BYTES;
if (cramped)
  console.warn(
    `damaged big histories are left out: they take ${ROOM_BYTES / 2 ** 20} MiB in ${tmpdir()}, which has less`,
  );

let folder: string;
let big: string;
let file: string;
let desk: Desk | undefined;
let told: (LabError | null)[];
let logged: unknown[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "reclaim-lab-damage-"));
  big = join(folder, "big.sqlite");
  const store = openStore(big);
  const run = store.startRun(store.createExperiment(SPEC).id, newRun());
  store.finishRun(run.id, { status: "done" });
  store.close();
  addSamples(big, run.id, 0, SAMPLES);
  expect(statSync(big).size).toBeGreaterThan(33 * 2 ** 20);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(() => {
  file = join(folder, "history.sqlite");
  copyFileSync(big, file);
  told = [];
  logged = [];
});
afterEach(async () => {
  await desk?.close();
  desk = undefined;
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
});

const open = (): Desk =>
  openDesk({
    file,
    folder: null,
    emit: () => {},
    log: (error) => logged.push(error),
    tell: (failure) => told.push(failure),
  });

const DAMAGED = {
  name: "DamagedHistoryError",
  message: "This history is damaged; nothing more is written to it",
  where: expect.stringContaining("history.sqlite"),
  why: expect.stringMatching(/./),
  todo: expect.stringContaining("recover what can be read"),
};

describe.skipIf(cramped)("a damaged page among the samples of a big history", () => {
  test("is found by the look in the background, and told as when it could not be opened", async () => {
    damagePage(file);
    desk = open();
    expect(told).toEqual([null]);
    await expect.poll(() => told.length).toBe(2);
    expect(told[1]).toMatchObject(DAMAGED);
    // What it cannot be asked for is answered in the same words; what can be done about it, is.
    expect(await desk.call("history.list", {})).toEqual({ error: told[1] });
    expect(await desk.call("rescue.look", undefined)).toMatchObject({ result: { name: "history.sqlite" } });
    expect(await desk.call("rescue.recover", undefined)).toMatchObject({
      result: { experiments: 1, runs: 1, incomplete: ["sample"] },
    });
    expect(await desk.call("rescue.startNew", undefined)).toMatchObject({ result: { name: "history-2.sqlite" } });
    expect(told[2]).toBeNull();
    expect(await desk.call("history.list", {})).toMatchObject({ result: { total: 0 } });
    expect(logged).toEqual([]);
  });

  test("is found by whoever reads it before", async () => {
    damagePage(file);
    desk = open();
    expect(await desk.call("run.samples", { runId: 1 })).toMatchObject({ error: { name: "DamagedHistoryError" } });
    await expect.poll(() => told.length).toBe(2);
    expect(told[1]).toMatchObject(DAMAGED);
    expect(logged).toEqual([]);
  });

  test("is found by who asks whether the history is sound, or copies it", async () => {
    for (const [name, params] of [
      ["history.check", undefined],
      ["history.backup", { path: join(folder, "backup.sqlite") }],
    ] as const) {
      copyFileSync(big, file);
      damagePage(file);
      told = [];
      const each = open();
      await each.call(name, params);
      await expect.poll(() => told.length, { message: name }).toBe(2);
      expect(told[1], name).toMatchObject(DAMAGED);
      await each.close();
    }
  });

  test("what the lists are made of is looked at when it is opened", () => {
    // Tables and indexes begin in the first pages, as they were made; the samples' pages come after.
    for (let page = 2; page < 12; page++) damagePage(file, page);
    desk = open();
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      name: "DamagedHistoryError",
      message: "This history is damaged; it was left untouched",
    });
  });
});

test.skipIf(cramped)("a sound big history is not complained about", async () => {
  expect(whatIsWrong(file)).toBeNull();
  desk = open();
  expect(await desk.call("history.check", undefined)).toMatchObject({ result: { ok: true, samples: SAMPLES } });
  expect(told).toEqual([null]);
});
