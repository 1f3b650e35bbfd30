import type { Operation } from "../workload/operation.ts";
import type { BlameEntry } from "./blame.ts";
import type { Releases } from "./releases.ts";
import type { PolicyCost, ProcessFigures, SampleRow } from "./types.ts";

/** What a run, a check or a verdict needs of a modelled kernel; engine/mm's Kernel is one. */
export interface Machine {
  /**
   * Performs one operation. Failures of a call are results (an errno); an exception means that the operation makes no
   * sense at all, such as one of a process that was never made.
   */
  execute(operation: Operation): unknown;
  /** Writes the present state of a process (0 the first, N the Nth forked child) into a row of SAMPLE_COLUMNS. */
  sampleInto(row: SampleRow, sequence: number, process?: number): void;
  /** Present VmPTE of a process in kB, cheap enough to ask after every operation. */
  vmpteKb(process?: number): number;
  /** Current RSS of a process in kB, in the same way. */
  rssKb(process?: number): number;
  /** PTE tables that are empty now, of all processes, cheap as well; where the machine knows. */
  emptyPteTables?(process?: number): number;
  /** The least VmPTE in kB that the last operation passed through on its way, where the machine knows of one; else Infinity. */
  leastKb?(): number;
  /** What freeing empty tables has cost so far, where the machine counts it. */
  cost?(): PolicyCost;
  /** Who emptied the tables that are empty, at the peak of VmPTE and now; where the machine knows (engine/workload/blame.ts). */
  blame?(process?: number): { readonly peak: BlameEntry[]; readonly end: BlameEntry[] };
  /** Each process of a workload of several, the largest first (engine/workload/service.ts). */
  processes?(): { readonly all: number; readonly step: number; readonly largest: readonly ProcessFigures[] };
  /** What became of the releases so far, where the machine counts them (engine/workload/tally.ts). */
  releases?(): Releases;
}

const METHODS = {
  execute: true,
  sampleInto: true,
  vmpteKb: true,
  rssKb: true,
  emptyPteTables: true,
  leastKb: true,
  cost: true,
  blame: true,
  releases: true,
  processes: true,
} as const satisfies Record<keyof Machine, true>;

/** A machine that is like `inner` in all but `changes`: what the inner one knows is known of the outer one, too. */
export function around<Changes extends Partial<Machine>>(inner: Machine, changes: Changes): Machine & NoInfer<Changes> {
  const known = (Object.keys(METHODS) as (keyof Machine)[]).flatMap((name) => {
    const method = inner[name] as ((...given: unknown[]) => unknown) | undefined;
    return method === undefined ? [] : [[name, method.bind(inner)] as const];
  });
  return { ...(Object.fromEntries(known) as unknown as Machine), ...changes };
}
