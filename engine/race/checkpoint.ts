/**
 * A copy of an explored kernel's state to go back to: executions begin where set-up ended, without running it again.
 * What it must hold is everything that paths change; a test compares a restored kernel with a fresh one.
 */

import type { KernelState, Mm } from "../mm/state.ts";
import { tlbContents, tlbFill, tlbInvalidate } from "../mm/tlb.ts";
import type { Vma } from "../mm/vma.ts";
import type { SavedTables, TracedTables } from "./traced-tables.ts";

type Scalars = readonly (readonly [key: string, value: number | boolean])[];

function scalarsOf(object: object): Scalars {
  return Object.entries(object).filter(
    (entry): entry is [string, number | boolean] => typeof entry[1] === "number" || typeof entry[1] === "boolean",
  );
}

function setScalars(object: object, scalars: Scalars): void {
  const target = object as Record<string, unknown>;
  for (const [key, value] of scalars) if (target[key] !== value) target[key] = value;
}

interface SavedMm {
  readonly mm: Mm;
  readonly scalars: Scalars;
  readonly vmas: readonly { readonly vma: Vma; readonly fields: Partial<Vma>; readonly chain: Vma["chain"] }[];
}

export interface Checkpoint {
  readonly tables: SavedTables;
  readonly scalars: Scalars;
  readonly nextPageIds: readonly number[];
  readonly processes: readonly SavedMm[];
  readonly pages: readonly (readonly [number, number])[];
  readonly hugePages: readonly (readonly [row: number, parts: ReadonlyMap<number, number>])[];
  readonly tlb: readonly (readonly [cpu: number, page: number, pte: number])[];
  readonly files: readonly { readonly cached: Set<number>; readonly copy: readonly number[] }[];
}

/** Saves a kernel in which no path is under way: no lock is held, nobody reads, nothing waits for RCU. */
export function checkpoint(k: KernelState, tables: TracedTables): Checkpoint {
  if (k.locks.size > 0 || k.rcuPending > 0) throw new Error("a checkpoint is taken while a path is under way");
  const sets = [...k.processes.flatMap((mm) => mm.vmas.list.map((vma) => vma.file)), ...k.files.values()].flatMap(
    (file) => (file === null ? [] : [file.cached, file.hugeCached, file.swapped]),
  );
  tables.reserve();
  return {
    tables: tables.save(),
    scalars: scalarsOf(k),
    nextPageIds: [...k.nextPageIds],
    processes: k.processes.map((mm) => ({
      mm,
      scalars: scalarsOf(mm),
      vmas: mm.vmas.list.map((vma) => ({ vma, fields: { ...vma }, chain: [...vma.chain] })),
    })),
    pages: [...k.pages],
    hugePages: [...k.hugePages].map(([row, parts]) => [row, new Map(parts)]),
    tlb: tlbContents(k),
    files: [...new Set(sets)].map((cached) => ({ cached, copy: [...cached] })),
  };
}

/** Back to the checkpoint, whatever was under way. */
export function restore(k: KernelState, tables: TracedTables, saved: Checkpoint): void {
  tables.restore(saved.tables);
  setScalars(k, saved.scalars);
  k.processes.length = saved.processes.length;
  for (const { mm, scalars, vmas } of saved.processes) {
    setScalars(mm, scalars);
    mm.vmas.list.length = 0;
    for (const { vma, fields, chain } of vmas) {
      Object.assign(vma, fields);
      vma.chain = [...chain];
      mm.vmas.list.push(vma);
    }
  }
  k.locks.clear();
  k.rcuReaders.clear();
  k.irqsOff.clear();
  k.tableRefs.clear();
  k.reschedPending.fill(false);
  for (const [cpu, id] of saved.nextPageIds.entries()) k.nextPageIds[cpu] = id;
  k.rcuWaiting?.clear();
  k.pages.clear();
  for (const [id, value] of saved.pages) k.pages.set(id, value);
  k.hugePages.clear();
  for (const [row, parts] of saved.hugePages) k.hugePages.set(row, new Map(parts));
  tlbInvalidate(k, k.processes[0], 0, Number.POSITIVE_INFINITY);
  for (const [cpu, page, pte] of saved.tlb) tlbFill(k, cpu, page, pte);
  for (const { cached, copy } of saved.files) {
    if (cached.size === copy.length && copy.every((each) => cached.has(each))) continue;
    cached.clear();
    for (const each of copy) cached.add(each);
  }
}
