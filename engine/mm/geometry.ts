/**
 * The geometry of x86_64 page tables with 4 KiB pages (arch/x86/include/asm/pgtable_64_types.h).
 *
 * Inside engine/mm every address is a *page number*: the byte address divided by 4096. Page numbers are plain numbers
 * below 2^53. They may exceed 2^32: the low 32 bits are taken with `&` and `>>>` (which are exact), higher fields with a
 * division first.
 *
 * An exported constant is loaded from memory, and its type looked at, wherever it is used; a division by one is a division,
 * which by a literal power of two it is not. So the functions that every operation goes through spell their constants out here,
 * and the files that every operation goes through bind what they import to constants of their own.
 */

export const PAGE_SIZE = 4096;
export const PTRS_PER_TABLE = 512;
/** What a table of any level takes, in kB as VmPTE counts. */
export const TABLE_KB = PAGE_SIZE / 1024;

/** Pages spanned by one entry of a PMD table (2 MiB), of a PUD table (1 GiB), of a P4D or 4-level PGD table (512 GiB). */
export const PMD_PAGES = 512;
export const PUD_PAGES = 512 * 512;
export const P4D_PAGES = 512 * 512 * 512;
export const PGD5_PAGES = 512 * 512 * 512 * 512;

/** Levels of a table, counted from the leaves. A 4-level tree has its root at LEVEL_P4D, which is never accounted. */
export const LEVEL_PTE = 0;
export const LEVEL_PMD = 1;
export const LEVEL_PUD = 2;
export const LEVEL_P4D = 3;
export const LEVEL_PGD = 4;

/** The first page number beyond user space: TASK_SIZE_MAX, one page below 2^47 or 2^56 bytes. */
export function taskPages(levels: 4 | 5): number {
  return (levels === 5 ? 2 ** 44 : 2 ** 35) - 1;
}

/** `pages` in KiB. */
export function pagesKb(pages: number): number {
  return (pages * PAGE_SIZE) / 1024;
}

/** The page that holds byte address `addr`. */
export function pageOf(addr: number): number {
  return Math.floor(addr / 4096);
}

/** The number of pages that `bytes` need, rounded up. */
export function pagesFor(bytes: number): number {
  return Math.ceil(bytes / 4096);
}

/** offset_in_page() is 0. */
export function pageAligned(addr: number): boolean {
  return Math.floor(addr / 4096) * 4096 === addr;
}

/** The page number at which the slot (of a power of two pages) that holds `page` begins. */
export function slotStart(page: number, slotPages: number): number {
  return Math.floor(page / slotPages) * slotPages;
}

/** The end of the slot that holds `page`, or `end` if that comes first (pud_addr_end and friends). */
export function slotEnd(page: number, end: number, slotPages: number): number {
  const boundary = slotStart(page, slotPages) + slotPages;
  return boundary < end ? boundary : end;
}

/** The page number at which the slot of the PMD entry that covers `page` begins. */
export function pmdStart(page: number): number {
  return page - (page & 511);
}

/** pmd_addr_end(): the end of that slot, or `end` if that comes first. */
export function pmdAddrEnd(page: number, end: number): number {
  const boundary = page - (page & 511) + 512;
  return boundary < end ? boundary : end;
}

export function pteIndex(page: number): number {
  return page & 511;
}

export function pmdIndex(page: number): number {
  return (page >>> 9) & 511;
}

export function pudIndex(page: number): number {
  return (page >>> 18) & 511;
}

export function p4dIndex(page: number): number {
  return Math.floor(page / P4D_PAGES) & 511;
}

export function pgd5Index(page: number): number {
  return Math.floor(page / PGD5_PAGES) & 511;
}
