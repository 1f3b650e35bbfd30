// Made from ../uffd-move.ts by `npm run plain-paths`, which says how: change that file, not this one.

import type { Errno } from "../errno.ts";
import { PMD_PAGES, pmdIndex, pteIndex } from "../geometry.ts";
import { anonPrepare } from "../mm-util.ts";
import { pmdAlloc, pmdTable } from "../pgtable.ts";
import { chargeCounts } from "../policy-cost.ts";
import { KIND_ANON, KIND_MASK, KIND_SWAP, KIND_ZERO, PTE_DIRTY, PTE_EXCLUSIVE, PTE_WRITE } from "../pte.ts";
import type { KernelState, Mm } from "../state.ts";
import { hugeShared, splitHugePmd } from "../thp.ts";
import { VM_ACCESS_FLAGS, VM_LOCKED, VM_SHARED, VM_WRITE, type Vma, vmaIsAnonymous } from "../vma.ts";
import { pteAlloc } from "./pte-map.ts";
import { uffdOf } from "./userfaultfd.ts";

const MOVED = null;
function validateMoveAreas(dst: Vma, src: Vma): boolean {
  const same = VM_ACCESS_FLAGS | VM_LOCKED | VM_SHARED;
  return (
    (src.flags & VM_SHARED) === 0 &&
    (src.flags & same) === (dst.flags & same) &&
    (src.flags & VM_WRITE) !== 0 &&
    vmaIsAnonymous(src) &&
    vmaIsAnonymous(dst)
  );
}
function movePagesPte(k: KernelState, mm: Mm, to: number, from: number): Errno | null {
  const result = movePageMapped(k, mm, to, from);

  return result;
}
function movePageMapped(k: KernelState, mm: Mm, to: number, from: number): Errno | null {
  const tables = k.tables;
  const dstPmd = pmdAlloc(k, mm, to);
  const srcPmd = pmdTable(k, mm, from);
  if (srcPmd === 0) return "ENOENT";
  const dstIndex = pmdIndex(to);
  const srcIndex = pmdIndex(from);

  const dstRow = tables.child(dstPmd, dstIndex);
  const srcRow = tables.child(srcPmd, srcIndex);
  if (dstRow < 0) return "EEXIST";
  if (dstRow === 0 || srcRow <= 0) return srcRow === 0 ? "ENOENT" : "EAGAIN";
  const dstAt = pteIndex(to);
  const srcAt = pteIndex(from);

  const dstPte = tables.pte(dstRow, dstAt);
  if (dstPte !== 0) return "EEXIST";

  const srcPte = tables.pte(srcRow, srcAt);
  const kind = srcPte & KIND_MASK;
  if (srcPte === 0) return "ENOENT";
  if (kind !== KIND_ANON && kind !== KIND_ZERO && kind !== KIND_SWAP) return "EFAULT";
  if (kind !== KIND_ZERO && (srcPte & PTE_EXCLUSIVE) === 0) return "EBUSY";
  if (k.countNs > 0) chargeCounts(k, 2);

  tables.setPte(srcRow, srcAt, 0);

  if (kind === KIND_SWAP || kind === KIND_ZERO) tables.setPte(dstRow, dstAt, srcPte);
  else tables.setPte(dstRow, dstAt, (srcPte | PTE_WRITE | PTE_DIRTY) >>> 0);
  k.timeNs += k.options.cost.copyEntry;

  return MOVED;
}
export function uffdMove(k: KernelState, mm: Mm, dst: number, src: number, pages: number): Errno | null {
  const dstVma = mm.vmas.lookup(dst);
  if (dstVma === undefined) return "ENOENT";
  if ((dstVma.flags & VM_SHARED) === 0) anonPrepare(k, mm, dstVma);
  const srcVma = mm.vmas.lookup(src);
  if (srcVma === undefined) return "ENOENT";
  if (dst + pages > dstVma.end || src + pages > srcVma.end) return "EINVAL";
  if (dstVma.uffd !== uffdOf(mm) || !validateMoveAreas(dstVma, srcVma)) return "EINVAL";
  let moved = 0;
  while (moved < pages) {
    const from = src + moved;
    const to = dst + moved;
    const srcPmd = pmdTable(k, mm, from);
    if (srcPmd === 0) return moved > 0 ? "EAGAIN" : "ENOENT";
    const entry = k.tables.child(srcPmd, pmdIndex(from));
    const dstPmd = pmdAlloc(k, mm, to);
    const dstEntry = k.tables.child(dstPmd, pmdIndex(to));
    if (dstEntry < 0) return moved > 0 ? "EAGAIN" : "EEXIST";
    if (entry < 0) {
      const whole = from % PMD_PAGES === 0 && to % PMD_PAGES === 0 && pages - moved >= PMD_PAGES;
      if (hugeShared(k, -entry)) return moved > 0 ? "EAGAIN" : "EBUSY";
      if (whole && dstEntry === 0) {
        k.tables.setChild(srcPmd, pmdIndex(from), 0);
        k.tables.setChild(dstPmd, pmdIndex(to), entry);
        moved += PMD_PAGES;
        continue;
      }
      splitHugePmd(k, mm, srcVma, srcPmd, pmdIndex(from));
    }
    if (entry === 0) return moved > 0 ? "EAGAIN" : "ENOENT";
    if (dstEntry === 0) pteAlloc(k, mm, dstPmd, pmdIndex(to));
    const failed: Errno | null = movePagesPte(k, mm, to, from);
    if (failed === "EAGAIN") continue;
    if (failed !== null) return moved > 0 ? "EAGAIN" : failed;
    moved++;
  }
  return null;
}
