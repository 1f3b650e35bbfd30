/** Damaged history files, opened by the store and read through. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../../db/store.ts";
import { newRun, rows, SPEC, summary } from "../../../db/testing.ts";
import { ReclaimLabError } from "../../../engine/error.ts";
import { mutateBytes } from "../mutate.ts";
import type { Target } from "../target.ts";

let folder: string | undefined;
let sound: Buffer | undefined;

/** A history with a few experiments, as bytes. */
function soundHistory(): Buffer {
  if (sound !== undefined) return sound;
  const made = mkdtempSync(join(tmpdir(), "reclaim-lab-fuzz-"));
  const file = join(made, "h.sqlite");
  const store = openStore(file);
  for (let i = 0; i < 4; i++) {
    const { id } = store.createExperiment({
      ...SPEC,
      title: `experiment ${i}`,
      tags: ["a", "b"],
      notes: "n".repeat(i * 500),
    });
    for (const mode of ["sync", "none"] as const) {
      const run = store.startRun(id, newRun(mode));
      store.appendSamples(run.id, rows(0, 200));
      store.finishRun(run.id, { status: "done", summary: summary(240) });
    }
  }
  store.trash([1]);
  store.close();
  sound = readFileSync(file);
  rmSync(made, { recursive: true });
  return sound;
}

export const database: Target<Uint8Array> = {
  name: "database",
  inputs: 12_000,
  inputsShort: 250,
  make: (random) => {
    const bytes = mutateBytes(new Uint8Array(soundHistory()), random);
    // Files that end in another's: what a half-finished copy looks like.
    return random.chance(0.05)
      ? Buffer.concat([bytes, new Uint8Array(soundHistory()).subarray(0, random.below(9000))])
      : bytes;
  },
  async give(bytes) {
    folder ??= mkdtempSync(join(tmpdir(), "reclaim-lab-fuzz-"));
    const here = join(folder, "case");
    rmSync(here, { recursive: true, force: true });
    mkdirSync(here);
    const file = join(here, "h.sqlite");
    writeFileSync(file, bytes);
    let opened = false;
    try {
      const store = openStore(file);
      opened = true;
      try {
        const { rows: listed } = store.list({});
        store.tags();
        for (const { id } of listed) for (const run of store.getExperiment(id).runs) store.samples(run.id);
        store.createExperiment(SPEC);
      } finally {
        store.close();
      }
      return "taken";
    } catch (error) {
      if (!(error instanceof ReclaimLabError)) throw error;
      if (opened || bytes.length === 0) return "refused";
      // What is refused at the door is left untouched.
      if (!existsSync(file) || Buffer.compare(readFileSync(file), bytes) !== 0)
        throw new Error(`refused (${error.name}), and yet the file was changed`);
      return "refused";
    }
  },
  show: (bytes) => `${bytes.length} bytes, base64: ${Buffer.from(bytes).toString("base64")}`,
  tidy() {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  },
};
