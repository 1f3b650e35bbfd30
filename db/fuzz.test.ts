import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeError, ReclaimLabError } from "../engine/error.ts";
import { createRandom } from "../engine/workload/random.ts";
import { removeDatabase } from "./files.ts";
import { recoverHistory } from "./recover.ts";
import { openStore } from "./store.ts";
import { newRun, rows, SPEC, testFolder } from "./testing.ts";

/** How many damaged files are opened: a few here, RECLAIM_LAB_FUZZ=100000 in the long lane. */
const INPUTS = Number(process.env.RECLAIM_LAB_FUZZ ?? 80);
const SEED = Number(process.env.RECLAIM_LAB_SEED);

let folder: ReturnType<typeof testFolder>;
beforeEach(() => {
  folder = testFolder();
});
afterEach(() => folder.remove());

/** A small history that has something in every table. */
function sound(): Buffer {
  const file = folder.file("sound.sqlite");
  const store = openStore(file);
  for (const title of ["one", "two"]) {
    const { id } = store.createExperiment({ ...SPEC, title, tags: ["a", "b"], notes: "note ".repeat(200) });
    const run = store.startRun(id, newRun());
    store.appendSamples(run.id, rows(0, 60));
    store.finishRun(run.id, { status: "done" });
  }
  store.setSetting("x", { y: [1, 2, 3] });
  store.close();
  return readFileSync(file);
}

test(`a damaged file is answered with a named error or opened, and is never the end of the program (replay: RECLAIM_LAB_SEED=${SEED} RECLAIM_LAB_FUZZ=${INPUTS} npx vitest run db/fuzz.test.ts)`, {
  timeout: 60_000 + INPUTS * 200,
}, () => {
  const random = createRandom(SEED);
  const original = sound();
  const file = folder.file();
  const seen = { opened: 0, refused: 0, recovered: 0 };
  const attempt = (what: () => unknown): boolean => {
    try {
      what();
      return true;
    } catch (error) {
      if (!(error instanceof ReclaimLabError)) throw error;
      expect(describeError(error)).not.toMatch(/\n/);
      return false;
    }
  };
  for (let i = 0; i < INPUTS; i++) {
    const bytes = Buffer.from(original);
    // Mostly single bytes, at times a stretch of noise or of zeros, a swapped page, a piece cut off.
    for (let n = 1 + random.below(4); n > 0; n--) {
      const at = random.below(3) === 0 ? random.below(100) : random.below(bytes.length);
      const kind = random.below(6);
      if (kind < 3) bytes[at] = random.below(256);
      else if (kind === 3)
        for (let k = 0; k < random.below(300); k++) bytes[(at + k) % bytes.length] = random.below(256);
      else if (kind === 4) bytes.fill(0, at, Math.min(bytes.length, at + random.below(5000)));
      else bytes.copy(bytes, 4096 * random.below(bytes.length / 4096), at - (at % 4096), at - (at % 4096) + 4096);
    }
    writeFileSync(file, random.below(8) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes);
    copyFileSync(file, folder.file("before"));
    const opened = attempt(() => {
      const store = openStore(file, { busyTimeoutMs: 0 });
      try {
        for (const row of store.list().rows) for (const run of row.runs) attempt(() => store.samples(run.id));
        attempt(() => store.check());
        attempt(() => store.createExperiment(SPEC));
        attempt(() => store.purge({ before: 1 }));
      } finally {
        store.close();
      }
    });
    if (opened) seen.opened++;
    else {
      seen.refused++;
      expect(readFileSync(file).equals(readFileSync(folder.file("before"))), "a refused file was changed").toBe(true);
      if (attempt(() => recoverHistory(file, folder.file("saved.sqlite")))) {
        seen.recovered++;
        const saved = openStore(folder.file("saved.sqlite"));
        expect(saved.check().ok).toBe(true);
        saved.close();
      }
    }
    removeDatabase(file);
    removeDatabase(folder.file("saved.sqlite"));
  }
  if (INPUTS > 1000) console.log(seen);
  expect(seen.opened).toBeGreaterThan(0);
  expect(seen.refused).toBeGreaterThan(0);
});
