/** madvise_walk_vmas() (mm/madvise.c): the VMAs of a range, one after the other. Ranges are in pages. */

import type { Errno } from "./errno.ts";
import type { Mm } from "./mm-struct.ts";
import type { Vma } from "./vma.ts";

/** A walk over [page, end): next() advances to a VMA; its part of the range is then [page, stop). */
export class VmaWalk {
  page = 0;
  stop = 0;
  end = 0;
  /** What the walk comes to: ENOMEM where the range has holes, which it goes on behind; or what a visit ended it with. */
  status: Errno | null = null;

  begin(start: number, end: number): this {
    this.page = start;
    this.stop = start;
    this.end = end;
    this.status = null;
    return this;
  }

  /** The next VMA; null: the walk is over. VMAs may have changed since the last. */
  next(mm: Mm): Vma | null {
    this.page = this.stop;
    if (this.page >= this.end) return null;
    const vma = mm.vmas.list[mm.vmas.indexAbove(this.page)];
    if (vma === undefined || vma.start > this.page) this.status = "ENOMEM";
    if (vma === undefined || vma.start >= this.end) return null;
    if (vma.start > this.page) this.page = vma.start;
    this.stop = vma.end < this.end ? vma.end : this.end;
    return vma;
  }
}
