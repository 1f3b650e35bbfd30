import type { Operation } from "../operation.ts";
import { GIB, MIB, PAGE, TIB } from "../sizes.ts";
import { arenaFor, bytesParam, countParam, num, type Preset } from "./preset.ts";

/** What reclaim costs where it cannot help: memory that is given back and used again at once. */
export const pingPong: Preset = {
  name: "ping-pong",
  title: "Ping-pong: what reclaim costs",
  description:
    "The same memory is released and used again, over and over. Every table that the series frees has to be allocated " +
    "again at the next fault: VmPTE saves next to nothing, and the simulated time shows the price.",
  params: [
    bytesParam("size", "Memory", "How much is released and used again.", {
      min: 2 * MIB,
      max: TIB,
      default: 64 * MIB,
    }),
    bytesParam("chunk", "Chunk size", "How much one call releases.", {
      min: PAGE,
      max: GIB,
      default: 2 * MIB,
      atMost: "size",
    }),
    bytesParam(
      "used",
      "Used of each chunk",
      "How much of a chunk is touched again; the less, the more the cost of the table shows.",
      {
        min: PAGE,
        max: GIB,
        default: PAGE,
        atMost: "chunk",
      },
    ),
    countParam("rounds", "Rounds", "How often the memory is used and released.", {
      min: 1,
      max: 1_000_000,
      default: 500,
    }),
  ],
  sources: [
    {
      title: "Linux, mm/memory.c: __pte_alloc; mm/pt_reclaim.c: free_pte",
      reference: "https://github.com/torvalds/linux/blob/master/mm/pt_reclaim.c",
      used: "A reclaimed table is freed through the mmu_gather, and a zeroed one is allocated at the next fault.",
    },
  ],
  operationCount(params) {
    return 1 + 2 * num(params, "rounds") * Math.floor(num(params, "size") / num(params, "chunk"));
  },
  *operations(params): Generator<Operation> {
    const size = num(params, "size");
    const chunk = num(params, "chunk");
    const used = num(params, "used");
    const base = arenaFor(size);
    yield { op: "mmap", addr: base, len: size, prot: "rw", backing: "anon" };
    for (let round = 0; round < num(params, "rounds"); round++) {
      for (let at = 0; at + chunk <= size; at += chunk) {
        yield { op: "touch", addr: base + at, len: used, access: "w" };
        yield { op: "madvise", addr: base + at, len: chunk, advice: "dontneed" };
      }
    }
  },
};
