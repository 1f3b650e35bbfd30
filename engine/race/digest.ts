/** The whole state of an explored kernel as text, for tests: equal digests, equal states. */

import { LEVEL_PTE, PTRS_PER_TABLE } from "../mm/geometry.ts";
import { tlbContents } from "../mm/tlb.ts";
import type { World } from "./machine.ts";

export function digest({ k, tables }: World): string {
  const rows: string[] = [];
  for (let row = 1; row < tables.top; row++) {
    const entries: string[] = [];
    const pte = tables.level[row] === LEVEL_PTE;
    const next = (from: number): number =>
      pte ? tables.peekNextPte(row, from, PTRS_PER_TABLE) : tables.peekNextChild(row, from, PTRS_PER_TABLE);
    if (tables.count[row] > 0)
      for (let at = next(0); at < PTRS_PER_TABLE; at = next(at + 1))
        entries.push(`${at}=${pte ? tables.peekPte(row, at) : tables.peekChild(row, at)}`);
    rows.push(`${row}:${tables.level[row]}/${tables.state[row]}[${entries.join(" ")}]`);
  }
  const processes = k.processes.map((mm) => {
    const vmas = mm.vmas.list.map((vma) => `${vma.start}-${vma.end}/${vma.flags}`);
    return [mm.ptes, mm.pmds, mm.rssAnon, mm.rssShmem, mm.rssFile, mm.swapEntries, mm.totalVm, ...vmas].join(",");
  });
  const tlb = tlbContents(k).map((entry) => entry.join("/"));
  const files = [...k.files.values()].map((file) => `${[...file.cached].sort()}|${[...file.hugeCached].sort()}`);
  return JSON.stringify({
    rows,
    processes,
    files,
    locks: [...k.locks].map((entry) => entry.join("=")).sort(),
    pages: [...k.pages].map((entry) => entry.join("=")).sort(),
    tlb: tlb.sort(),
    readers: [...k.rcuReaders].sort(),
    refs: [...k.tableRefs].map((entry) => entry.join("=")).sort(),
    irqsOff: [...k.irqsOff].sort(),
    resched: k.reschedPending,
    pending: k.rcuPending,
  });
}
