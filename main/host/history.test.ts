import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openStore } from "../../db/store.ts";
import { newRun, SPEC, testFolder } from "../../db/testing.ts";
import type { EventName } from "../contract.ts";
import { type Lab, openLab } from "./lab.ts";

let folder: ReturnType<typeof testFolder>;
let lab: Lab;
let told: { name: EventName; payload: unknown }[];
const faults: unknown[] = [];

beforeEach(() => {
  folder = testFolder();
  told = [];
  lab = openLab({
    file: folder.file(),
    emit: (name, payload) => void told.push({ name, payload }),
    log: (error) => void faults.push(error),
  });
});
afterEach(async () => {
  await lab.close();
  folder.remove();
  expect(faults.splice(0)).toEqual([]);
});

async function seen(name: EventName): Promise<unknown> {
  for (;;) {
    const event = told.find((one) => one.name === name);
    if (event) return event.payload;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("the history as a whole", () => {
  test("is copied, checked, changed and made what the copy is", async () => {
    const other = openStore(folder.file());
    other.createExperiment(SPEC);
    expect(await lab.call("history.backup", { path: folder.file("copy.sqlite") })).toEqual({ result: undefined });
    other.createExperiment(SPEC);
    other.close();
    expect(await lab.call("history.check", undefined)).toMatchObject({ result: { ok: true, experiments: 2 } });
    const answer = await lab.call("history.replace", { path: folder.file("copy.sqlite") });
    if (!("result" in answer)) throw new Error("refused");
    expect(readFileSync(String(answer.result)).subarray(0, 6).toString()).toBe("SQLite");
    expect(await lab.call("history.check", undefined)).toMatchObject({ result: { ok: true, experiments: 1 } });
    expect(await lab.call("history.merge", { path: String(answer.result) })).toEqual({
      result: { experiments: 1, runs: 0, samples: 0, known: 1 },
    });
  });

  test("loses for good only what is in the trash", async () => {
    const other = openStore(folder.file());
    const [a, b, c] = [1, 2, 3].map(() => other.createExperiment(SPEC).id);
    other.trash([a, b]);
    other.close();
    expect(await lab.call("history.purge", { ids: [a, c] })).toEqual({ result: 1 });
    expect(await lab.call("history.purge", {})).toEqual({ result: 1 });
    expect(await lab.call("experiment.get", { id: c })).toMatchObject({ result: { id: c } });
  });

  test("that is no history is named", async () => {
    const answer = await lab.call("history.merge", { path: folder.file("none.sqlite") });
    expect(answer).toMatchObject({
      error: { name: "HistoryIoError", why: "there is no such file", todo: expect.any(String) },
    });
  });
});

describe("what another process does to the history", () => {
  test("is told", async () => {
    const other = openStore(folder.file());
    other.createExperiment(SPEC);
    other.close();
    expect(await seen("history.changed")).toEqual({ ids: [] });
  });

  test("is seen: its runs are interrupted when it closes", async () => {
    const other = openStore(folder.file());
    const run = other.startRun(other.createExperiment(SPEC).id, newRun());
    other.close();
    expect(await seen("history.changed")).toEqual({ ids: [] });
    expect(await lab.call("experiment.get", { id: run.experimentId })).toMatchObject({
      result: { runs: [{ id: run.id, status: "interrupted" }] },
    });
  });
});

test("a look that was kept before a cause had a name is shown, with none of it", async () => {
  const split = { needed: 28, sparse: 12, upper: 24 };
  const verdict = { sentences: ["Not a problem."] };
  const store = openStore(folder.file());
  const kept = store.createExperiment({ ...SPEC, workloadKind: "live", detail: { observation: { split, verdict } } });
  store.close();
  expect(await lab.call("experiment.get", { id: kept.id })).toMatchObject({
    result: { observation: { verdict, split: { ...split, pinned: 0, empty: 0 } } },
  });
});
