/** Anonymous pages larger than 4 KiB and smaller than 2 MiB (mm/memory.c: alloc_anon_folio()). */

import type { KernelState } from "./state.ts";
import { thpEnabledFor } from "./thp-enabled.ts";
import type { Vma } from "./vma.ts";

/**
 * The number of pages that a fault at the none entry `at` of the table `row` maps, naturally aligned: the largest size that is enabled for the
 * VMA, fits in it, and covers only none entries. 1: a small page. `page`: the page number of entry `at`.
 */
export function anonFolioPages(k: KernelState, vma: Vma, row: number, at: number, page: number): number {
  // userfaultfd_armed(): every page has a fault of its own.
  if (vma.uffd !== null) return 1;
  for (const { pages, enabled } of k.thp.small) {
    const start = page - (page % pages);
    if (start < vma.start || start + pages > vma.end || !thpEnabledFor(enabled, vma)) continue;
    const from = at - (at % pages);
    if (k.tables.nextPte(row, from, from + pages) === from + pages) return pages;
  }
  return 1;
}
