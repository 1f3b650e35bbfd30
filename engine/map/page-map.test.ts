import { expect, test } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import { createKernel } from "../mm/kernel.ts";
import { watchFreed } from "./freed.ts";
import { type PageMap, readPageMap, readTable, SLOT_STATES, segmentsOf } from "./page-map.ts";

const MIB2 = 2 ** 21;
const BASE = 2 ** 40;

function machine(mode: "sync" | "none") {
  const kernel = createKernel({ features: featuresOf(mode), seed: 1 });
  const freed = watchFreed(kernel.state.tables);
  const mm = kernel.state.processes[0];
  kernel.execute({ op: "mmap", addr: BASE, len: 8 * MIB2, prot: "rw", backing: "anon" });
  for (const slot of [0, 1, 2]) kernel.execute({ op: "touch", addr: BASE + slot * MIB2, len: MIB2, access: "w" });
  kernel.execute({ op: "touch", addr: BASE + 3 * MIB2, len: 4096 * 5, access: "w" });
  kernel.execute({ op: "madvise", addr: BASE + MIB2, len: MIB2, advice: "dontneed" });
  return { kernel, freed, mm };
}

/** The states of the mapping's eight slots. */
function arena({ segments, counts, from }: PageMap): string[] {
  let start = 0;
  for (const segment of segments) {
    if (segment.slot === BASE / MIB2) break;
    start += segment.slots;
  }
  return Array.from({ length: 8 }, (_, at) => {
    const cell = counts.subarray(
      (start - from + at) * SLOT_STATES.length,
      (start - from + at + 1) * SLOT_STATES.length,
    );
    return SLOT_STATES[cell.indexOf(1)];
  });
}

test("each slot has the state of its table; sync frees what none leaves empty", () => {
  const sync = machine("sync");
  const all = { from: 0, count: 0, cells: 10_000 };
  expect(arena(readPageMap(sync.kernel.state, sync.mm, sync.freed, all))).toEqual([
    "full",
    "freed",
    "full",
    "partly",
    "none",
    "none",
    "none",
    "none",
  ]);
  const none = machine("none");
  expect(arena(readPageMap(none.kernel.state, none.mm, none.freed, all))[1]).toBe("empty");
  sync.kernel.execute({ op: "touch", addr: BASE + MIB2, len: MIB2, access: "w" });
  expect(arena(readPageMap(sync.kernel.state, sync.mm, sync.freed, all))[1]).toBe("full");
});

test("states of all slots add up to the tables that the process has", () => {
  for (const mode of ["sync", "none"] as const) {
    const { kernel, mm, freed } = machine(mode);
    const map = readPageMap(kernel.state, mm, freed, { from: 0, count: 0, cells: 10_000 });
    const sums = SLOT_STATES.map((_, what) => {
      let sum = 0;
      for (let at = what; at < map.counts.length; at += SLOT_STATES.length) sum += map.counts[at];
      return sum;
    });
    expect(sums[0] + sums[1] + sums[2], mode).toBe(mm.ptes);
    expect(sums.reduce((a, b) => a + b)).toBe(map.total);
  }
});

test("fewer cells hold more slots each, and nothing is lost", () => {
  const { kernel, mm, freed } = machine("none");
  const fine = readPageMap(kernel.state, mm, freed, { from: 0, count: 0, cells: 10_000 });
  const coarse = readPageMap(kernel.state, mm, freed, { from: 0, count: 0, cells: 3 });
  const sum = (map: PageMap) => map.counts.reduce((a, b) => a + b);
  expect(coarse.cells).toBeLessThanOrEqual(3);
  expect(sum(coarse)).toBe(sum(fine));
  const part = readPageMap(kernel.state, mm, freed, { from: 2, count: 3, cells: 10 });
  expect(part.cells).toBe(3);
  expect(sum(part)).toBe(3);
});

test("mappings that touch are one segment", () => {
  const { kernel, mm } = machine("none");
  const before = segmentsOf(mm).length;
  kernel.execute({ op: "mmap", addr: BASE + 8 * MIB2, len: MIB2, prot: "r", backing: "anon" });
  expect(segmentsOf(mm).length).toBe(before);
  kernel.execute({ op: "mmap", addr: BASE + 32 * MIB2, len: MIB2, prot: "r", backing: "anon" });
  expect(segmentsOf(mm).length).toBe(before + 1);
});

test("a table's 512 entries", () => {
  const { kernel, mm } = machine("none");
  const entries = readTable(kernel.state, mm, BASE / MIB2 + 3);
  expect(entries?.filter((kind) => kind === 1)).toHaveLength(5);
  expect(entries).toHaveLength(512);
  expect(readTable(kernel.state, mm, BASE / MIB2 + 5)).toBeNull();
});
