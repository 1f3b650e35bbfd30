import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import { parseWhatIf, type WhatIf } from "../experiment/what-if.ts";
import { createKernel, type Kernel } from "../mm/kernel.ts";
import type { Operation } from "./operation.ts";
import { PAGE, SLOT } from "./sizes.ts";
import { traceKernel } from "./trace-kernel.ts";
import { isHugeSlot, usedPages } from "./used-pages.ts";
import { ChangedReleases } from "./what-if.ts";

const BASE = 0x7f0000000000;
const SPAN = 6 * SLOT;
const MS = 1e6;

const kernelOf = (mode: "none" | "sync", thp: "never" | "always" = "never"): Kernel =>
  createKernel({ features: featuresOf(mode), seed: 1, ...traceKernel({ thpEnabled: thp }) });

/** Every page of the span, of each process: 1 where it is in use. */
function used(kernel: Kernel): string[] {
  return kernel.state.processes.map((mm) => {
    const map = new Uint8Array(SPAN / PAGE);
    for (const { start, end } of usedPages(kernel.state, mm, BASE / PAGE, (BASE + SPAN) / PAGE))
      map.fill(1, start - BASE / PAGE, end - BASE / PAGE);
    return map.join("");
  });
}

/**
 * Pages in use in the second and not in the first, of all processes and of the first one. `grown`: slots of a process that are left
 * out.
 */
function extra(
  asItIs: Kernel,
  changed: Kernel,
  grown: ReadonlySet<string> = new Set(),
): { readonly missing: number; readonly pages: readonly number[]; readonly ofFirst: readonly number[] } {
  const pages: number[] = [];
  const ofFirst: number[] = [];
  let missing = 0;
  const before = used(asItIs);
  for (const [process, map] of used(changed).entries())
    for (let page = 0; page < map.length; page++) {
      if (map[page] === before[process][page]) continue;
      if (map[page] === "0") missing++;
      else if (!grown.has(`${process} ${Math.floor((page * PAGE) / SLOT)}`)) {
        pages.push(page);
        if (process === 0) ofFirst.push(page);
      }
    }
  return { missing, pages, ofFirst };
}

/**
 * Where one release empties a whole slot, its table or huge page is gone, and the next touch there maps a huge page; piece by piece
 * the table stays, and the touch maps its page. Keeps, of the slots that are a huge page in the second alone, those that were touched,
 * until both use the same of it: a release of a part of the huge page leaves the rest of its pages.
 */
function follow(grown: Set<string>, asItIs: Kernel, changed: Kernel, operation: Operation | null): void {
  const isGrown = (process: number, slot: number): boolean =>
    isHugeSlot(changed.state, changed.state.processes[process], BASE / SLOT + slot) &&
    !isHugeSlot(asItIs.state, asItIs.state.processes[process], BASE / SLOT + slot);
  const [before, after] = grown.size === 0 ? [[], []] : [used(asItIs), used(changed)];
  for (const key of grown) {
    const [process, slot] = key.split(" ").map(Number);
    const pages = [(slot * SLOT) / PAGE, ((slot + 1) * SLOT) / PAGE] as const;
    if (before[process]?.slice(...pages) === after[process]?.slice(...pages)) grown.delete(key);
  }
  if (operation?.op === "fork") {
    // The child has what its parent has.
    const child = changed.state.processes.length - 1;
    for (const key of [...grown]) {
      const [process, slot] = key.split(" ").map(Number);
      if (process === (operation.process ?? 0)) grown.add(`${child} ${slot}`);
    }
  }
  if (operation?.op !== "touch") return;
  const { addr, len, process = 0 } = operation;
  for (let slot = Math.floor((addr - BASE) / SLOT); slot * SLOT < addr + len - BASE; slot++)
    if (isGrown(process, slot)) grown.add(`${process} ${slot}`);
}

const page = fc.integer({ min: 0, max: SPAN / PAGE - 1 });
const range = fc
  .tuple(page, fc.oneof(fc.constantFrom(1, 4, 16, 64, 128, 256, 512), fc.integer({ min: 1, max: 1024 })))
  .map(([first, pages]) => ({ addr: BASE + first * PAGE, len: Math.min(pages, SPAN / PAGE - first) * PAGE }));
const step = fc.oneof(
  { weight: 6, arbitrary: range.map((at): Operation => ({ op: "madvise", ...at, advice: "dontneed" })) },
  {
    weight: 5,
    arbitrary: page.map((at): Operation => ({ op: "touch", addr: BASE + at * PAGE, len: PAGE, access: "w" })),
  },
  { weight: 3, arbitrary: range.map((at): Operation => ({ op: "touch", ...at, access: "w" })) },
  { weight: 1, arbitrary: range.map((at): Operation => ({ op: "munmap", ...at })) },
  { weight: 1, arbitrary: range.map((at): Operation => ({ op: "mmap", ...at, prot: "rw", backing: "anon" })) },
  { weight: 1, arbitrary: range.map((at): Operation => ({ op: "mprotect", ...at, prot: "r" })) },
  {
    weight: 1,
    arbitrary: range.map((at): Operation => ({ op: "mremap", ...at, to: BASE + SPAN + SLOT, newLen: at.len })),
  },
  { weight: 1, arbitrary: range.map((at): Operation => ({ op: "madvise", ...at, advice: "free" })) },
  { weight: 1, arbitrary: fc.constant<Operation>({ op: "fork" }) },
);
/** A program: its mapping, then steps, each so many milliseconds after the one before. */
const program = fc
  .array(fc.tuple(step, fc.integer({ min: 0, max: 30 })), { minLength: 1, maxLength: 60 })
  .map((steps): Operation[] => {
    let at = 0;
    return [
      { op: "mmap", addr: BASE, len: SPAN, prot: "rw", backing: "anon", at },
      ...steps.map(([operation, ms]) => {
        at += ms * MS;
        return { ...operation, at };
      }),
    ];
  });

/** Runs both side by side, and `look`s after every operation of the program and once at the end. */
function sideBySide(
  operations: readonly Operation[],
  change: WhatIf,
  thp: "never" | "always",
  look: (asItIs: Kernel, changed: Kernel, given: readonly Operation[], operation: Operation | null) => void,
): void {
  const asItIs = kernelOf("none", thp);
  const changed = kernelOf("sync", thp);
  const changing = new ChangedReleases(change, asItIs);
  for (const operation of operations) {
    const given = changing.take(operation);
    for (const each of given) changed.execute(each);
    look(asItIs, changed, given, operation);
  }
  const given = changing.finish();
  for (const each of given) changed.execute(each);
  look(asItIs, changed, given, null);
}

const releasesIn = (given: readonly Operation[]) =>
  given.flatMap((each) => (each.op === "madvise" && each.advice === "dontneed" ? [each] : []));

describe("coalesce", () => {
  test.each(["never", "always"] as const)(
    "what the program uses is always there, what it released goes within the time, and in the end both are the same (huge pages: %s)",
    (thp) => {
      fc.assert(
        fc.property(program, fc.integer({ min: 1, max: 200 }), (operations, ms) => {
          const releasedAt = new Map<number, number>();
          const grown = new Set<string>();
          sideBySide(operations, { kind: "coalesce", ms }, thp, (asItIs, changed, given, operation) => {
            follow(grown, asItIs, changed, operation);
            const { missing, pages } = extra(asItIs, changed, grown);
            expect(missing).toBe(0);
            let last = 0;
            for (const { at = -1 } of given) {
              expect(at).toBeGreaterThanOrEqual(last);
              last = at;
            }
            if (operation === null) {
              expect(pages).toEqual([]);
              return;
            }
            const now = operation.at ?? 0;
            if (operation.op === "madvise" && operation.advice === "dontneed") {
              const first = (operation.addr - BASE) / PAGE;
              for (let i = 0; i < operation.len / PAGE; i++) releasedAt.set(first + i, now);
            }
            for (const each of pages)
              expect(now - (releasedAt.get(each) ?? Number.NEGATIVE_INFINITY)).toBeLessThanOrEqual(ms * MS);
          });
        }),
        { numRuns: 300 },
      );
    },
  );

  test("adjoining pieces are one release, which frees the table; what is touched meanwhile is not released", () => {
    const piece = 16 * PAGE;
    const pieces = Array.from({ length: SLOT / piece }, (_, i): Operation => {
      return { op: "madvise", addr: BASE + i * piece, len: piece, advice: "dontneed", at: (10 + i) * MS };
    });
    const operations: Operation[] = [
      { op: "mmap", addr: BASE, len: SPAN, prot: "rw", backing: "anon", at: 0 },
      { op: "touch", addr: BASE, len: 2 * SLOT, access: "w", at: MS },
      ...pieces,
      { op: "madvise", addr: BASE + SLOT, len: 4 * PAGE, advice: "dontneed", at: 60 * MS },
      { op: "touch", addr: BASE + SLOT + PAGE, len: PAGE, access: "w", at: 70 * MS },
      { op: "tick", ms: 0, at: 400 * MS },
    ];
    const given: Operation[] = [];
    let final = [0, 0];
    sideBySide(operations, { kind: "coalesce", ms: 100 }, "never", (asItIs, changed, some) => {
      given.push(...releasesIn(some));
      final = [asItIs.vmpteKb(), changed.vmpteKb()];
    });
    expect(given).toEqual([
      { op: "madvise", addr: BASE, len: SLOT + PAGE, advice: "dontneed", at: 110 * MS },
      { op: "madvise", addr: BASE + SLOT + 2 * PAGE, len: 2 * PAGE, advice: "dontneed", at: 110 * MS },
    ]);
    expect(final).toEqual([16, 12]);
  });

  test("without times of its own a program is on the model's clock", () => {
    const operations: Operation[] = [
      { op: "mmap", addr: BASE, len: SPAN, prot: "rw", backing: "anon" },
      { op: "touch", addr: BASE, len: SLOT, access: "w" },
      { op: "madvise", addr: BASE, len: SLOT, advice: "dontneed" },
      { op: "tick", ms: 50 },
      { op: "tick", ms: 60 },
      { op: "tick", ms: 0 },
    ];
    const when: number[] = [];
    sideBySide(operations, { kind: "coalesce", ms: 100 }, "never", (_asItIs, _changed, some, operation) => {
      if (releasesIn(some).length > 0 && operation !== null) when.push(operations.indexOf(operation));
    });
    expect(when).toEqual([5]);
  });
});

describe("whole", () => {
  test.each(["never", "always"] as const)(
    "only whole 2 MiB of which nothing is in use are released, each when its last page is free (huge pages: %s)",
    (thp) => {
      fc.assert(
        fc.property(program, (operations) => {
          sideBySide(operations, { kind: "whole" }, thp, (asItIs, changed, given, operation) => {
            const { missing, ofFirst } = extra(asItIs, changed);
            expect(missing).toBe(0);
            for (const { addr, len, process = 0 } of releasesIn(given)) {
              expect([addr % SLOT, len % SLOT]).toEqual([0, 0]);
              const mm = asItIs.state.processes[process];
              expect(usedPages(asItIs.state, mm, addr / PAGE, (addr + len) / PAGE)).toEqual([]);
            }
            if (operation?.op !== "madvise" || operation.advice !== "dontneed") return;
            // Of what was just released, what stays is in 2 MiB that are in use or not of one mapping. (A child has its own.)
            const mm = asItIs.state.processes[0];
            for (const each of ofFirst) {
              const at = BASE + each * PAGE;
              if (at < operation.addr || at >= operation.addr + operation.len) continue;
              const slot = Math.floor(at / SLOT) * SLOT;
              const vma = mm.vmas.lookup(slot / PAGE);
              const isWhole = vma !== undefined && vma.end >= (slot + SLOT) / PAGE;
              const isFree = usedPages(asItIs.state, mm, slot / PAGE, (slot + SLOT) / PAGE).length === 0;
              expect(isWhole && isFree).toBe(false);
            }
          });
        }),
        { numRuns: 300 },
      );
    },
  );
});

test("changes are read as they are written", () => {
  expect(parseWhatIf("coalesce=100")).toEqual({ kind: "coalesce", ms: 100 });
  expect(parseWhatIf("whole")).toEqual({ kind: "whole" });
  for (const bad of ["", "coalesce", "coalesce=0", "coalesce=-1", "coalesce=x", "whole=1"])
    expect(() => parseWhatIf(bad)).toThrow("There is no change");
});
