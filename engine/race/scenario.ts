/** What a scenario is, and the helpers that scenarios are written with. */

import type { PatchName } from "../mm/features.ts";
import type { MappedFile } from "../mm/file.ts";
import { PMD_PAGES, PTRS_PER_TABLE, pteIndex } from "../mm/geometry.ts";
import { mmapRegion } from "../mm/mmap.ts";
import { PAGE_ID_SHIFT, ptePageId } from "../mm/pte.ts";
import { runAlone } from "../mm/sched.ts";
import { VM_READ, VM_WRITE } from "../mm/vma.ts";
import { reschedObject, type Setup, type World } from "./machine.ts";
import { userWrite } from "./user.ts";
import { timerTick } from "./walkers.ts";

export type { Lane, World } from "./machine.ts";

/** Patches whose absence the explorer tries, in the order of the series, and of what came after it. */
export const RACE_PATCHES = ["1", "2", "8", "9fix", "10", "617fix"] as const satisfies readonly PatchName[];
export type RacePatch = (typeof RACE_PATCHES)[number];

export interface Scenario extends Setup {
  /** On the command line and in JSON. */
  readonly name: string;
  readonly title: string;
  /** What meets what, and why it matters: one paragraph. */
  readonly story: string;
  /** Patches that this scenario is about: it is tried without each. */
  readonly patches: readonly RacePatch[];
  /** Why the scenario holds, or breaks, without each of its patches: one paragraph each. */
  readonly findings: Readonly<Partial<Record<RacePatch, string>>>;
  /** No memory for batches of tables: each table is freed alone. */
  readonly batchFails: boolean;
}

/** Maps private anonymous memory. Areas that touch do not merge if `flags` differ. */
export function mapAnon({ k, mm }: World, start: number, pages: number, flags = VM_READ | VM_WRITE): void {
  const failed = runAlone(
    k,
    mmapRegion(k, mm, { start, end: start + pages, flags, pgoff: start, file: null, uffd: null }),
  );
  if (failed !== null) throw new Error(`set-up: mmap fails with ${failed}`);
}

/** Maps a file. */
export function mapShared({ k, mm }: World, start: number, pages: number, file: MappedFile, flags: number): void {
  const failed = runAlone(k, mmapRegion(k, mm, { start, end: start + pages, flags, pgoff: 0, file, uffd: null }));
  if (failed !== null) throw new Error(`set-up: mmap fails with ${failed}`);
}

/** Writes `value` to `page` before the race begins. */
export function fill(world: World, page: number, value: number): void {
  if (!runAlone(world.k, userWrite(world, page, value))) throw new Error("set-up: a write gets a signal");
}

/** A lane in which a timer tick asks CPU `cpu` to give way. */
export function timerLane(cpu: number): Setup["lanes"][number] {
  return { name: `timer of CPU ${cpu}`, path: (world) => timerTick(world, cpu, reschedObject(cpu)) };
}

/** The PTE table under `page`: its row, 0 for none, < 0 for a huge page. Leaves no trace. */
export function tableOf({ mm, tables }: World, page: number): number {
  let row = mm.pgd;
  for (let level = tables.level[row]; level > 0; level--) {
    const index = Math.floor(page / PMD_PAGES ** level) % PTRS_PER_TABLE;
    row = tables.peekChild(row, index);
    if (row <= 0) return row;
  }
  return row;
}

/** The entry of `page`, 0 where there is no table. Leaves no trace. */
function entryOf(world: World, page: number): number {
  const row = tableOf(world, page);
  if (row > 0) return world.tables.peekPte(row, pteIndex(page));
  return (world.k.hugePages.get(-row)?.get(pteIndex(page)) ?? 0) << PAGE_ID_SHIFT;
}

/** What `page` holds: 0 for none or the zero page. Leaves no trace. */
export function valueAt(world: World, page: number): number {
  const id = ptePageId(entryOf(world, page));
  return id === 0 ? 0 : (world.k.pages.get(id) ?? 0);
}
