/**
 * Entries of a PTE table: one unsigned 32-bit word.
 *
 *   31             16 15     11 10   9    8     7      6     5     4     3     0
 *  +-----------------+---------+----+----+-----+------+-----+-----+-----+-------+
 *  |  page identity  |    0    |cold|lazy|excl.|uffdwp|young|dirty|write| kind  |
 *  +-----------------+---------+----+----+-----+------+-----+-----+-----+-------+
 *
 * The word 0 is the *none* entry. The page identity is 0 in experiments, where only the kind of a page matters; the
 * interleaving explorer gives every page one, so that lost writes can be seen.
 * The kinds follow include/linux/swapops.h and arch/x86/include/asm/pgtable.h.
 */

export const KIND_MASK = 0xf;
/** Present entries. */
export const KIND_ANON = 1;
export const KIND_FILE = 2;
export const KIND_ZERO = 3;
/** Non-present entries. */
export const KIND_SWAP = 4;
export const KIND_MIGRATION = 5;
export const KIND_DEVICE_PRIVATE = 6;
export const KIND_DEVICE_EXCLUSIVE = 7;
export const KIND_HWPOISON = 8;
export const KIND_MARKER_UFFD_WP = 9;
export const KIND_MARKER_GUARD = 10;
export const KIND_MARKER_POISON = 11;

export const PTE_WRITE = 0x10;
export const PTE_DIRTY = 0x20;
export const PTE_YOUNG = 0x40;
export const PTE_UFFD_WP = 0x80;
/** PageAnonExclusive: the page belongs to this process alone and may be written without a copy. */
export const PTE_EXCLUSIVE = 0x100;
/** The page was freed with MADV_FREE and not written since. */
export const PTE_LAZYFREE = 0x200;

export const PAGE_ID_SHIFT = 16;

export function pteKind(pte: number): number {
  return pte & KIND_MASK;
}

/** pte_present(): anonymous, file or zero page. */
export function ptePresent(pte: number): boolean {
  const kind = pte & KIND_MASK;
  return kind >= KIND_ANON && kind <= KIND_ZERO;
}

/** The identity of the page in the explorer, 0 in experiments. */
export function ptePageId(pte: number): number {
  return pte >>> PAGE_ID_SHIFT;
}
