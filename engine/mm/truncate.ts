/** Holes and truncation (mm/memory.c: unmap_mapping_range; mm/shmem.c: shmem_fallocate, shmem_setattr). Offsets in pages. */

import type { MappedFile } from "./file.ts";
import { zapOf } from "./gather.ts";
import { tlbFinishMmu, tlbGatherMmu } from "./mmu-gather.ts";
import type { Path } from "./sched.ts";
import type { KernelState } from "./state.ts";
import { unmapPageRange } from "./zap.ts";
import { ZAP_PUNCH, ZAP_TRUNCATE, type ZapDetails } from "./zap-details.ts";

/** unmap_mapping_range(): what any process maps of [from, end) of the file goes; tables stay. */
function* unmapMappingRange(
  k: KernelState,
  file: MappedFile,
  from: number,
  end: number,
  details: ZapDetails,
): Path<void> {
  for (const mm of k.processes) {
    for (const vma of mm.vmas.list) {
      if (vma.file !== file) continue;
      const start = Math.max(vma.start, vma.start + (from - vma.pgoff));
      const stop = Math.min(vma.end, vma.start + (end - vma.pgoff));
      if (start >= stop) continue;
      const tlb = tlbGatherMmu(k, mm);
      yield* unmapPageRange(k, vma, zapOf(tlb, start, stop, details));
      yield* tlbFinishMmu(k, tlb);
    }
  }
}

/** fallocate(FALLOC_FL_PUNCH_HOLE) of [from, end): private copies stay. */
export function* punchHole(k: KernelState, file: MappedFile, from: number, end: number): Path<void> {
  yield* unmapMappingRange(k, file, from, end, ZAP_PUNCH);
  file.drop(from, end);
}

/** ftruncate(2): private copies beyond the new end go too. */
export function* truncateFile(k: KernelState, file: MappedFile, sizePages: number): Path<void> {
  const old = file.sizePages;
  file.sizePages = sizePages;
  if (sizePages >= old) return;
  yield* unmapMappingRange(k, file, sizePages, Number.MAX_SAFE_INTEGER, ZAP_TRUNCATE);
  file.drop(sizePages, Number.MAX_SAFE_INTEGER);
}
