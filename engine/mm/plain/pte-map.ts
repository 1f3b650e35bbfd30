// Made from ../pte-map.ts by `npm run plain-paths`, which says how: change that file, not this one.

import { pmdInstall, pteAllocOne } from "../pgtable.ts";

import type { KernelState, Mm } from "../state.ts";

export function pteOffsetMapLock(k: KernelState, _fn: string, pmd: number, index: number): number {
  for (;;) {
    const row = k.tables.child(pmd, index);
    if (row <= 0) return row;

    return row;
  }
}

export function pteAlloc(k: KernelState, mm: Mm, pmd: number, index: number): number {
  const found = k.tables.child(pmd, index);
  if (found !== 0) return found;
  const fresh = pteAllocOne(k);

  pmdInstall(k, mm, pmd, index, fresh);

  return fresh;
}
