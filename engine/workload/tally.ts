/**
 * What became of a program's releases: a machine that counts, as operations pass through it, every madvise and munmap by
 * what it did to page tables.
 */
import { around, type Machine } from "../experiment/machine.ts";
import {
  OTHER_ADVICE,
  OUTCOMES,
  type Outcome,
  type Releases,
  SIZE_CLASSES,
  type SizeClass,
} from "../experiment/releases.ts";
import { SAMPLE_COLUMNS, SAMPLE_INDEX, type SampleColumn, type SampleRow } from "../experiment/types.ts";
import { HeapGrowth } from "./heap.ts";
import type { MadviseOp, Operation } from "./operation.ts";
import { SLOT, TABLE_KB, wholePages } from "./sizes.ts";

type Counter = { calls: number; bytes: number };

function counters<Name extends string>(names: readonly Name[]): Record<Name, Counter> {
  return Object.fromEntries(names.map((name) => [name, { calls: 0, bytes: 0 }])) as Record<Name, Counter>;
}

function isOther(advice: string): advice is (typeof OTHER_ADVICE)[number] {
  return (OTHER_ADVICE as readonly string[]).includes(advice);
}

function sizeClassOf(bytes: number): SizeClass {
  const { up_to_64k, below_2m, below_4m } = SIZE_CLASSES;
  if (bytes <= up_to_64k) return "up_to_64k";
  if (bytes <= below_2m) return "below_2m";
  return bytes <= below_4m ? "below_4m" : "larger";
}

type UnmappingOp = Extract<Operation, { op: "munmap" | "brk" | "mremap" | "mmap" }>;

/** A mapping that shrinks, or gives way to another one, is unmapped in part. */
function mayUnmap(operation: Operation): operation is UnmappingOp {
  const { op } = operation;
  return op === "munmap" || op === "brk" || op === "mremap" || op === "mmap";
}

/** A machine that counts what passes through it. */
export interface TallyingMachine extends Machine {
  releases(): Releases;
}

/** Wraps a machine; run the workload on what is returned. Meaningful in mode sync. */
export function tallying(machine: Machine): TallyingMachine {
  let before: SampleRow = new Float64Array(SAMPLE_COLUMNS.length);
  let after: SampleRow = new Float64Array(SAMPLE_COLUMNS.length);
  /** `after` no longer holds the counters: something but accesses happened since. */
  let stale = true;
  const dontneed: Counter = { calls: 0, bytes: 0 };
  const munmap: Counter = { calls: 0, bytes: 0 };
  const outcomes = counters(OUTCOMES);
  const otherAdvice = counters(OTHER_ADVICE);
  const sizes: Record<SizeClass, number> = { up_to_64k: 0, below_2m: 0, below_4m: 0, larger: 0 };

  const heap = new HeapGrowth();

  const change = (column: SampleColumn): number => after[SAMPLE_INDEX[column]] - before[SAMPLE_INDEX[column]];

  const countDontneed = (operation: MadviseOp): unknown => {
    if (stale) machine.sampleInto(after, 0, operation.process);
    [before, after] = [after, before];
    const vmpteKb = machine.vmpteKb(operation.process);
    const result = machine.execute(operation);
    machine.sampleInto(after, 0, operation.process);
    stale = false;
    const bytes = wholePages(operation.len);
    dontneed.calls++;
    dontneed.bytes += bytes;
    sizes[sizeClassOf(bytes)]++;

    const reclaimed = change("reclaimed_fast") + change("reclaimed_slow");
    const freed = (vmpteKb - machine.vmpteKb(operation.process)) / TABLE_KB;
    const huge = Math.max(0, freed - reclaimed);
    const split = change("declined_split_vma");
    const marker = change("declined_entry_kept") + change("declined_refilled");
    const whole = Math.max(0, Math.floor((operation.addr + bytes) / SLOT) - Math.ceil(operation.addr / SLOT));
    const failed = failedWith(result);
    const first: Outcome =
      failed && reclaimed === 0
        ? "failed"
        : reclaimed > 0
          ? "reclaimed"
          : huge > 0
            ? "huge_page"
            : split > 0
              ? "split_vma"
              : marker > 0
                ? "marker"
                : bytes < SLOT
                  ? "below_table"
                  : whole === 0
                    ? "unaligned"
                    : "nothing_there";
    outcomes[first].calls++;
    if (first === "failed") {
      outcomes.failed.bytes += bytes;
      return result;
    }
    let left = bytes;
    const give = (outcome: Outcome, amount: number): void => {
      const given = Math.min(left, amount);
      outcomes[outcome].bytes += given;
      left -= given;
    };
    give("reclaimed", reclaimed * SLOT);
    give("huge_page", huge * SLOT);
    give("split_vma", split * SLOT);
    give("marker", marker * SLOT);
    // What lies outside whole 2 MiB can never free a table.
    give(bytes < SLOT ? "below_table" : "unaligned", Math.max(0, bytes - whole * SLOT));
    give("nothing_there", left);
    return result;
  };

  const countUnmapped = (operation: UnmappingOp): unknown => {
    const rssKb = machine.rssKb(operation.process);
    const result = machine.execute(operation);
    const goneKb = rssKb - machine.rssKb(operation.process);
    if (goneKb > 0) {
      munmap.calls++;
      munmap.bytes += goneKb * 1024;
    }
    return result;
  };

  return around(machine, {
    execute(operation: Operation): unknown {
      if (operation.op === "touch") return machine.execute(operation);
      if (operation.op === "madvise") {
        if (operation.advice === "dontneed" || operation.advice === "dontneed_locked") return countDontneed(operation);
        if (isOther(operation.advice)) {
          otherAdvice[operation.advice].calls++;
          otherAdvice[operation.advice].bytes += operation.len;
        }
      } else heap.take(operation);
      stale = true;
      return mayUnmap(operation) ? countUnmapped(operation) : machine.execute(operation);
    },
    releases: () => structuredClone({ dontneed, outcomes, sizes, otherAdvice, munmap, heapBytes: heap.bytes() }),
  });
}

/** Did the call fail without acting? ENOMEM acted on what is mapped. */
function failedWith(result: unknown): boolean {
  if (typeof result !== "object" || result === null || !("status" in result)) return false;
  return result.status !== "ok" && result.status !== "ENOMEM";
}
