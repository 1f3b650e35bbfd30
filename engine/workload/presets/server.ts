import type { Operation } from "../operation.ts";
import { GIB, MIB, PAGE, TIB } from "../sizes.ts";
import { bytesParam, LOW_ARENA, num, type Preset } from "./preset.ts";

/** The server of the cover letter: more page tables than many machines have memory. */
export const server: Preset = {
  name: "server",
  title: "The cover letter's server",
  description:
    "A server whose allocator walks through 55 TB of address space and keeps 590 GB of it in use: what falls out of use is " +
    "released with madvise(MADV_DONTNEED). Without the series 28.8 million PTE tables pile up, 110 GB.",
  params: [
    bytesParam("virt", "Address space", "How much address space is used once (VIRT).", {
      min: 4 * MIB,
      max: 64 * TIB,
      default: 55 * TIB,
      multipleOf: 2 * MIB,
    }),
    bytesParam("resident", "In use", "How much of it is in use at a time (RES).", {
      min: 2 * MIB,
      max: 4 * TIB,
      default: 590 * GIB,
      multipleOf: 2 * MIB,
      atMost: "virt",
    }),
    bytesParam("chunk", "Chunk size", "How much is taken into use, and released, at a time.", {
      min: PAGE,
      max: 16 * GIB,
      default: 256 * MIB,
      atMost: "resident",
    }),
  ],
  sources: [
    {
      title: "synchronously scan and reclaim empty user PTE pages (v4), cover letter",
      reference: "https://lore.kernel.org/lkml/cover.1733305182.git.zhengqi.arch@bytedance.com/",
      used: "VIRT 55 TB, RES 590 GB, VmPTE 110 GB; most of it empty tables left behind by MADV_DONTNEED.",
    },
  ],
  operationCount(params) {
    const pieces = Math.ceil(num(params, "virt") / num(params, "chunk"));
    const kept = Math.floor(num(params, "resident") / num(params, "chunk"));
    return 1 + pieces + Math.max(0, pieces - kept);
  },
  *operations(params): Generator<Operation> {
    const virt = num(params, "virt");
    const chunk = num(params, "chunk");
    const pieces = Math.ceil(virt / chunk);
    const kept = Math.floor(num(params, "resident") / chunk);
    const at = (piece: number): { addr: number; len: number } => ({
      addr: LOW_ARENA + piece * chunk,
      len: Math.min(chunk, virt - piece * chunk),
    });
    yield { op: "mmap", addr: LOW_ARENA, len: virt, prot: "rw", backing: "anon", flags: ["noreserve"] };
    for (let piece = 0; piece < pieces; piece++) {
      yield { op: "touch", ...at(piece), access: "w" };
      if (piece >= kept) yield { op: "madvise", ...at(piece - kept), advice: "dontneed" };
    }
  },
};
