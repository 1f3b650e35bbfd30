/**
 * What recorded processes have in use, looked at again and again in place of recording their page faults, and its way into the
 * trace: each look's lines (engine/workload/import/found.ts) go before the first event after it.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { foundStates } from "./found-state.ts";
import type { Looker } from "./look.ts";

/** Looks take at most this share of the time. */
const SHARE = 0.05;

export interface SnapshotInput {
  readonly looker: Looker;
  /** The processes, as they are now. */
  readonly pids: () => readonly number[];
  /** From one look to the next, at least. */
  readonly everyMs: number;
  /** Where the lines are kept meanwhile. */
  readonly path: string;
  readonly onSnapshot: () => void;
}

export interface Snapshots {
  /** Ends it; may be called more than once. `failed`: why what was seen could not be kept. */
  end(): Promise<{ readonly path: string; readonly count: number; readonly tookMs: number; readonly failed?: Error }>;
}

/** Begins to look. A process that has ended, or of which a look fails, is left out of it. */
export function startSnapshots({ looker, pids, everyMs, path, onSnapshot }: SnapshotInput): Snapshots {
  let failed: Error | undefined;
  const out = createWriteStream(path).on("error", (error) => {
    failed ??= error;
  });
  const ending = new AbortController();
  let count = 0;
  let tookMs = 0;

  async function look(): Promise<number> {
    const begun = performance.now();
    for (const pid of pids()) {
      const states = await foundStates(looker, [pid], "later").catch(() => null);
      for (const line of states?.get(pid)?.lines ?? []) out.write(line);
    }
    return performance.now() - begun;
  }

  const going = (async () => {
    let waitMs = everyMs;
    while (!ending.signal.aborted) {
      await sleep(waitMs, undefined, { signal: ending.signal }).catch(() => undefined);
      // Once more at the end: the trace ends as the process is then.
      const took = await look();
      count++;
      tookMs += took;
      waitMs = Math.max(everyMs, took / SHARE);
      onSnapshot();
    }
    await new Promise((done) => out.end(done));
  })();

  return {
    async end() {
      ending.abort();
      await going;
      return { path, count, tookMs, ...(failed && { failed }) };
    },
  };
}

const EVENT = /\s(\d+)\.(\d{9}): /;
const SNAPSHOT = /^# reclaim-lab found \d+ (\d+) /;

/** Of a line of an event or a snapshot, in nanoseconds; null where it has none. */
function timeOf(line: string): number | null {
  if (line.startsWith("\t")) return null;
  const event = EVENT.exec(line.slice(0, 120));
  return event === null ? null : Number(event[1]) * 1e9 + Number(event[2]);
}

/** Passes lines of events on, with the snapshots of a file among them by their times. */
export function mergedByTime(path: string): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* merged(source) {
    const snapshots = createInterface({ input: createReadStream(path, "latin1") })[Symbol.asyncIterator]();
    const take = async (): Promise<{ readonly line: string; readonly atNs: number } | null> => {
      const { done, value } = await snapshots.next();
      return done ? null : { line: value, atNs: Number(SNAPSHOT.exec(value.slice(0, 80))?.[1] ?? 0) };
    };
    let next = await take();
    let held = "";
    for await (const chunk of source) {
      const lines = (held + chunk.toString("latin1")).split("\n");
      held = lines.pop() ?? "";
      let out = "";
      for (const line of lines) {
        const atNs = next === null ? null : timeOf(line);
        while (next !== null && atNs !== null && next.atNs <= atNs) {
          out += `${next.line}\n`;
          next = await take();
        }
        out += `${line}\n`;
      }
      yield Buffer.from(out, "latin1");
    }
    if (held !== "") yield Buffer.from(`${held}\n`, "latin1");
    for (; next !== null; next = await take()) yield Buffer.from(`${next.line}\n`, "latin1");
  };
}
