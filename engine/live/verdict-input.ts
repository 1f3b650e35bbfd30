/** What a verdict on a process or a service is made from. */

import type { Allocator } from "../experiment/allocator-settings.ts";
import type { SharedFile } from "./shared.ts";
import type { Split } from "./split.ts";

/** What a control group holds and may hold, in kB; null: not known, or no limit. */
export interface CgroupMemory {
  readonly path: string;
  readonly pageTablesKb: number | null;
  readonly currentKb: number | null;
  readonly maxKb: number | null;
  /** What it may still take before a limit, its own or of a group above, is met; file cache that is not in use does not count. */
  readonly roomKb: number | null;
}

export interface VerdictInput {
  /** Name of the process, or of the service's. */
  readonly name: string;
  /** One process; null: a service. */
  readonly pid: number | null;
  /** What was asked for, as the command line takes it: "2781", "--name '^postgres$'". */
  readonly asked: string;
  readonly processes: number;
  /** Since when the process (the oldest of several) runs; null: not known. */
  readonly upMs: number | null;
  readonly allocators: readonly Allocator[];
  readonly split: Split;
  /** Bounds of what is empty, in kB. */
  readonly empty: { readonly minKb: number; readonly maxKb: number };
  readonly rssKb: number;
  /** Of several processes: their memory with what they share counted once, by its tables; of one: its RSS. */
  readonly rssOnceKb: number;
  readonly shared: readonly SharedFile[];
  readonly cgroup: CgroupMemory | null;
  /** Was the running kernel seen to reclaim empty tables? null: not known. */
  readonly reclaims: boolean | null;
  readonly moving: boolean;
}
