// Made from ../truncate.ts by `npm run plain-paths`, which says how: change that file, not this one.

import type { MappedFile } from "../file.ts";
import { zapOf } from "../gather.ts";
import type { KernelState } from "../state.ts";
import { ZAP_PUNCH, ZAP_TRUNCATE, type ZapDetails } from "../zap-details.ts";
import { tlbFinishMmu, tlbGatherMmu } from "./mmu-gather.ts";
import { unmapPageRange } from "./zap.ts";

function unmapMappingRange(k: KernelState, file: MappedFile, from: number, end: number, details: ZapDetails): void {
  for (const mm of k.processes) {
    for (const vma of mm.vmas.list) {
      if (vma.file !== file) continue;
      const start = Math.max(vma.start, vma.start + (from - vma.pgoff));
      const stop = Math.min(vma.end, vma.start + (end - vma.pgoff));
      if (start >= stop) continue;
      const tlb = tlbGatherMmu(k, mm);
      unmapPageRange(k, vma, zapOf(tlb, start, stop, details));
      tlbFinishMmu(k, tlb);
    }
  }
}
export function punchHole(k: KernelState, file: MappedFile, from: number, end: number): void {
  unmapMappingRange(k, file, from, end, ZAP_PUNCH);
  file.drop(from, end);
}
export function truncateFile(k: KernelState, file: MappedFile, sizePages: number): void {
  const old = file.sizePages;
  file.sizePages = sizePages;
  if (sizePages >= old) return;
  unmapMappingRange(k, file, sizePages, Number.MAX_SAFE_INTEGER, ZAP_TRUNCATE);
  file.drop(sizePages, Number.MAX_SAFE_INTEGER);
}
