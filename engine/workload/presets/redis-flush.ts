import type { Operation } from "../operation.ts";
import { GIB, KIB, MIB, PAGE, TIB } from "../sizes.ts";
import { arenaFor, bytesParam, choice, countParam, num, type Preset } from "./preset.ts";

/** The heap is filled this much at a time. */
const FILL = 4 * MIB;

/** Pieces a flush gives back: every second one of the slots of `run`, the runs between are kept by fragmentation. */
function runs(params: Parameters<Preset["operationCount"]>[0]): number {
  return Math.floor(num(params, "dataset") / (num(params, "purge") + num(params, "kept")));
}

/** redis filled and flushed, again and again, over its bundled jemalloc. */
export const redisFlush: Preset = {
  name: "redis-flush",
  title: "redis: fill and flush",
  description:
    "A data set is loaded and flushed. What jemalloc's background thread then purges is cut into small runs by what stays " +
    "(slabs, dictionaries, clients); MEMORY PURGE at a quiet moment releases long runs instead.",
  params: [
    bytesParam("dataset", "Data set", "Memory of the data set.", { min: MIB, max: 4 * TIB, default: 4 * GIB }),
    bytesParam("purge", "Purged run", "Length of a run that one purge releases.", {
      min: PAGE,
      max: GIB,
      default: 96 * KIB,
    }),
    bytesParam("kept", "Kept between", "What stays in use between two runs.", { min: 0, max: GIB, default: 8 * KIB }),
    {
      name: "release",
      label: "Release",
      description: "What releases the memory after a flush.",
      type: "choice",
      choices: [
        { value: "decay", label: "jemalloc's decay, run by run" },
        { value: "purge", label: "MEMORY PURGE after all was freed: the whole data set" },
      ],
      default: "decay",
    },
    countParam("rounds", "Flushes", "How often it is filled and flushed.", { min: 1, max: 10_000, default: 6 }),
  ],
  sources: [
    {
      title: "redis-default, a trace recorded for this project (redis-server under redis-cli load)",
      reference: "engine/workload/testdata/traces/redis-default",
      used: "680 purges, median 96 KiB, nine in ten below 440 KiB; one covers a whole table.",
    },
    {
      title: "Redis: MEMORY PURGE",
      reference: "https://redis.io/docs/latest/commands/memory-purge/",
      used: "Asks the allocator to release free memory at once.",
    },
  ],
  operationCount(params) {
    const fills = Math.ceil(num(params, "dataset") / FILL);
    const releases = choice(params, "release") === "decay" ? runs(params) : 1;
    return 1 + num(params, "rounds") * (fills + 1 + releases);
  },
  *operations(params): Generator<Operation> {
    const dataset = num(params, "dataset");
    const purge = num(params, "purge");
    const every = purge + num(params, "kept");
    const base = arenaFor(dataset);
    yield { op: "mmap", addr: base, len: dataset, prot: "rw", backing: "anon" };
    for (let round = 0; round < num(params, "rounds"); round++) {
      for (let at = 0; at < dataset; at += FILL) {
        yield { op: "touch", addr: base + at, len: Math.min(FILL, dataset - at), access: "w" };
      }
      yield { op: "tick", ms: 1000 };
      if (choice(params, "release") === "decay") {
        for (let run = 0; run < runs(params); run++) {
          yield { op: "madvise", addr: base + run * every, len: purge, advice: "dontneed" };
        }
      } else yield { op: "madvise", addr: base, len: dataset, advice: "dontneed" };
    }
  },
};
