/** Small helpers shared by several paths. */

import { anonVmaPrepare } from "./anon-vma.ts";
import { InvariantError } from "./error.ts";
import { type KernelState, type Mm, neighbours } from "./state.ts";
import type { Vma } from "./vma.ts";

/** vmf_anon_prepare(): the VMA is about to get a page of its own. */
export function anonPrepare(_k: KernelState, mm: Mm, vma: Vma): void {
  if (vma.anonVma !== null) return;
  const { prev, next } = neighbours(mm, vma);
  anonVmaPrepare(vma, prev, next);
}

/** The VMA that holds `page`: the caller has just mapped it. */
export function vmaAt(mm: Mm, page: number): Vma {
  const vma = mm.vmas.lookup(page);
  if (vma === undefined) throw new InvariantError(`nothing is mapped at page ${page}`);
  return vma;
}
