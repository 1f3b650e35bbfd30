/**
 * What things cost on this machine, measured by the probe: each constant from a short workload that does one thing many
 * times, in processor time. Several times over, and the fastest is taken: whatever else the machine does only adds.
 * Setting up is not timed.
 */
import type { CostModel } from "../engine/mm/cost.ts";
import type { Operation } from "../engine/workload/operation.ts";
import { GIB, MIB, PAGE, SLOT } from "../engine/workload/sizes.ts";
import { runMeasured } from "./driver.ts";

/** One measured constant, in nanoseconds. */
export interface CalibratedCost {
  /** The name it has in the engine's cost model. */
  readonly name: keyof CostModel;
  readonly ns: number;
  /** What was timed, and what of it was taken away. */
  readonly how: string;
}

const BASE = 2 ** 44;
const REPEATS = 9;
const SIZE = 64 * MIB;
const PAGES = SIZE / PAGE;
const TABLES = 4096;
const CYCLES = 64;

const map = (len: number, flags: "hugepage" | "nohugepage" = "nohugepage"): Operation => ({
  op: "mmap",
  addr: BASE,
  len,
  prot: "rw",
  backing: "anon",
  flags: [flags],
});
const touch = (len: number, access: "r" | "w", stride = PAGE): Operation => ({
  op: "touch",
  addr: BASE,
  len,
  access,
  stride,
});
const dontneed = (len: number, step?: number): Operation => ({
  op: "madvise",
  addr: BASE,
  len,
  advice: "dontneed",
  ...(step === undefined ? {} : { step }),
});

const ATOMICS = 20_000_000;

/** Nanoseconds of an atomic addition to a word that nobody else has in its cache, beside a plain one: the fastest of several runs. */
function atomicNs(): number {
  const words = new Int32Array(new SharedArrayBuffer(64));
  const atomically = (): void => {
    for (let i = 0; i < ATOMICS; i++) Atomics.add(words, 0, 1);
  };
  const plainly = (): void => {
    for (let i = 0; i < ATOMICS; i++) words[0] += 1;
  };
  const fastest = (work: () => void): number => {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < REPEATS; i++) {
      const before = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(before);
      least = Math.min(least, (user + system) * 1000);
    }
    return least;
  };
  return (fastest(atomically) - fastest(plainly)) / ATOMICS;
}

function* repeat(count: number, ...operations: Operation[]): Generator<Operation> {
  for (let i = 0; i < count; i++) yield* operations;
}

/** Nanoseconds that the kernel needs for `operations` after `setup`: the fastest of several runs. */
async function time(
  setup: readonly Operation[],
  operations: () => Iterable<Operation>,
  signal?: AbortSignal,
): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REPEATS; i++) {
    const { summary } = await runMeasured({
      stream: { kind: "operations", operations: operations() },
      operationsTotal: 1,
      mode: "sync",
      image: setup,
      cpuTime: true,
      onSamples: () => undefined,
      ...(signal === undefined ? {} : { signal }),
    });
    signal?.throwIfAborted();
    fastest = Math.min(fastest, summary.wall_ms * 1e6);
  }
  return fastest;
}

/**
 * Measures the constants. Errors: those of a measured run (mode sync must be possible here), and the signal's reason.
 */
export async function calibrate(signal?: AbortSignal): Promise<CalibratedCost[]> {
  const costs: CalibratedCost[] = [];
  const add = (name: keyof CostModel, ns: number, how: string): number => {
    const value = Math.max(1, Math.round(ns));
    costs.push({ name, ns: value, how });
    return value;
  };
  const CALLS = 50_000;
  const nothing: Operation = { op: "madvise", addr: BASE, len: 0, advice: "normal" };
  const syscall = add("syscall", (await time([], () => repeat(CALLS, nothing), signal)) / CALLS, "madvise of no bytes");

  const present = [map(SIZE), touch(SIZE, "w")];
  add(
    "access",
    (await time(present, () => repeat(8, touch(SIZE, "w")), signal)) / (8 * PAGES),
    "a write to a present page",
  );

  const emptyTables = [map(SIZE), touch(SIZE, "r"), dontneed(SIZE, MIB)];
  const readFault = (await time(emptyTables, () => [touch(SIZE, "r")], signal)) / PAGES;
  const fault = add("fault", readFault, "a read of an untouched page in a table that is there (zero page)");
  const huge = await time([map(SIZE, "hugepage")], () => [touch(SIZE, "w", SLOT)], signal);
  add("hugePage", huge / (SIZE / SLOT) - fault, "the first write to a huge page, without the fault");

  const sparse = TABLES * SLOT;
  const tables = (await time([map(sparse)], () => [touch(sparse, "r", SLOT)], signal)) / TABLES;
  add("tableAlloc", tables - fault, "the first read of a 2 MiB slot, without the fault");

  const kept = (await time([map(sparse), touch(sparse, "r", SLOT)], () => [dontneed(sparse, MIB)], signal)) / TABLES;
  const freed = (await time([map(sparse), touch(sparse, "r", SLOT)], () => [dontneed(sparse, SLOT)], signal)) / TABLES;
  const oneCall = (await time([map(sparse)], () => [dontneed(sparse, SLOT)], signal)) / TABLES;
  const tableFree = add(
    "tableFree",
    freed - (kept - oneCall),
    "DONTNEED of a slot with one page, against the same in two chunks, without the second call",
  );
  add("deferFree", tableFree, "as tableFree: a table that is freed there goes to RCU, too");

  const zap = (await time(present, () => [dontneed(SIZE, MIB)], signal)) / PAGES;
  const skip = (await time(emptyTables, () => [dontneed(SIZE, MIB)], signal)) / PAGES;
  const perEntryOfCall = oneCall / (MIB / PAGE);
  const zapEntry = add(
    "zapEntry",
    zap - perEntryOfCall,
    "DONTNEED of written pages in chunks of 1 MiB, per entry, without the calls",
  );
  const cycle = (): Iterable<Operation> => repeat(CYCLES, touch(SLOT, "w"), dontneed(SLOT, MIB));
  const perPage = (await time([map(SLOT), touch(SLOT, "r")], cycle, signal)) / (CYCLES * (SLOT / PAGE));
  add(
    "page",
    perPage - fault - zapEntry - perEntryOfCall,
    "2 MiB written and released over and over, per page, without its fault and its zap: allocated and cleared while still in the cache",
  );
  add("skipEntry", skip - perEntryOfCall, "DONTNEED of empty tables in chunks of 1 MiB, per entry, without the calls");
  add("lookEntry", skip - perEntryOfCall, "as skipEntry: DONTNEED also checks none entries one by one");
  const atomic = add("atomic", atomicNs(), "an atomic addition by a program, without the addition");
  add("lock", 2 * atomic, "twice an atomic: one to take it, at most one more to release it");

  const VMAS = 20_000;
  const oneMap: Operation = { op: "mmap", addr: BASE, len: PAGE, prot: "rw", backing: "anon" };
  const oneUnmap: Operation = { op: "munmap", addr: BASE, len: PAGE };
  const vma = (await time([], () => repeat(VMAS, oneMap, oneUnmap), signal)) / (2 * VMAS);
  add("vma", vma - syscall, "half of an mmap and munmap of one page, without the call");

  const far = BASE + 4 * GIB + PAGE;
  const move: Operation = { op: "mremap", addr: BASE, len: SIZE, to: far };
  add("copyEntry", (await time(present, () => [move], signal)) / PAGES, "mremap by an odd number of pages, an entry");
  return costs;
}
