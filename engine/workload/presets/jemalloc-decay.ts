import type { Operation } from "../operation.ts";
import { GIB, KIB, MIB, PAGE, TIB } from "../sizes.ts";
import { arenaFor, bytesParam, countParam, num, type Preset } from "./preset.ts";
import { freeRunCount, freeRuns } from "./survivors.ts";

function extents(params: Parameters<Preset["operationCount"]>[0]): number {
  return Math.floor(num(params, "heap") / num(params, "extent"));
}

/** jemalloc with retained address space: extents fall free, wait for their decay and are purged run by run. */
export const jemallocDecay: Preset = {
  name: "jemalloc-decay",
  title: "jemalloc: decay and purge",
  description:
    "The heap fills with extents; most are freed, neighbours coalesce, and after the decay time every free run is purged " +
    "with one MADV_DONTNEED. The fewer extents survive in between, the longer the runs and the more tables are freed.",
  params: [
    bytesParam("heap", "Heap", "Retained address space that fills in every round.", {
      min: MIB,
      max: 4 * TIB,
      default: 4 * GIB,
    }),
    bytesParam("extent", "Extent", "Size of one extent.", { min: PAGE, max: GIB, default: 64 * KIB, atMost: "heap" }),
    {
      name: "survivors",
      label: "Survivors",
      description: "How many extents stay in use when the others are freed, in percent.",
      type: "percent",
      min: 0,
      max: 50,
      default: 1,
    },
    {
      name: "dirty_decay_ms",
      label: "dirty_decay_ms",
      description: "How long free extents stay dirty before they are purged (MALLOC_CONF); only time passes meanwhile.",
      type: "ms",
      min: 0,
      max: 600_000,
      default: 10_000,
    },
    countParam("rounds", "Rounds", "How often the heap fills and empties.", { min: 1, max: 10_000, default: 8 }),
  ],
  sources: [
    {
      title: "jemalloc(3): opt.dirty_decay_ms, opt.muzzy_decay_ms, opt.retain",
      reference: "https://jemalloc.net/jemalloc.3.html",
      used: "Defaults: dirty decay 10 s, no muzzy decay (so purging is MADV_DONTNEED), address space retained.",
    },
    {
      title: "jemalloc-sparse, a trace recorded for this project (jemalloc 5.3, dirty_decay_ms:0)",
      reference: "engine/workload/testdata/traces/jemalloc-sparse",
      used: "240 of its 242 purges cover 2 MiB or more (median 56 MiB); VmPTE peaks at 7.1 MB.",
    },
  ],
  operationCount(params) {
    const pieces = extents(params);
    return 1 + num(params, "rounds") * (Math.ceil(pieces / FILL) + 1 + freeRunCount(pieces, num(params, "survivors")));
  },
  *operations(params, seed): Generator<Operation> {
    const extent = num(params, "extent");
    const pieces = extents(params);
    const base = arenaFor(num(params, "heap"));
    yield { op: "mmap", addr: base, len: num(params, "heap"), prot: "rw", backing: "anon" };
    for (let round = 0; round < num(params, "rounds"); round++) {
      for (let piece = 0; piece < pieces; piece += FILL) {
        const count = Math.min(FILL, pieces - piece);
        yield { op: "touch", addr: base + piece * extent, len: count * extent, access: "w" };
      }
      yield { op: "tick", ms: num(params, "dirty_decay_ms") };
      for (const { first, count } of freeRuns(pieces, num(params, "survivors"), seed + round)) {
        yield { op: "madvise", addr: base + first * extent, len: count * extent, advice: "dontneed" };
      }
    }
  },
};

/** Extents that are touched by one operation. */
const FILL = 16;
