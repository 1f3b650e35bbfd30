/**
 * One target, in a process of its own: `worker.ts TARGET SEED FROM COUNT NOTE`. Before every case its number goes into
 * the file NOTE, so that whoever watches knows which case a crash or a hang belongs to. Ends at the first finding.
 */
import { openSync, writeSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { mixSeed, seeded } from "../lib/random.ts";
import type { Verdict } from "./target.ts";
import { TARGETS } from "./targets/index.ts";

const TURN_EVERY = 32;

const [name, seed, from, count, note] = process.argv.slice(2);
const target = TARGETS.find((each) => each.name === name);
if (target === undefined || note === undefined) throw new Error(`there is no fuzz target ${name}`);

const noteFile = openSync(note, "w");
const number = Buffer.alloc(8);
const counts: Record<Verdict, number> = { taken: 0, refused: 0 };
/** Collected garbage aside, what a target may hold on to. */
let rssMax = 0;

function tell(message: Record<string, unknown>): void {
  process.send?.(message);
}

for (let i = Number(from); i < Number(from) + Number(count); i++) {
  number.writeBigUInt64LE(BigInt(i));
  writeSync(noteFile, number, 0, 8, 0);
  const input: unknown = target.make(seeded(mixSeed(name ?? "", seed ?? "", i)));
  try {
    counts[await target.give(input)]++;
  } catch (error) {
    tell({ kind: "finding", at: i, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    await target.tidy?.();
    process.exit(3);
  }
  // What native modules give back, they give back in turns of the event loop.
  if (i % TURN_EVERY === 0) await turn();
  if (i % 256 === 0) {
    rssMax = Math.max(rssMax, process.memoryUsage.rss());
    tell({ kind: "beat", at: i, ...counts, rssMax });
  }
}
await target.tidy?.();
tell({ kind: "done", ...counts, rssMax: Math.max(rssMax, process.memoryUsage.rss()) });
process.disconnect?.();
