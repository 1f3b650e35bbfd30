/** Sizes that workloads, importers and checks speak in: bytes, where the name says nothing else. */
import { PAGE_SIZE, PMD_PAGES, TABLE_KB } from "../mm/geometry.ts";

export { TABLE_KB };

export const KIB = 2 ** 10;
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
export const TIB = 2 ** 40;

/** A small page. */
export const PAGE = PAGE_SIZE;
/** What one PTE table maps: the size of a huge page. */
export const SLOT = PMD_PAGES * PAGE_SIZE;

/** Whole pages: `bytes` rounded up. */
export function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE) * PAGE;
}
