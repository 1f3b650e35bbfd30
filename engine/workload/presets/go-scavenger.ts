import type { Operation } from "../operation.ts";
import { GIB, KIB, MIB, PAGE, TIB } from "../sizes.ts";
import { arenaFor, bytesParam, choice, countParam, num, type Preset } from "./preset.ts";

/** pallocChunkBytes: the scavenger works in chunks of 512 runtime pages of 8 KiB. */
const CHUNK = 4 * MIB;

function freeChunks(params: Parameters<Preset["operationCount"]>[0]): number {
  const chunks = Math.floor(num(params, "heap") / CHUNK);
  return chunks - Math.round((chunks * num(params, "live")) / 100);
}

/** Go's background scavenger: 64 KiB at a time, from the top of each chunk down. */
export const goScavenger: Preset = {
  name: "go-scavenger",
  title: "Go: the scavenger",
  description:
    "A Go heap grows and shrinks with every cycle. The background scavenger releases free memory 64 KiB at a time, from the " +
    "highest addresses down: all pages of a table are freed, the table never is. FreeOSMemory releases whole chunks.",
  params: [
    bytesParam("heap", "Heap", "Size of the heap at its largest.", {
      min: CHUNK,
      max: 4 * TIB,
      default: 2 * GIB,
      multipleOf: CHUNK,
    }),
    {
      name: "live",
      label: "Live heap",
      description: "How much stays in use after a cycle, in percent.",
      type: "percent",
      min: 0,
      max: 100,
      default: 25,
    },
    bytesParam("quantum", "Scavenge quantum", "Bytes released at a time by the background scavenger.", {
      min: PAGE,
      max: CHUNK,
      default: 64 * KIB,
    }),
    {
      name: "release",
      label: "Release",
      description: "Who releases the memory.",
      type: "choice",
      choices: [
        { value: "background", label: "the background scavenger" },
        { value: "freeosmemory", label: "debug.FreeOSMemory" },
      ],
      default: "background",
    },
    countParam("rounds", "Cycles", "How often the heap grows and shrinks.", { min: 1, max: 10_000, default: 8 }),
  ],
  sources: [
    {
      title: "Go runtime, src/runtime/mgcscavenge.go: scavengerState.run, pageAlloc.scavengeOne",
      reference: "https://github.com/golang/go/blob/master/src/runtime/mgcscavenge.go",
      used: "scavengeQuantum = 64 KiB; chunks of 4 MiB (pallocChunkPages), highest addresses first.",
    },
    {
      title: "Go package runtime, GODEBUG madvdontneed",
      reference: "https://pkg.go.dev/runtime",
      used: "MADV_DONTNEED is what the release does on Linux by default.",
    },
  ],
  operationCount(params) {
    const chunks = Math.floor(num(params, "heap") / CHUNK);
    const free = freeChunks(params);
    const each = choice(params, "release") === "background" ? Math.ceil(CHUNK / num(params, "quantum")) : 1;
    return 1 + num(params, "rounds") * (chunks + free * each);
  },
  *operations(params): Generator<Operation> {
    const heap = num(params, "heap");
    const quantum = num(params, "quantum");
    const background = choice(params, "release") === "background";
    const chunks = Math.floor(heap / CHUNK);
    const base = arenaFor(heap);
    yield { op: "mmap", addr: base, len: heap, prot: "rw", backing: "anon" };
    for (let round = 0; round < num(params, "rounds"); round++) {
      for (let chunk = 0; chunk < chunks; chunk++) {
        yield { op: "touch", addr: base + chunk * CHUNK, len: CHUNK, access: "w" };
      }
      for (let free = 0; free < freeChunks(params); free++) {
        const addr = base + (chunks - 1 - free) * CHUNK;
        if (!background) {
          yield { op: "madvise", addr, len: CHUNK, advice: "dontneed" };
          continue;
        }
        for (let end = CHUNK; end > 0; end -= quantum) {
          const from = Math.max(0, end - quantum);
          yield { op: "madvise", addr: addr + from, len: end - from, advice: "dontneed" };
        }
      }
    }
  },
};
