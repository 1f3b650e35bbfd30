// Made from ../pt-reclaim.ts by `npm run plain-paths`, which says how: change that file, not this one.

import { looksEmpty } from "../empty-table.ts";
import type { MmuGather } from "../gather.ts";
import { PTRS_PER_TABLE } from "../geometry.ts";
import { account } from "../policy-cost.ts";
import type { KernelState } from "../state.ts";
import type { ZapDetails } from "../zap-details.ts";
import { tlbRemoveTable } from "./mmu-gather.ts";
export function reclaimPtIsEnabled(k: KernelState, pages: number, details: ZapDetails): boolean {
  return details.reclaimPt && pages >= k.reclaimPages;
}
export function tryGetAndClearPmd(k: KernelState, pmd: number, index: number): boolean {
  k.tables.setChild(pmd, index, 0);

  return true;
}
export function freePte(k: KernelState, tlb: MmuGather, row: number, page: number): void {
  tlb.mm.ptes--;
  k.tables.markFreed(k.tables.parent[row], k.tables.slot[row]);
  account(k, k.options.cost.tableFree);
  tlbRemoveTable(k, tlb, row, page);
}
export function tryToFreePte(k: KernelState, tlb: MmuGather, pmd: number, index: number, page: number): void {
  const row = k.tables.child(pmd, index);
  if (row <= 0) {
    return;
  }

  const empty = k.options.zeroTables
    ? looksEmpty(k, tlb.mm, row, page)
    : k.tables.nextPte(row, 0, PTRS_PER_TABLE) === PTRS_PER_TABLE;
  if (!empty) {
    k.stats.declinedRefilled++;

    return;
  }

  k.tables.setChild(pmd, index, 0);

  freePte(k, tlb, row, page);
  k.stats.reclaimedSlow++;
}
