/** Sizes that workloads, importers and checks speak in: bytes, where the name says nothing else. */

export const KIB = 2 ** 10;
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
export const TIB = 2 ** 40;

/** A small page. */
export const PAGE = 4 * KIB;
/** What one PTE table maps: the size of a huge page. */
export const SLOT = 2 * MIB;
/** What a page table of any level takes, in kB. */
export const TABLE_KB = 4;

/** Whole pages: `bytes` rounded up. */
export function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE) * PAGE;
}
