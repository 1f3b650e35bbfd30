/** zap_pte_range() and reclaim for every kind of entry, and the statistics of it, one at a time. */
import { describe, expect, test } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import type { KernelOptions } from "./config.ts";
import { patchesWithout } from "./features.ts";
import { FORMS } from "./forms.testing.ts";
import { createKernel } from "./kernel.ts";
import { tlbFinishMmu, tlbGatherMmu } from "./mmu-gather.ts";
import type { Backing } from "./operation.ts";
import { pmdTable } from "./pgtable.ts";
import { tryToFreePte as tryToFreePtePlainly } from "./plain/pt-reclaim.ts";
import { tryToFreePte } from "./pt-reclaim.ts";
import {
  KIND_ANON,
  KIND_DEVICE_EXCLUSIVE,
  KIND_DEVICE_PRIVATE,
  KIND_FILE,
  KIND_HWPOISON,
  KIND_MARKER_GUARD,
  KIND_MARKER_POISON,
  KIND_MARKER_UFFD_WP,
  KIND_MIGRATION,
  KIND_SWAP,
  KIND_ZERO,
  PTE_UFFD_WP,
} from "./pte.ts";
import { runAlone } from "./sched.ts";

const MIB = 2 ** 20;
const BASE = 2 ** 44;
const PAGE = BASE / 4096;

describe.each(FORMS)("$form", ({ explored }) => {
  /** A kernel with one mapping of `size` bytes at BASE and, where asked for, a PTE table with these entries by index. */
  function prepared(
    entries: Record<number, number>,
    given: Partial<KernelOptions> & { backing?: Backing; armed?: boolean; size?: number } = {},
  ) {
    const { backing = "anon", armed = false, size = 2 * MIB, ...options } = given;
    const kernel = createKernel({ features: featuresOf("sync"), image: "empty", checked: true, explored, ...options });
    kernel.execute({ op: "mmap", addr: BASE, len: size, prot: "rw", backing });
    if (armed) kernel.execute({ op: "uffd", action: "register", addr: BASE, len: size });
    kernel.execute({ op: "touch", addr: BASE, len: 4096, access: "r" });
    const { state } = kernel;
    const mm = state.processes[0];
    const pmd = pmdTable(state, mm, PAGE);
    const row = state.tables.child(pmd, 0);
    state.tables.fillPte(row, 0, 512, 0);
    mm.rssShmem = 0;
    for (const [index, pte] of Object.entries(entries)) state.tables.setPte(row, Number(index), pte);
    const dontneed = (addr = 0, len = 2 * MIB) =>
      kernel.execute({ op: "madvise", addr: BASE + addr, len, advice: "dontneed" });
    return { kernel, state, mm, pmd, row, dontneed };
  }

  describe("MADV_DONTNEED of a whole table by kind of entry", () => {
    const anonymous: [name: string, pte: number, reclaimed: boolean][] = [
      ["present anonymous page", KIND_ANON, true],
      ["zero page", KIND_ZERO, true],
      ["write-protected anonymous page", KIND_ANON | PTE_UFFD_WP, true],
      ["swap entry", KIND_SWAP, true],
      ["migration entry", KIND_MIGRATION, true],
      ["device-private entry", KIND_DEVICE_PRIVATE, true],
      ["device-exclusive entry", KIND_DEVICE_EXCLUSIVE, true],
      ["hwpoison entry", KIND_HWPOISON, true],
      ["poison marker", KIND_MARKER_POISON, true],
      ["uffd-wp marker on anonymous memory", KIND_MARKER_UFFD_WP, true],
      ["guard marker", KIND_MARKER_GUARD, false],
    ];
    for (const [name, pte, reclaimed] of anonymous) {
      test(`${name}: the table ${reclaimed ? "goes" : "stays"}`, () => {
        const { kernel, state, mm, dontneed } = prepared({ 511: pte });
        if (pte === KIND_SWAP) mm.swapEntries = 1;
        else if (pte !== KIND_ZERO) mm.rssAnon = 1;
        dontneed();
        expect(kernel.reclaimedPteTables).toBe(reclaimed ? 1 : 0);
        expect(mm.ptes).toBe(reclaimed ? 0 : 1);
        expect(state.stats.declinedEntryKept).toBe(reclaimed ? 0 : 1);
        expect(mm.swapEntries).toBe(0);
      });
    }

    test("uffd-wp marker on file memory: the table stays", () => {
      const { mm, dontneed } = prepared({ 7: KIND_MARKER_UFFD_WP }, { backing: "shared", armed: true });
      dontneed();
      expect(mm.ptes).toBe(1);
    });

    test("write-protected file page: a marker is installed in its place and the table stays", () => {
      const { state, mm, row, dontneed } = prepared({ 7: KIND_FILE | PTE_UFFD_WP }, { backing: "shared", armed: true });
      mm.rssShmem = 1;
      dontneed();
      expect(state.tables.pte(row, 7)).toBe(KIND_MARKER_UFFD_WP);
      expect([mm.ptes, mm.rssShmem]).toEqual([1, 0]);
    });

    test("munmap drops markers of every kind", () => {
      const { kernel, mm } = prepared(
        { 1: KIND_MARKER_UFFD_WP, 2: KIND_MARKER_GUARD },
        { backing: "shared", armed: true },
      );
      kernel.execute({ op: "munmap", addr: BASE, len: 2 * MIB });
      expect(kernel.vmpteKb()).toBe(0);
      expect(mm.rssShmem).toBe(0);
    });

    test("a hole punched into a file leaves private copies, truncation does not", () => {
      const kernel = createKernel({ features: featuresOf("sync"), image: "empty", explored });
      kernel.execute({ op: "mmap", addr: BASE, len: 2 * MIB, prot: "rw", backing: "file" });
      kernel.execute({ op: "touch", addr: BASE, len: 2 * MIB, access: "w" });
      kernel.execute({ op: "punch", addr: 0, len: 2 * MIB });
      expect(kernel.rssKb()).toBe(2048);
      kernel.execute({ op: "truncate", size: 0 });
      expect(kernel.rssKb()).toBe(0);
    });
  });

  describe("the two ways to reclaim", () => {
    test("fast: the lock was never dropped", () => {
      const { state, dontneed } = prepared({ 0: KIND_ZERO });
      dontneed();
      expect([state.stats.reclaimedFast, state.stats.reclaimedSlow]).toEqual([1, 0]);
    });

    test("slow: after a break every entry is looked at again", () => {
      const { state, mm, dontneed } = prepared({}, { reschedRate: 0.4, seed: 7 });
      const row = state.tables.child(pmdTable(state, mm, PAGE), 0);
      state.tables.fillPte(row, 0, 512, KIND_ZERO);
      dontneed();
      expect(state.stats.zapBreaksResched).toBeGreaterThan(0);
      expect([state.stats.reclaimedFast, state.stats.reclaimedSlow]).toEqual([0, 1]);
    });

    test("the recheck sees entries that were refilled", () => {
      for (const index of [0, 255, 511]) {
        const { state, mm, pmd } = prepared({ [index]: KIND_ZERO });
        const tlb = tlbGatherMmu(state, mm);
        if (explored) runAlone(state, tryToFreePte(state, tlb, pmd, 0, PAGE));
        else tryToFreePtePlainly(state, tlb, pmd, 0, PAGE);
        runAlone(state, tlbFinishMmu(state, tlb));
        expect(mm.ptes).toBe(1);
        expect(state.stats.declinedRefilled).toBe(1);
      }
    });

    test("a full gather breaks the loop: 8 + 19 x 510 slots, one of each batch kept free", () => {
      const { kernel, state } = prepared({}, { size: 64 * MIB });
      kernel.execute({ op: "touch", addr: BASE, len: 64 * MIB, access: "w" });
      kernel.execute({ op: "madvise", addr: BASE, len: 64 * MIB, advice: "dontneed" });
      // 16384 pages: full once, after 7 + 19 x 509 pages, in the middle of the table that is reclaimed the slow way.
      expect(state.stats.zapBreaksForced).toBe(1);
      expect([state.stats.reclaimedFast, state.stats.reclaimedSlow]).toEqual([31, 1]);
    });

    test("without patch 8 a break leaves the table", () => {
      const { state, mm, dontneed } = prepared({}, { reschedRate: 0.4, seed: 7, patches: patchesWithout("8") });
      const row = state.tables.child(pmdTable(state, mm, PAGE), 0);
      state.tables.fillPte(row, 0, 512, KIND_ZERO);
      dontneed();
      expect([mm.ptes, state.tables.count[row]]).toEqual([1, 0]);
    });
  });

  describe("why a table stays", () => {
    test("the range covers a part of it", () => {
      const { kernel, dontneed } = prepared({ 0: KIND_ZERO });
      dontneed(0, 2 * MIB - 4096);
      expect(kernel.declined()).toEqual({ below_pmd: 1, split_vma: 0, entry_kept: 0, refilled: 0, advice: 0 });
    });

    test("two VMAs share it", () => {
      const { kernel, dontneed } = prepared({ 0: KIND_ZERO });
      kernel.execute({ op: "mprotect", addr: BASE, len: MIB, prot: "r" });
      dontneed();
      expect(kernel.declined()).toEqual({ below_pmd: 0, split_vma: 1, entry_kept: 0, refilled: 0, advice: 0 });
    });

    test("an entry was kept", () => {
      const { kernel, dontneed } = prepared({ 9: KIND_MARKER_GUARD });
      dontneed();
      expect(kernel.declined().entry_kept).toBe(1);
    });

    test("advice that never reclaims", () => {
      const { kernel } = prepared({ 0: KIND_ZERO });
      kernel.execute({ op: "madvise", addr: BASE, len: 2 * MIB, advice: "free" });
      expect(kernel.declined()).toEqual({ below_pmd: 0, split_vma: 0, entry_kept: 0, refilled: 0, advice: 1 });
    });

    test("mode none declines nothing: there is nothing to decline", () => {
      const { kernel, dontneed } = prepared({ 0: KIND_ZERO }, { features: featuresOf("none") });
      dontneed(0, MIB);
      expect(Object.values(kernel.declined())).toEqual([0, 0, 0, 0, 0]);
    });
  });

  describe("statistics", () => {
    test("none entries are skipped in one go and counted", () => {
      const { state, dontneed } = prepared({ 100: KIND_ZERO, 400: KIND_ZERO });
      dontneed();
      expect([state.stats.noneSkipped, state.stats.entriesZapped]).toEqual([510, 2]);
    });

    test("the TLB is flushed page by page up to 33 pages", () => {
      const flushes = (pages: number) => {
        const { kernel, state, dontneed } = prepared({}, { features: featuresOf("none") });
        kernel.execute({ op: "touch", addr: BASE, len: pages * 4096, access: "w" });
        dontneed();
        return [state.stats.tlbFlushesPaged, state.stats.tlbFlushesFull, state.stats.tlbPagesFlushed];
      };
      expect(flushes(33)).toEqual([1, 0, 33]);
      expect(flushes(34)).toEqual([0, 1, 0]);
    });

    test("a freed table waits for a grace period", () => {
      const { kernel, state, dontneed } = prepared({ 0: KIND_ZERO });
      dontneed();
      expect([state.rcuPending, state.stats.tablesFreed]).toEqual([1, 0]);
      kernel.execute({ op: "tick", ms: 50 });
      expect([state.rcuPending, state.stats.tablesFreed]).toEqual([0, 1]);
    });

    test("without memory for a batch a table goes alone: by RCU with patch 10, else by IPI at once", () => {
      const alone = (options: Partial<KernelOptions>) => {
        const { state, dontneed } = prepared({ 0: KIND_ZERO }, { batchFailRate: 0.999999, ...options });
        dontneed();
        return [state.stats.tablesFreedSingly, state.stats.ipis, state.rcuPending, state.stats.tablesFreed];
      };
      expect(alone({})).toEqual([1, 0, 1, 0]);
      expect(alone({ patches: patchesWithout("10") })).toEqual([1, 1, 0, 1]);
    });

    test("tables go to RCU in batches of 509", () => {
      const { kernel, state } = prepared({}, { size: 1024 * MIB });
      kernel.execute({ op: "touch", addr: BASE, len: 1024 * MIB, access: "w", stride: 2 * MIB });
      kernel.execute({ op: "madvise", addr: BASE, len: 1024 * MIB, advice: "dontneed" });
      expect(kernel.reclaimedPteTables).toBe(512);
      expect(state.stats.tableBatches).toBe(2);
    });
  });

  test("munmap takes guard markers along: what is mapped there next is open", () => {
    const kernel = createKernel({ features: featuresOf("sync"), image: "empty", checked: true, explored });
    const first = { addr: BASE, len: 4096 };
    kernel.execute({ op: "mmap", addr: BASE, len: 2 * MIB, prot: "rw", backing: "anon" });
    // The table outlives the munmap.
    kernel.execute({ op: "touch", addr: BASE + MIB, len: 4096, access: "w" });
    kernel.execute({ op: "madvise", ...first, advice: "guard_install" });
    expect(kernel.execute({ op: "touch", ...first, access: "r" }).segv).toBe(1);
    kernel.execute({ op: "munmap", ...first });
    kernel.execute({ op: "mmap", ...first, prot: "rw", backing: "anon" });
    expect(kernel.execute({ op: "touch", ...first, access: "r" }).segv).toBe(0);
  });
});
