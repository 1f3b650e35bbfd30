/** The two forms of MADV_DONTNEED, the explorer's and the experiments': alone on its machine the one does what the other does. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import { patchesWithout } from "./features.ts";
import { PMD_PAGES, pmdIndex } from "./geometry.ts";
import { createKernel } from "./kernel.ts";
import { madviseDontneed } from "./madvise.ts";
import { pmdAlloc } from "./pgtable.ts";
import { pteAlloc } from "./plain/pte-map.ts";
import {
  KIND_ANON,
  KIND_DEVICE_EXCLUSIVE,
  KIND_DEVICE_PRIVATE,
  KIND_HWPOISON,
  KIND_MARKER_GUARD,
  KIND_MARKER_POISON,
  KIND_MARKER_UFFD_WP,
  KIND_MIGRATION,
  KIND_SWAP,
  KIND_ZERO,
} from "./pte.ts";
import { checkProperty } from "./random-operations.testing.ts";
import type { Path } from "./sched.ts";

const FILE = "engine/mm/zap-path.test.ts";
const BASE = 2 ** 32;
/** More pages than a gather takes. */
const TABLES = 20;

/** Entries [from, from + n) of table `table` hold `pte`. */
interface Stretch {
  readonly table: number;
  readonly from: number;
  readonly n: number;
  readonly pte: number;
}

/** All that an anonymous mapping can hold; entries of files are in the random operations (properties.test.ts). */
const anonymous = fc.constantFrom(
  KIND_ANON,
  KIND_ZERO,
  KIND_SWAP,
  KIND_MIGRATION,
  KIND_DEVICE_PRIVATE,
  KIND_DEVICE_EXCLUSIVE,
  KIND_HWPOISON,
  KIND_MARKER_UFFD_WP,
  KIND_MARKER_GUARD,
  KIND_MARKER_POISON,
);
const stretch: fc.Arbitrary<Stretch> = fc.record({
  table: fc.nat(3),
  from: fc.nat(PMD_PAGES - 1),
  n: fc.integer({ min: 1, max: PMD_PAGES }),
  pte: fc.oneof({ weight: 2, arbitrary: fc.constant(KIND_ANON) }, { weight: 1, arbitrary: anonymous }),
});

/** A kernel whose first process maps TABLES tables' worth of memory, in two VMAs, with these entries in it. */
function prepared(stretches: readonly Stretch[], cut: number, filled: boolean, explored: boolean, without: "8" | null) {
  const patches = without === null ? {} : { patches: patchesWithout(without) };
  const kernel = createKernel({ features: featuresOf("sync"), image: "empty", explored, ...patches });
  const { state } = kernel;
  const [mm] = state.processes;
  for (const [from, to, prot] of [[0, cut, "rw"] as const, [cut, TABLES * PMD_PAGES, "r"] as const]) {
    const range = { addr: (BASE + from) * 4096, len: (to - from) * 4096 };
    kernel.execute({ op: "mmap", ...range, prot, backing: "anon" });
  }
  const fill = ({ table, from, n, pte }: Stretch): void => {
    const page = BASE + table * PMD_PAGES;
    const row = pteAlloc(state, mm, pmdAlloc(state, mm, page), pmdIndex(page));
    state.tables.fillPte(row, from, Math.min(from + n, PMD_PAGES), pte);
  };
  if (filled) for (let table = 0; table < TABLES; table++) fill({ table, from: 0, n: PMD_PAGES, pte: KIND_ANON });
  stretches.forEach(fill);
  return { kernel, state, mm };
}

function outcome({ state, mm }: ReturnType<typeof prepared>) {
  const { stats, tables } = state;
  const entries: (readonly number[] | null)[] = [];
  for (let table = 0; table < TABLES; table++) {
    const page = BASE + table * PMD_PAGES;
    const row = tables.child(pmdAlloc(state, mm, page), pmdIndex(page));
    entries.push(row === 0 ? null : Array.from({ length: PMD_PAGES }, (_, index) => tables.pte(row, index)));
  }
  const { reclaimedFast, reclaimedSlow, zapBreaksForced, entriesZapped } = stats;
  const { declinedBelowPmd, declinedSplitVma, declinedEntryKept, declinedRefilled } = stats;
  return {
    entries,
    counts: [mm.ptes, mm.rssAnon, mm.rssFile, mm.swapEntries],
    reclaimed: [reclaimedFast, reclaimedSlow, zapBreaksForced, entriesZapped],
    declined: [declinedBelowPmd, declinedSplitVma, declinedEntryKept, declinedRefilled],
  };
}

/** Every point is resumed at once: nobody else runs. */
function runAlone<T>(path: Path<T>): T {
  for (;;) {
    const step = path.next();
    if (step.done === true) return step.value;
  }
}

describe("MADV_DONTNEED with its scheduling points, and without", () => {
  test("leave the same behind", () => {
    const pages = TABLES * PMD_PAGES;
    const range = fc.oneof(
      fc.tuple(fc.nat(pages - 1), fc.nat(pages - 1)),
      fc.tuple(fc.nat(3), fc.nat(3)).map(([a, b]) => [a * PMD_PAGES, (b + 1) * PMD_PAGES] as const),
      fc.constant([0, pages] as const),
    );
    const given = fc.record({
      stretches: fc.array(stretch, { minLength: 1, maxLength: 8 }),
      cut: fc.oneof(
        fc.integer({ min: 1, max: 3 * PMD_PAGES }),
        fc.integer({ min: 1, max: 3 }).map((n) => n * PMD_PAGES),
      ),
      filled: fc.oneof({ weight: 2, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      without: fc.constantFrom("8" as const, null, null),
    });
    const seen = { fast: 0, slow: 0, kept: 0 };
    const property = fc.property(given, range, ({ stretches, cut, filled, without }, [a, b]) => {
      const start = BASE + Math.min(a, b);
      const end = BASE + Math.max(a, b);
      if (start === end) return;
      const plain = prepared(stretches, cut, filled, false, without);
      plain.kernel.execute({ op: "madvise", addr: start * 4096, len: (end - start) * 4096, advice: "dontneed" });
      const explored = prepared(stretches, cut, filled, true, without);
      runAlone(madviseDontneed(explored.state, explored.mm, start, end, false));
      const expected = outcome(plain);
      expect(outcome(explored)).toEqual(expected);
      seen.fast += expected.reclaimed[0];
      seen.slow += expected.reclaimed[1];
      seen.kept += expected.declined[2];
    });
    checkProperty("leave the same behind", FILE, property, 200);
    expect(Math.min(seen.fast, seen.slow, seen.kept), "every outcome was seen").toBeGreaterThan(0);
  });
});

test("tables that were found empty are no releases that left them", () => {
  const kernel = createKernel({ features: featuresOf("sync"), image: "empty" });
  const found = { op: "snapshot", addr: BASE * 4096, len: 2 ** 22, prot: "rw", backing: "anon", pages: [] } as const;
  kernel.execute({ ...found, empty: [0, 2 * PMD_PAGES] });
  expect(kernel.state.tables.emptyOf[kernel.state.processes[0].id]).toBe(2);
  expect(kernel.state.stats.declinedBelowPmd).toBe(0);
});
