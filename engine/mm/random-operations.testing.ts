/** Random operations for property tests: around the borders of tables, where tables are shared, freed, moved and kept. */

import fc from "fast-check";
import type { Advice, Backing, MmapFlag, Operation, Prot } from "./operation.ts";

const PAGE = 4096;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const BASE = 2 ** 44;

const ANCHORS = [0, 2 * MIB, 4 * MIB, 6 * MIB, GIB - 2 * MIB, GIB, 512 * GIB - 2 * MIB, 512 * GIB];
const LENGTHS = [PAGE, 3 * PAGE, MIB, 2 * MIB - PAGE, 2 * MIB, 2 * MIB + PAGE, 4 * MIB, 6 * MIB];
const SHIFTS = [0, 0, 0, PAGE, -PAGE, MIB, 17 * PAGE];

const addr = fc
  .tuple(fc.constantFrom(...ANCHORS), fc.constantFrom(...SHIFTS))
  .map(([anchor, shift]) => BASE + Math.max(0, anchor + shift));
const len = fc.constantFrom(...LENGTHS);
const prot: fc.Arbitrary<Prot> = fc.constantFrom("rw", "rw", "rw", "r", "none");
const backing: fc.Arbitrary<Backing> = fc.constantFrom("anon", "anon", "anon", "file", "shared", "sharedfile");

/** What a run of operations may contain besides mappings, touches, DONTNEED, mprotect and mremap. */
export interface OperationKinds {
  /** Huge pages, collapse and khugepaged: they make the two modes differ in more than tables. */
  readonly huge: boolean;
  /** fork and exit. */
  readonly fork: boolean;
}

const PLAIN_ADVICE: readonly Advice[] = [
  "free",
  "dontneed_locked",
  "guard_install",
  "guard_remove",
  "dontfork",
  "cold",
  "pageout",
  "populate_read",
  "populate_write",
  "remove",
  "pt_reclaim",
];
const HUGE_ADVICE: readonly Advice[] = ["hugepage", "nohugepage", "collapse"];

/** One operation of the first process. */
export function randomOperation(kinds: OperationKinds): fc.Arbitrary<Operation> {
  const flags: fc.Arbitrary<MmapFlag[]> = fc.subarray<MmapFlag>(
    kinds.huge ? ["populate", "locked", "hugepage", "noreserve"] : ["populate", "locked", "noreserve"],
    { maxLength: 1 },
  );
  const advice = fc.constantFrom(...PLAIN_ADVICE, ...(kinds.huge ? HUGE_ADVICE : []));
  const mmap = fc
    .record({ addr, len, prot, backing, flags })
    .map((map): Operation => ({ op: "mmap", ...map, offset: map.addr - BASE }));
  const touch = fc.record({ addr, len, access: fc.constantFrom<("r" | "w")[]>("r", "w", "w") });
  const weighted: { weight: number; arbitrary: fc.Arbitrary<Operation> }[] = [
    { weight: 6, arbitrary: mmap },
    { weight: 8, arbitrary: touch.map((t): Operation => ({ op: "touch", ...t })) },
    {
      weight: 8,
      arbitrary: fc.record({ addr, len }).map((r): Operation => ({ op: "madvise", ...r, advice: "dontneed" })),
    },
    { weight: 4, arbitrary: fc.record({ addr, len, advice }).map((r): Operation => ({ op: "madvise", ...r })) },
    { weight: 3, arbitrary: fc.record({ addr, len }).map((r): Operation => ({ op: "munmap", ...r })) },
    { weight: 3, arbitrary: fc.record({ addr, len, prot }).map((r): Operation => ({ op: "mprotect", ...r })) },
    {
      weight: 3,
      arbitrary: fc
        .record({ addr, len, to: addr, newLen: len, dontUnmap: fc.boolean() })
        .map((r): Operation => ({ op: "mremap", ...r, newLen: r.dontUnmap ? r.len : r.newLen })),
    },
    { weight: 1, arbitrary: fc.record({ addr, len }).map((r): Operation => ({ op: "mlock", ...r })) },
    { weight: 1, arbitrary: fc.record({ addr, len }).map((r): Operation => ({ op: "munlock", ...r })) },
    {
      weight: 1,
      arbitrary: fc
        .record({ addr, len, from: addr })
        .chain((r) =>
          fc
            .constantFrom<("register" | "unregister" | "wp" | "unwp" | "move")[]>(
              "register",
              "unregister",
              "wp",
              "unwp",
              "move",
            )
            .map((action): Operation => ({ op: "uffd", action, ...r })),
        ),
    },
    { weight: 1, arbitrary: fc.record({ addr, len }).map((r): Operation => ({ op: "swapout", ...r })) },
    { weight: 1, arbitrary: fc.record({ addr, len }).map((r): Operation => ({ op: "swapin", ...r })) },
    { weight: 1, arbitrary: fc.constantFrom(1, 20).map((ms): Operation => ({ op: "tick", ms })) },
    { weight: 1, arbitrary: len.map((size): Operation => ({ op: "truncate", size: size * 4 })) },
    {
      weight: 1,
      arbitrary: fc.record({ addr, len }).map((r): Operation => ({ op: "punch", addr: r.addr - BASE, len: r.len })),
    },
  ];
  if (kinds.fork)
    weighted.push(
      { weight: 1, arbitrary: fc.constant<Operation>({ op: "fork" }) },
      { weight: 1, arbitrary: fc.constant<Operation>({ op: "exit" }) },
    );
  return fc.oneof(...weighted);
}

/**
 * Checks a property and, where it fails, says how to run the very same case again. `seed` and `path` come from the
 * environment in a replay.
 * Errors: with the smallest failing case, the seed and the command.
 */
export function checkProperty<T extends unknown[]>(
  name: string,
  file: string,
  property: fc.IProperty<T>,
  runs: number,
): void {
  const seed = process.env.ENGINE_SEED;
  const path = process.env.ENGINE_PATH;
  const result = fc.check(property, {
    numRuns: runs,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
  });
  if (!result.failed) return;
  const replay = `ENGINE_SEED=${result.seed} ENGINE_PATH=${result.counterexamplePath} npx vitest run ${file} -t "${name}"`;
  const cause = result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance);
  throw new Error(
    `${name}: ${cause}\nafter ${JSON.stringify(result.counterexample)}\nseed ${result.seed}; again: ${replay}`,
  );
}
