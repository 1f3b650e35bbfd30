import type { Operation } from "../operation.ts";
import { GIB, MIB, PAGE, SLOT, TIB } from "../sizes.ts";
import { arenaFor, bytesParam, countParam, num, type Preset } from "./preset.ts";

/** Huge pages that are split by partial releases. */
export const thpSplit: Preset = {
  name: "thp-split",
  title: "Huge pages split by releases",
  description:
    "Memory in transparent huge pages is released in parts: each part splits its huge page, whose deposited table becomes a " +
    "real one. When the rest follows, its table stays empty; only a release of all 2 MiB at once frees it, on any kernel " +
    "while the page is huge, and with the series also afterwards.",
  params: [
    bytesParam("size", "Memory", "Memory in huge pages.", { min: SLOT, max: TIB, default: 4 * GIB, multipleOf: SLOT }),
    bytesParam("part", "First part", "How much of each 2 MiB is released first.", {
      min: PAGE,
      max: SLOT,
      default: MIB,
    }),
    countParam("rounds", "Rounds", "How often memory is used, split and released.", {
      min: 1,
      max: 1000,
      default: 3,
    }),
  ],
  sources: [
    {
      title: "Linux, mm/huge_memory.c: __split_huge_pmd_locked, zap_huge_pmd",
      reference: "https://github.com/torvalds/linux/blob/master/mm/huge_memory.c",
      used: "A huge PMD keeps a deposited table; splitting it puts that table to use, zapping all of it frees it.",
    },
    {
      title: "Linux, Documentation/admin-guide/mm/transhuge.rst",
      reference: "https://docs.kernel.org/admin-guide/mm/transhuge.html",
      used: "madvise(MADV_HUGEPAGE) with transparent_hugepage=madvise.",
    },
  ],
  operationCount(params) {
    return 2 + num(params, "rounds") * (num(params, "size") / SLOT) * 3;
  },
  *operations(params): Generator<Operation> {
    const size = num(params, "size");
    const part = num(params, "part");
    const base = arenaFor(size);
    yield { op: "mmap", addr: base, len: size, prot: "rw", backing: "anon" };
    yield { op: "madvise", addr: base, len: size, advice: "hugepage" };
    for (let round = 0; round < num(params, "rounds"); round++) {
      for (let at = 0; at < size; at += SLOT) yield { op: "touch", addr: base + at, len: SLOT, access: "w" };
      for (let at = 0; at < size; at += SLOT) yield { op: "madvise", addr: base + at, len: part, advice: "dontneed" };
      for (let at = 0; at < size; at += SLOT) yield { op: "madvise", addr: base + at, len: SLOT, advice: "dontneed" };
    }
  },
};
