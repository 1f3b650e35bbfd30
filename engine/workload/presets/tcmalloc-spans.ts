import type { Operation } from "../operation.ts";
import { createPermutation } from "../random.ts";
import { GIB, KIB, MIB, PAGE, TIB } from "../sizes.ts";
import { arenaFor, bytesParam, choice, countParam, num, type Preset } from "./preset.ts";
import { freeRunCount, freeRuns } from "./survivors.ts";

function spans(params: Parameters<Preset["operationCount"]>[0]): number {
  return Math.floor(num(params, "heap") / num(params, "span"));
}

/** gperftools' page heap: one span released at a time, or what has coalesced. */
export const tcmallocSpans: Preset = {
  name: "tcmalloc-spans",
  title: "tcmalloc: span release",
  description:
    "The page heap hands out spans and releases them. With aggressive decommit each span is released alone, as soon as it is " +
    "free; at the normal release rate free spans coalesce first, and a release covers whole runs.",
  params: [
    bytesParam("heap", "Heap", "Size of the page heap.", { min: MIB, max: 4 * TIB, default: 2 * GIB }),
    bytesParam("span", "Span", "Size of one span.", { min: 2 * PAGE, max: GIB, default: 256 * KIB, atMost: "heap" }),
    {
      name: "live",
      label: "Live spans",
      description: "How many spans stay in use (with the normal release rate), in percent.",
      type: "percent",
      min: 0,
      max: 50,
      default: 2,
    },
    {
      name: "release",
      label: "Release",
      description: "When free spans are released to the kernel.",
      type: "choice",
      choices: [
        { value: "aggressive", label: "each span at once (TCMALLOC_AGGRESSIVE_DECOMMIT)" },
        { value: "rate", label: "coalesced, at the release rate (default)" },
      ],
      default: "rate",
    },
    countParam("rounds", "Rounds", "How often the heap fills and empties.", { min: 1, max: 10_000, default: 8 }),
  ],
  sources: [
    {
      title: "gperftools TCMalloc: TCMALLOC_RELEASE_RATE, TCMALLOC_AGGRESSIVE_DECOMMIT",
      reference: "https://gperftools.github.io/gperftools/tcmalloc.html",
      used: "The two ways of releasing; the default rate is 1.0, aggressive decommit is off.",
    },
    {
      title: "gperftools, src/page_heap.cc: PageHeap::MergeIntoFreeList",
      reference: "https://github.com/gperftools/gperftools/blob/master/src/page_heap.cc",
      used: "With aggressive decommit a span is decommitted before it is merged with its neighbours.",
    },
    {
      title: "tcmalloc-churn, a trace recorded for this project (TCMALLOC_AGGRESSIVE_DECOMMIT=t)",
      reference: "engine/workload/testdata/traces/tcmalloc-churn",
      used: "Half of its 424 releases are 64 KiB or less, 26 are 2 MiB or more.",
    },
  ],
  operationCount(params) {
    const pieces = spans(params);
    const released = choice(params, "release") === "aggressive" ? pieces : freeRunCount(pieces, num(params, "live"));
    return 1 + num(params, "rounds") * (Math.ceil(pieces / FILL) + released);
  },
  *operations(params, seed): Generator<Operation> {
    const span = num(params, "span");
    const pieces = spans(params);
    const base = arenaFor(num(params, "heap"));
    const aggressive = choice(params, "release") === "aggressive";
    yield { op: "mmap", addr: base, len: num(params, "heap"), prot: "rw", backing: "anon" };
    for (let round = 0; round < num(params, "rounds"); round++) {
      for (let piece = 0; piece < pieces; piece += FILL) {
        yield { op: "touch", addr: base + piece * span, len: Math.min(FILL, pieces - piece) * span, access: "w" };
      }
      if (aggressive) {
        const order = createPermutation(pieces, seed + round);
        for (let i = 0; i < pieces; i++) {
          yield { op: "madvise", addr: base + order(i) * span, len: span, advice: "dontneed" };
        }
      } else {
        for (const { first, count } of freeRuns(pieces, num(params, "live"), seed + round)) {
          yield { op: "madvise", addr: base + first * span, len: count * span, advice: "dontneed" };
        }
      }
    }
  },
};

/** Spans that are touched by one operation. */
const FILL = 8;
