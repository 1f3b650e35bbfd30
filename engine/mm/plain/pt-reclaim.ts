// Made from ../pt-reclaim.ts by `npm run plain-paths`, which says how: change that file, not this one.

import type { MmuGather } from "../gather.ts";
import { PMD_PAGES, PTRS_PER_TABLE } from "../geometry.ts";
import type { KernelState } from "../state.ts";
import type { ZapDetails } from "../zap-details.ts";
import { tlbRemoveTable } from "./mmu-gather.ts";
export function reclaimPtIsEnabled(k: KernelState, pages: number, details: ZapDetails): boolean {
  return k.options.patches.reclaim && details.reclaimPt && pages >= PMD_PAGES;
}
export function tryGetAndClearPmd(k: KernelState, pmd: number, index: number): boolean {
  k.tables.setChild(pmd, index, 0);

  return true;
}
export function freePte(k: KernelState, tlb: MmuGather, row: number, page: number): void {
  tlb.mm.ptes--;
  tlbRemoveTable(k, tlb, row, page);
}
export function tryToFreePte(k: KernelState, tlb: MmuGather, pmd: number, index: number, page: number): void {
  const row = k.tables.child(pmd, index);
  if (row <= 0) {
    return;
  }

  if (k.tables.nextPte(row, 0, PTRS_PER_TABLE) < PTRS_PER_TABLE) {
    k.stats.declinedRefilled++;

    return;
  }

  k.tables.setChild(pmd, index, 0);

  freePte(k, tlb, row, page);
  k.stats.reclaimedSlow++;
}
