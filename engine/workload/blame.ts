/**
 * Whose releases left which page tables behind: for every PTE table that is empty, the call that emptied it, where in the
 * program it was made, and why the table is still there.
 */
import type { BlameEntry } from "../experiment/blame.ts";
import { around, type Machine } from "../experiment/machine.ts";
import type { Operation } from "./operation.ts";
import { SLOT, TABLE_KB, wholePages } from "./sizes.ts";

/** Told of every live PTE table that becomes empty, and of every one that no longer is (filled, or gone). */
export interface EmptyTables {
  emptied(row: number): void;
  filled(row: number): void;
}

/** A kernel that tells of its empty tables. */
export interface TellingMachine extends Machine {
  /** Tells `watch` from now on. */
  watchEmptyTables(watch: EmptyTables): void;
  /** Is the row a live PTE table without an entry? */
  isEmptyTable(row: number): boolean;
  /** The address that a live table's first entry maps, in bytes. */
  tableAddress(row: number): number;
}

/** Whether whole tables that a MADV_DONTNEED empties go by themselves: then one that stayed was shared by two mappings. */
export interface BlameOptions {
  readonly reclaims: boolean;
  /** Empty tables go when a scan or a request finds them, whatever emptied them. */
  readonly later?: boolean;
  /** All processes are one: the peak is that of their sum, and the causes are of all. */
  readonly together?: boolean;
}

export interface BlamingMachine extends Machine {
  /** At the moment of the peak of VmPTE (its last), and now; the heaviest first. */
  blame(process?: number): { readonly peak: BlameEntry[]; readonly end: BlameEntry[] };
}

const NOWHERE: readonly string[] = [];
const ENTRIES_MAX = 200;

interface Cause {
  readonly stack: readonly string[];
  readonly reason: string;
  readonly process: number;
  tables: number;
  /** How many more they are than at the peak. */
  sincePeak: number;
}

function reasonOf(operation: Operation, address: number, { reclaims, later = false }: BlameOptions): string {
  if (later) return "later";
  if (operation.op !== "madvise") return operation.op === "munmap" ? "munmap_of_a_part" : operation.op;
  const { addr, len, advice, step } = operation;
  if (advice !== "dontneed" && advice !== "dontneed_locked") return `advice_${advice}`;
  const length = wholePages(step ?? len);
  if (length < SLOT) return "below_table";
  if (addr > address || addr + wholePages(len) < address + SLOT) return "unaligned";
  return reclaims ? "split_vma" : "no_reclaim";
}

/** Wraps a machine; run the workload on what is returned. */
export function blaming(machine: TellingMachine, options: BlameOptions): BlamingMachine {
  const { together = false } = options;
  const causes: Cause[] = [];
  const known = new Map<string, number>();
  /** The cause by which each row is empty, plus 1; 0: it is not. */
  let causeOf = new Int32Array(1024);
  /** Rows that the operation under way emptied, and that are still so. */
  let fresh: number[] = [];
  const moved = new Set<Cause>();
  let peakKb = 0;
  /** VmPTE of each process as it was last, and the sum; where they are one. */
  const lastKb: number[] = [];
  let sumKb = 0;
  const nowKb = (process: number): number => {
    const kb = machine.vmpteKb(process);
    if (!together) return kb;
    sumKb += kb - (lastKb[process] ?? 0);
    lastKb[process] = kb;
    return sumKb;
  };

  const add = (cause: Cause, tables: number): void => {
    cause.tables += tables;
    cause.sincePeak += tables;
    moved.add(cause);
  };
  machine.watchEmptyTables({
    emptied: (row) => void fresh.push(row),
    filled(row) {
      const cause = causeOf[row] ?? 0;
      if (cause === 0) return;
      causeOf[row] = 0;
      add(causes[cause - 1], -1);
    },
  });

  const indexOf = (stack: readonly string[], reason: string, process: number): number => {
    const key = `${process} ${reason} ${stack.join("\n")}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    causes.push({ stack, reason, process, tables: 0, sincePeak: 0 });
    known.set(key, causes.length - 1);
    return causes.length - 1;
  };

  const settle = (operation: Operation): void => {
    const stack = ("stack" in operation && operation.stack) || NOWHERE;
    const process = together ? 0 : ("process" in operation && operation.process) || 0;
    for (const row of fresh) {
      // Filled again, freed, or told of twice meanwhile.
      if (!machine.isEmptyTable(row) || (causeOf[row] ?? 0) !== 0) continue;
      if (row >= causeOf.length) {
        const larger = new Int32Array(Math.max(row + 1, causeOf.length * 2));
        larger.set(causeOf);
        causeOf = larger;
      }
      const index = indexOf(stack, reasonOf(operation, machine.tableAddress(row), options), process);
      causeOf[row] = index + 1;
      add(causes[index], 1);
    }
    fresh = [];
  };

  const listed = (count: (cause: Cause) => number, process: number): BlameEntry[] =>
    causes
      .filter((cause) => cause.process === process && count(cause) > 0)
      .map((cause) => {
        const tables = count(cause);
        return { stack: [...cause.stack], reason: cause.reason, tables, kb: tables * TABLE_KB };
      })
      .sort((a, b) => b.tables - a.tables || a.stack.join(";").localeCompare(b.stack.join(";"), "en"))
      .slice(0, ENTRIES_MAX);

  return around(machine, {
    execute(operation: Operation): unknown {
      const result = machine.execute(operation);
      if (fresh.length > 0) settle(operation);
      const process = ("process" in operation && operation.process) || 0;
      const kb = nowKb(process);
      if (kb >= peakKb) {
        peakKb = kb;
        if (moved.size > 0) {
          for (const cause of moved) cause.sincePeak = 0;
          moved.clear();
        }
      }
      return result;
    },
    blame: (process = 0) => ({
      peak: listed((cause) => cause.tables - cause.sincePeak, process),
      end: listed((cause) => cause.tables, process),
    }),
  });
}
