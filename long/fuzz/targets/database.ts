/**
 * Damaged history files, with and without the log beside them: opened by the store and read through, and now and then
 * recovered. Bytes, whole pages, the header's fields and the log's frames are damaged, files are cut off.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recoverHistory } from "../../../db/recover.ts";
import { openStore } from "../../../db/store.ts";
import { newRun, rows, SPEC, summary } from "../../../db/testing.ts";
import { ReclaimLabError } from "../../../engine/error.ts";
import type { Random } from "../../lib/random.ts";
import { mutateBytes } from "../mutate.ts";
import type { Target } from "../target.ts";

interface Input {
  readonly file: Uint8Array;
  /** The write-ahead log beside it; null: none. */
  readonly log: Uint8Array | null;
  /** Is what cannot be opened recovered, too? */
  readonly recover: boolean;
}

/** In memory where there is such a place: every case syncs its files to the disk some ten times. */
const PLACE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const PAGE = 4096;
/** The fields of SQLite's header that decide how everything else is read. */
const HEADER_FIELDS = [16, 18, 19, 20, 21, 22, 23, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64, 68, 92, 96];

let folder: string | undefined;
let sound: { readonly file: Buffer; readonly grown: Buffer; readonly log: Buffer } | undefined;

/** A history with a few experiments; the same with more of them in its log; that log. */
function soundHistory(): NonNullable<typeof sound> {
  if (sound !== undefined) return sound;
  const made = mkdtempSync(join(PLACE, "reclaim-lab-fuzz-"));
  const path = join(made, "h.sqlite");
  const store = openStore(path);
  const add = (i: number): void => {
    const spec = { ...SPEC, title: `experiment ${i}`, tags: ["a", "b"], notes: "n".repeat(i * 500) };
    const { id } = store.createExperiment(spec);
    for (const mode of ["sync", "none"] as const) {
      const run = store.startRun(id, newRun(mode));
      store.appendSamples(run.id, rows(0, 200));
      store.finishRun(run.id, { status: "done", summary: summary(240) });
    }
  };
  for (let i = 0; i < 4; i++) add(i);
  store.trash([1]);
  store.close();
  const file = readFileSync(path);
  const again = openStore(path);
  const { id } = again.createExperiment({ ...SPEC, title: "in the log" });
  again.appendSamples(again.startRun(id, newRun("sync")).id, rows(0, 100));
  const grown = readFileSync(path);
  const log = readFileSync(`${path}-wal`);
  again.close();
  rmSync(made, { recursive: true });
  sound = { file, grown, log };
  return sound;
}

/** Whole pages changed places, were lost or are another's; the header's fields are others; cut off at a page. */
function mutatePages(bytes: Uint8Array, random: Random): Uint8Array {
  const pages = Math.floor(bytes.length / PAGE);
  for (let left = random.between(1, 3); left > 0; left--) {
    const [to, from] = [random.below(pages) * PAGE, random.below(pages) * PAGE];
    switch (random.below(5)) {
      case 0:
        bytes.copyWithin(to, from, from + PAGE);
        break;
      case 1:
        bytes.fill(0, to, to + PAGE);
        break;
      case 2: {
        const at = random.pick(HEADER_FIELDS);
        new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, random.pick([0, 1, 2, 255, 2 ** 31, 2 ** 32 - 1]));
        break;
      }
      case 3:
        // The head of a page: its kind, its cells, where they are.
        for (let i = 0; i < 12; i++) if (random.chance(0.3)) bytes[to + i] = random.below(256);
        break;
      default:
        if (random.chance(0.3)) return bytes.subarray(0, Math.max(PAGE, to));
    }
  }
  return bytes;
}

export const database: Target<Input> = {
  name: "database",
  inputs: 60_000,
  inputsShort: 600,
  make(random) {
    const { file, grown, log } = soundHistory();
    const recover = random.chance(0.1);
    const damaged = (bytes: Buffer): Uint8Array =>
      random.chance(0.5) ? mutateBytes(new Uint8Array(bytes), random) : mutatePages(new Uint8Array(bytes), random);
    if (random.chance(0.25)) {
      const hurt = random.pick(["log", "file", "both"]);
      return {
        file: hurt === "log" ? grown : damaged(grown),
        log: hurt === "file" ? log : mutateBytes(new Uint8Array(log), random),
        recover,
      };
    }
    const bytes = damaged(file);
    // Files that end in another's: what a half-finished copy looks like.
    const tail = random.chance(0.05) ? new Uint8Array(file).subarray(0, random.below(9000)) : new Uint8Array();
    return { file: Buffer.concat([bytes, tail]), log: null, recover };
  },
  async give({ file: bytes, log, recover }) {
    folder ??= mkdtempSync(join(PLACE, "reclaim-lab-fuzz-"));
    const here = join(folder, "case");
    rmSync(here, { recursive: true, force: true });
    mkdirSync(here);
    const file = join(here, "h.sqlite");
    writeFileSync(file, bytes);
    if (log !== null) writeFileSync(`${file}-wal`, log);
    if (recover) {
      recoverOrRefuse(file, join(here, "recovered.sqlite"));
      if (Buffer.compare(readFileSync(file), bytes) !== 0) throw new Error("the file was changed by its recovery");
    }
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
      // With a log beside it, opening is what brings the log's pages into the file.
      if (opened || log !== null || bytes.length === 0) return "refused";
      // What is refused at the door is left untouched.
      if (!existsSync(file) || Buffer.compare(readFileSync(file), bytes) !== 0)
        throw new Error(`refused (${error.name}), and yet the file was changed`);
      return "refused";
    }
  },
  show: ({ file, log, recover }) =>
    [file, ...(log === null ? [] : [log])]
      .map((bytes) => `${bytes.length} bytes, base64: ${Buffer.from(bytes).toString("base64")}`)
      .join("\n\nits log: ") + (recover ? "\n\nand recovered" : ""),
  tidy() {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  },
};

/** What is recovered is a sound history; what cannot be is refused in words. */
function recoverOrRefuse(damaged: string, target: string): void {
  try {
    recoverHistory(damaged, target);
  } catch (error) {
    if (!(error instanceof ReclaimLabError)) throw error;
    if (existsSync(target)) throw new Error(`recovery was refused (${error.name}), and yet there is a file`);
    return;
  }
  const store = openStore(target);
  try {
    const { ok, problems } = store.check();
    if (!ok) throw new Error(`what was recovered is not sound: ${problems.slice(0, 3).join("; ")}`);
  } finally {
    store.close();
  }
}
