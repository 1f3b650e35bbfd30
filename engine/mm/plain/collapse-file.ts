// Made from ../collapse-file.ts by `npm run plain-paths`, which says how: change that file, not this one.

import { fileOf, type MappedFile } from "../file.ts";
import { unmapFileEntries } from "../file-folio.ts";
import { PMD_PAGES, PTRS_PER_TABLE, pmdIndex } from "../geometry.ts";
import { pmdAlloc, pmdTable, pteFreeDefer } from "../pgtable.ts";
import { KIND_FILE, KIND_MASK } from "../pte.ts";
import type { KernelState, Mm } from "../state.ts";
import { accountHuge, setHugeBare, thpSuitable } from "../thp.ts";
import { VM_NOHUGEPAGE, type Vma } from "../vma.ts";
import { pteOffsetMapLock } from "./pte-map.ts";

type FileResult = "succeed" | "pmd_mapped" | "pmd_null" | "pte_mapped_hugepage" | "vma_check" | "uffd_wp" | "fail";
export function collapseFile(k: KernelState, mm: Mm | null, vma: Vma, page: number): FileResult {
  const file = fileOf(vma);
  const offset = vma.pgoff + (page - vma.start);
  const chunk = Math.floor(offset / PMD_PAGES);
  if (file.hugeCached.has(chunk)) return "pte_mapped_hugepage";
  if (!file.shmem && offset + PMD_PAGES > file.sizePages) return "fail";
  if (!anyCached(file, offset)) return "fail";

  for (const each of k.processes) {
    for (const other of each.vmas.list) {
      if (other.file !== file) continue;
      const at = other.start + (chunk * PMD_PAGES - other.pgoff);
      unmapFilePages(k, each, other, at, at + PMD_PAGES);
    }
  }
  for (let i = offset; i < offset + PMD_PAGES; i++) {
    file.cached.delete(i);
    file.clean.delete(i);
    file.swapped.delete(i);
  }
  file.hugeCached.add(chunk);
  k.stats.collapses++;
  k.timeNs += k.options.cost.hugePage;
  const onlyOurs = mm !== null && !k.profile.collapseRetractsAll;
  const result = onlyOurs ? retractOurs(k, mm, vma, page) : "pte_mapped_hugepage";
  if (!onlyOurs) retractPageTables(k, file, chunk * PMD_PAGES);

  return result;
}
function anyCached(file: MappedFile, offset: number): boolean {
  for (let i = offset; i < offset + PMD_PAGES; i++) if (file.cached.has(i) || file.swapped.has(i)) return true;
  return false;
}
function unmapFilePages(k: KernelState, mm: Mm, vma: Vma, start: number, end: number): void {
  const from = Math.max(start, vma.start);
  const stop = Math.min(end, vma.end);
  for (let page = from; page < stop; ) {
    const next = Math.min(stop, page - (page % PMD_PAGES) + PMD_PAGES);
    const pmd = pmdTable(k, mm, page);
    if (pmd !== 0) {
      const row = pteOffsetMapLock(k, "try_to_unmap", pmd, pmdIndex(page));
      if (row > 0) {
        unmapFileEntries(k, mm, vma, row, page, next);
      }
    }
    page = next;
  }
}
function retractPageTables(k: KernelState, file: MappedFile, offset: number): void {
  const tables = k.tables;
  for (const mm of k.processes) {
    for (const vma of mm.vmas.list) {
      if (vma.file !== file || vma.anonVma !== null || vma.uffd !== null || vma.maybeGuard) continue;
      const page = vma.start + (offset - vma.pgoff);
      if (page % PMD_PAGES !== 0 || page < vma.start || page + PMD_PAGES > vma.end) continue;
      const pmd = pmdTable(k, mm, page);
      if (pmd === 0) continue;
      const index = pmdIndex(page);

      let row = tables.child(pmd, index);
      if (row <= 0) continue;

      row = tables.child(pmd, index);
      if (k.options.patches.recheckRetract && row <= 0) {
        continue;
      }

      tables.setChild(pmd, index, 0);

      mm.ptes--;

      freeRetracted(k, row);
    }
  }
}
function retractOurs(k: KernelState, mm: Mm, vma: Vma, page: number): FileResult {
  if (vma.anonVma !== null || page + PMD_PAGES > vma.end) return "fail";
  const pmd = pmdTable(k, mm, page);
  if (pmd === 0) return "pmd_null";
  const index = pmdIndex(page);
  const row = k.tables.child(pmd, index);
  if (row === 0) return "fail";
  if (row < 0) return "pmd_mapped";
  if (vma.uffd !== null) return "uffd_wp";
  k.tables.setChild(pmd, index, 0);

  mm.ptes--;
  freeRetracted(k, row);
  setHugeBare(k, pmd, index, KIND_FILE);
  accountHuge(mm, vma, KIND_FILE, 1);
  return "succeed";
}
function freeRetracted(k: KernelState, row: number): void {
  k.timeNs += k.options.cost.tableFree;
  pteFreeDefer(k, row);
}
export function collapsePteMappedThp(k: KernelState, mm: Mm, vma: Vma, page: number): FileResult {
  const tables = k.tables;
  const file = fileOf(vma);
  if (page < vma.start || page + PMD_PAGES > vma.end) return "vma_check";
  if ((vma.flags & VM_NOHUGEPAGE) !== 0 || !thpSuitable(vma, page)) return "vma_check";
  const pmd = pmdTable(k, mm, page);
  const index = pmdIndex(page);
  const row = pmd === 0 ? 0 : tables.child(pmd, index);
  if (row < 0) return "pmd_mapped";
  if (vma.anonVma !== null && !k.profile.collapseRetractsAll) return "vma_check";
  if (vma.uffd !== null) return "uffd_wp";
  if (pmd === 0 && !k.profile.collapseMakesPmd) return "pmd_null";
  if (!file.hugeCached.has(Math.floor((vma.pgoff + (page - vma.start)) / PMD_PAGES))) return "fail";
  if (row > 0) {
    for (let at = tables.nextPte(row, 0, PTRS_PER_TABLE); at < PTRS_PER_TABLE; ) {
      if ((tables.pte(row, at) & KIND_MASK) !== KIND_FILE) return "fail";
      at = tables.nextPte(row, tables.stretchEnd(row, at, PTRS_PER_TABLE), PTRS_PER_TABLE);
    }
    unmapFileEntries(k, mm, vma, row, page, page + PMD_PAGES);
    tables.setChild(pmd, index, 0);
    mm.ptes--;
    freeRetracted(k, row);
  }
  const table = pmdAlloc(k, mm, page);
  setHugeBare(k, table, index, KIND_FILE);
  accountHuge(mm, vma, KIND_FILE, 1);
  return "succeed";
}
