import type { Operation } from "../operation.ts";
import { createPermutation } from "../random.ts";
import { GIB, MIB, PAGE, TIB } from "../sizes.ts";
import { arenaFor, bytesParam, choice, countParam, num, type Preset } from "./preset.ts";

/** The experiment of the series' commit message: map a lot, then touch and give back one piece after the other. */
export const commitTable: Preset = {
  name: "commit-table",
  title: "The series' own experiment",
  description:
    "Map 50 GB, then walk through it: touch 2 MB, release them with madvise(MADV_DONTNEED), continue. The pages are gone " +
    "each time; without the series every PTE table stays behind, empty.",
  params: [
    bytesParam("size", "Mapping", "Size of the one anonymous mapping.", {
      min: PAGE,
      max: 32 * TIB,
      default: 50 * GIB,
    }),
    bytesParam(
      "chunk",
      "Chunk size",
      "How much is touched and released at a time. A PTE table maps 2 MiB: below that nothing can be reclaimed.",
      { min: PAGE, max: GIB, default: 2 * MIB, atMost: "size" },
    ),
    countParam("rounds", "Rounds", "How often the whole mapping is walked through.", {
      min: 1,
      max: 10_000,
      default: 1,
    }),
    {
      name: "order",
      label: "Order",
      description: "The order of the chunks; random is a permutation made from the seed.",
      type: "choice",
      choices: [
        { value: "sequential", label: "from the start" },
        { value: "random", label: "random" },
      ],
      default: "sequential",
    },
  ],
  sources: [
    {
      title: "synchronously scan and reclaim empty user PTE pages (v4), patch 9/11",
      reference: "https://lore.kernel.org/lkml/cover.1733305182.git.zhengqi.arch@bytedance.com/",
      used: "The experiment and its table: VmPTE 102640 kB before, 240 kB after, VIRT 50.0 GB in both.",
    },
  ],
  operationCount(params) {
    return 1 + 2 * num(params, "rounds") * Math.ceil(num(params, "size") / num(params, "chunk"));
  },
  *operations(params, seed): Generator<Operation> {
    const size = num(params, "size");
    const chunk = num(params, "chunk");
    const rounds = num(params, "rounds");
    const pieces = Math.ceil(size / chunk);
    const base = arenaFor(size);
    yield { op: "mmap", addr: base, len: size, prot: "rw", backing: "anon" };
    for (let round = 0; round < rounds; round++) {
      const order = choice(params, "order") === "random" ? createPermutation(pieces, seed + round) : null;
      for (let i = 0; i < pieces; i++) {
        const offset = (order ? order(i) : i) * chunk;
        const addr = base + offset;
        const len = Math.min(chunk, size - offset);
        yield { op: "touch", addr, len, access: "w" };
        yield { op: "madvise", addr, len, advice: "dontneed" };
      }
    }
  },
};
