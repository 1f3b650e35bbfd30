import { describe, expect, test } from "vitest";
import { createKernel } from "../mm/kernel.ts";
import { blaming } from "../workload/blame.ts";
import type { Operation } from "../workload/operation.ts";
import { tallying } from "../workload/tally.ts";
import { ALLOCATORS, type Allocator, allocatorsOf } from "./allocator-settings.ts";
import type { Machine } from "./machine.ts";
import { featuresOf } from "./policies.ts";
import type { Releases } from "./releases.ts";
import { run } from "./run.ts";
import { parseSettings, shellWords } from "./trial.ts";
import type { RunSummary } from "./types.ts";
import { type JudgedExperiment, savedText, type Verdict, verdictOf, verdictOn } from "./verdict.ts";

const MIB = 2 ** 20;
const BASE = 2 ** 44;

async function drive(machine: Machine, operations: readonly Operation[]): Promise<RunSummary> {
  const stream = { kind: "operations", operations } as const;
  const running = run({ machine, stream, operationsTotal: operations.length, now: () => 0 });
  for (;;) {
    const step = await running.next();
    if (step.done) return step.value.summary;
  }
}

async function judge(
  operations: readonly Operation[],
  allocators: readonly Allocator[] = ["jemalloc"],
  told: (summary: RunSummary) => RunSummary = (summary) => summary,
): Promise<{ verdict: Verdict; tally: Releases }> {
  const kernel = createKernel({ features: featuresOf("sync") });
  const sync = told(await drive(tallying(blaming(kernel, { reclaims: true })), operations));
  const none = await drive(createKernel({ features: featuresOf("none") }), operations);
  const verdict = verdictOf(
    [
      { mode: "sync", summary: sync },
      { mode: "none", summary: none },
    ],
    "none",
    { allocators },
  );
  if (!verdict || !sync.releases) throw new Error("no verdict");
  return { tally: sync.releases, verdict };
}

const MAPPED: readonly Operation[] = [
  { op: "mmap", addr: BASE, len: 64 * MIB, prot: "rw", backing: "anon" },
  { op: "touch", addr: BASE, len: 64 * MIB, access: "w" },
];

function dontneed(from: number, len: number): Operation {
  return { op: "madvise", addr: BASE + from, len, advice: "dontneed" };
}

/** The outcomes that happened: calls and MiB. */
function happened(tally: Releases): Record<string, [number, number]> {
  const entries = Object.entries(tally.outcomes).filter(([, { calls, bytes }]) => calls + bytes > 0);
  return Object.fromEntries(entries.map(([name, { calls, bytes }]) => [name, [calls, bytes / MIB]]));
}

describe("tally", () => {
  test("every byte of a release is accounted for, by what it did", async () => {
    const { tally } = await judge([
      ...MAPPED,
      dontneed(0, 4 * MIB),
      dontneed(0, 2 * MIB),
      dontneed(5 * MIB, 6 * MIB),
      dontneed(13 * MIB, 2 * MIB),
      dontneed(20 * MIB, MIB),
      { op: "mprotect", addr: BASE + 30 * MIB, len: MIB, prot: "r" },
      dontneed(30 * MIB, 2 * MIB),
    ]);
    expect(happened(tally)).toEqual({
      reclaimed: [2, 8],
      nothing_there: [1, 2],
      unaligned: [1, 4],
      below_table: [1, 1],
      split_vma: [1, 2],
    });
    expect(tally.dontneed).toEqual({ calls: 6, bytes: 17 * MIB });
    expect(tally.sizes).toEqual({ up_to_64k: 0, below_2m: 1, below_4m: 3, larger: 2 });
  });

  test("MADV_FREE and munmap are counted apart", async () => {
    const { tally } = await judge([
      ...MAPPED,
      { op: "madvise", addr: BASE, len: 4 * MIB, advice: "free" },
      { op: "munmap", addr: BASE, len: 8 * MIB },
    ]);
    expect(tally.otherAdvice.free).toEqual({ calls: 1, bytes: 4 * MIB });
    expect(tally.munmap).toEqual({ calls: 1, bytes: 8 * MIB });
    expect(tally.dontneed.calls).toBe(0);
  });

  test("memory that is unmapped is counted by whatever call, and what was never touched is none", async () => {
    const unmapped = async (...operations: readonly Operation[]) => (await judge(operations)).tally.munmap;
    expect(await unmapped(...MAPPED, { ...MAPPED[0], len: 8 * MIB, prot: "none" } as Operation)).toEqual({
      calls: 1,
      bytes: 8 * MIB,
    });
    expect(await unmapped(...MAPPED, { op: "mremap", addr: BASE, len: 64 * MIB, newLen: 58 * MIB })).toEqual({
      calls: 1,
      bytes: 6 * MIB,
    });
    expect(await unmapped(MAPPED[0], { op: "munmap", addr: BASE, len: 64 * MIB })).toEqual({ calls: 0, bytes: 0 });
  });
});

test("what is saved is said as what it is: less, nothing, or more", () => {
  const saving = (baseline_kb: number, policy_kb: number) => ({
    baseline_kb,
    policy_kb,
    saved_kb: baseline_kb - policy_kb,
  });
  expect(savedText(saving(442, 101))).toBe("341 KiB (77.1 %)");
  expect(savedText(saving(8192, 8192))).toBe("nothing");
  expect(savedText(saving(65536, 73728))).toBe("8 MiB more (12.5 %)");
  expect(savedText(saving(0, 4))).toBe("4 KiB more");
});

describe("verdict", () => {
  test("whole tables given back: it helps, by how much", async () => {
    const { verdict } = await judge([...MAPPED, dontneed(0, 64 * MIB), ...Array<Operation>(8).fill(dontneed(0, 4096))]);
    expect(verdict.helps).toBe("yes");
    expect(verdict.headline).toMatch(
      /^Would help: on average VmPTE is [\d.]+ KiB instead of [\d.]+ KiB \([\d.]+ % less\)/,
    );
    expect(verdict.vmpte.end.saved_kb).toBe(32 * 4);
  });

  test("by the clock: a pause after the release counts for what it lasted, not for the operations that it had", async () => {
    const SECOND = 1e9;
    const pages: Operation[] = Array.from({ length: 64 * 256 }, (_, i) => ({
      op: "touch",
      addr: BASE + i * 4096,
      len: 4096,
      access: "w",
      at: 1000 * i,
    }));
    const idle: readonly Operation[] = [
      { ...MAPPED[0], at: 0 },
      ...pages,
      { op: "madvise", addr: BASE, len: 64 * MIB, advice: "dontneed", at: SECOND / 50 },
      { op: "tick", ms: 0, at: 8 * SECOND },
    ];
    const { verdict } = await judge(idle);
    expect(verdict.helps).toBe("yes");
    expect(verdict.program_ns).toBe(8 * SECOND);
    expect(verdict.steady).toMatchObject({ after_release: true });
    // Half a millisecond of work, then 32 tables fewer for nearly 8 s.
    expect(verdict.vmpte.average.saved_kb).toBe(Math.round((32 * 4 * 7.98) / 8));
    expect(verdict.vmpte.steady.saved_kb).toBe(32 * 4);
    const timeless = idle.map(({ at: _at, ...operation }) => operation as Operation);
    expect((await judge(timeless)).verdict.vmpte.average.saved_kb).toBe(0);
  });

  test("tables that are in use are the reason, where they are", async () => {
    const { verdict } = await judge([...MAPPED, dontneed(0, 2 * MIB), dontneed(MIB * 3, 65536)]);
    expect(verdict.helps).toBe("little");
    expect(verdict.headline).toContain("because its tables are in use: on average");
    expect(verdict.reasons).toEqual([]);
  });

  test("small pieces: would not help, and why, and what would", async () => {
    const pieces = Array.from({ length: 256 }, (_, i) => dontneed(i * 65536, 65536));
    const { verdict } = await judge([...MAPPED, ...pieces]);
    expect(verdict.helps).toBe("no");
    expect(verdict.headline).toContain(
      "because 100 % of what it releases by MADV_DONTNEED is in chunks smaller than the 2 MiB of a table",
    );
    expect(verdict.vmpte.end.saved_kb).toBe(0);
    expect(verdict.settings.length).toBeGreaterThan(0);
    for (const { allocator, obstacles, source } of verdict.settings) {
      expect(allocator).toBe("jemalloc");
      expect(obstacles).toContain("small_pieces");
      expect(source.reference).toMatch(/^https:/);
    }
  });

  test("a program that never gives back, unmaps, or uses MADV_FREE is told so", async () => {
    const hardly = "because the trace shows hardly any release of memory.";
    expect((await judge(MAPPED)).verdict.headline).toContain(hardly);
    const unmap = (len: number): Operation => ({ op: "munmap", addr: BASE, len });
    expect((await judge([...MAPPED, unmap(32 * MIB)])).verdict.headline).toContain("it unmaps");
    // As the loader of every program does, and memory that was never touched.
    for (const little of [
      [...MAPPED, unmap(65536)],
      [{ ...MAPPED[0], len: 128 * MIB } as Operation, MAPPED[1], { ...unmap(64 * MIB), addr: BASE + 64 * MIB }],
    ] as const) {
      const { verdict } = await judge(little);
      expect(verdict.headline).toContain(hardly);
      expect(verdict.reasons).toEqual([]);
    }
    // What most of the memory is released by is named, not what is called as well.
    const page: Operation = { op: "madvise", addr: BASE, len: 4096, advice: "free" };
    expect((await judge([...MAPPED, page, unmap(64 * MIB)])).verdict.headline).toContain("it unmaps");
    const shared: readonly Operation[] = [
      { op: "mmap", addr: BASE, len: 64 * MIB, prot: "rw", backing: "shared" },
      MAPPED[1],
      { op: "madvise", addr: BASE, len: 64 * MIB, advice: "remove" },
    ];
    expect((await judge(shared)).verdict.headline).toContain("MADV_REMOVE");
    // All but a page of each 2 MiB, unmapped, or replaced: the tables stay.
    const parts = Array.from({ length: 32 }, (_, i) => ({ addr: BASE + i * 2 * MIB, len: 2 * MIB - 4096 }));
    const few: readonly Operation[] = [
      MAPPED[0],
      { op: "touch", addr: BASE, len: 64 * MIB, access: "w", stride: 2 * MIB },
      // A thread's stack, as glibc gives it back.
      dontneed(63 * MIB, 65536),
    ];
    const unmapped = await judge([...few, ...parts.map((part): Operation => ({ op: "munmap", ...part }))]);
    expect(unmapped.verdict.headline).toContain(
      "because most of its empty tables were left by munmap: a table goes once nothing",
    );
    // A stored reason may be any text.
    const odd = ({ blame, ...rest }: RunSummary): RunSummary => ({
      ...rest,
      blame: { peak: [], end: (blame?.end ?? []).map((entry) => ({ ...entry, reason: "constructor" })) },
    });
    const munmaps = parts.map((part): Operation => ({ op: "munmap", ...part }));
    expect((await judge([...few, ...munmaps], ["jemalloc"], odd)).verdict.headline).not.toContain("were left by");
    const replaced = await judge([
      ...few,
      ...parts.map((part): Operation => ({ op: "mmap", ...part, prot: "none", backing: "anon" })),
    ]);
    expect(replaced.verdict.headline).toContain(
      "left by mappings put in the place of others (MAP_FIXED): a table goes",
    );
    const free: Operation = { op: "madvise", addr: BASE, len: 32 * MIB, advice: "free" };
    expect((await judge([...MAPPED, free])).verdict.headline).toContain("MADV_FREE");
  });

  test("glibc's settings are offered where the memory is of its heaps, not past them", async () => {
    const offered = async (operations: readonly Operation[]) => {
      const { verdict, tally } = await judge(operations, ["glibc"]);
      return [tally.heapBytes, verdict.settings.length, verdict.trial !== null, verdict.allocators];
    };
    const grown: readonly Operation[] = [
      { op: "brk", addr: BASE + 128 * 1024 },
      { op: "brk", addr: BASE + 64 * MIB },
      { op: "touch", addr: BASE + MIB, len: 60 * MIB, access: "w" },
    ];
    // A thread's arena: reserved at a multiple of 64 MiB, made accessible as it grows.
    const arena: readonly Operation[] = [
      { op: "mmap", addr: BASE, len: 128 * MIB, prot: "none", backing: "anon", flags: ["noreserve"] },
      { op: "mprotect", addr: BASE, len: MIB, prot: "rw" },
      { op: "mprotect", addr: BASE + MIB, len: 15 * MIB, prot: "rw" },
      { op: "touch", addr: BASE, len: 16 * MIB, access: "w" },
    ];
    const before: Operation = {
      op: "snapshot",
      addr: BASE + 256 * MIB,
      len: MIB,
      prot: "rw",
      backing: "anon",
      pages: [],
      empty: [],
    };
    expect(await offered(MAPPED)).toEqual([0, 0, false, ["glibc"]]);
    expect(await offered([...MAPPED, { op: "mprotect", addr: BASE + MIB, len: 32 * MIB, prot: "rw" }])).toEqual([
      0,
      0,
      false,
      ["glibc"],
    ]);
    expect(await offered(grown)).toEqual([64 * MIB - 128 * 1024, 1, true, ["glibc"]]);
    expect(await offered(arena)).toEqual([16 * MIB, 1, true, ["glibc"]]);
    // Started by another program (env, nice, a shell), whose break was elsewhere.
    const started: readonly Operation[] = [
      { op: "brk", addr: BASE - 512 * MIB },
      { op: "brk", addr: BASE - 511 * MIB },
      { op: "exec", process: 0, image: true },
      { op: "brk", addr: BASE - 256 * MIB },
      { op: "brk", addr: BASE - 255 * MIB },
    ];
    expect(await offered([...started, ...MAPPED])).toEqual([2 * MIB, 0, false, ["glibc"]]);
    // What it had before it was recorded is not known.
    expect(await offered([before, ...MAPPED])).toEqual([null, 1, true, ["glibc"]]);
  });

  test("the command of a trial can be typed: values with blanks are quoted", async () => {
    for (const allocator of ALLOCATORS) {
      const { trial } = (await judge(MAPPED, [allocator])).verdict;
      if (trial === null) continue;
      const words = shellWords(trial.command) ?? [];
      const given = words.flatMap((word, at) => (words[at - 1] === "--setting" ? [word] : []));
      expect(parseSettings(given)).toEqual(trial.settings);
    }
  });

  test("a release that begins at a table and ends inside one is not said to begin inside", async () => {
    const each = (from: number, len: number) => Array.from({ length: 16 }, (_, i) => dontneed(i * 4 * MIB + from, len));
    const { verdict } = await judge([...MAPPED, ...each(0, 3 * MIB), ...each(3 * MIB, MIB)]);
    expect(verdict.reasons.join()).toContain(
      "outside whole, aligned 2 MiB: the chunks are long enough but begin or end",
    );
  });

  test("allocators are recognised by their names", () => {
    expect(allocatorsOf(["libc.so.6", "libjemalloc.so.2", "[stack]"])).toEqual(["jemalloc"]);
    expect(allocatorsOf(["libc.so.6"])).toEqual(["glibc"]);
    expect(allocatorsOf([])).toEqual([]);
  });

  test("an experiment is judged where it is a program's and both modes of the model are done", async () => {
    const operations = [...MAPPED, dontneed(0, 64 * MIB)];
    const sync = await drive(tallying(createKernel({ features: featuresOf("sync") })), operations);
    const none = await drive(createKernel({ features: featuresOf("none") }), operations);
    const run = (mode: "sync" | "none", summary: RunSummary) =>
      ({ source: "model", mode, status: "done", summary }) as const;
    const traced: JudgedExperiment = {
      workloadKind: "file",
      params: { allocators: "jemalloc,unheard-of" },
      runs: [run("sync", sync), run("none", none)],
    };
    const pair = [
      { mode: "sync", summary: sync },
      { mode: "none", summary: none },
    ] as const;
    expect(verdictOn(traced)).toEqual(verdictOf(pair, "none", { allocators: ["jemalloc"] }));
    const hidden = verdictOn({ ...traced, params: { ...traced.params, hidden_calls: "process_madvise 18" } });
    expect(hidden?.reasons.at(-1)).toContain("calls on memory that a trace does not name (process_madvise 18)");
    const beside = verdictOn({ ...traced, params: { ...traced.params, of_processes: 47, share_of_events: 0.37 } });
    expect(beside?.reasons.at(-1)).toMatch(/^This is one process of 47, with 37\.0 % of their events: .*\(--service\)/);
    const light = verdictOn({ ...traced, params: { ...traced.params, light: true } });
    expect(light?.headline).toMatch(
      /^Would help \(an estimate, rather too high\): averaged|^Would help \(an estimate, rather too high\): on average/,
    );
    expect(light?.reasons.at(-1)).toMatch(/^Recorded without page faults, so the saving is an estimate/);
    expect(verdictOn({ ...traced, workloadKind: "preset" })).toBeNull();
    expect(verdictOn({ ...traced, runs: traced.runs.slice(0, 1) })).toBeNull();
    const cancelled = { ...run("none", none), status: "cancelled" } as const;
    expect(verdictOn({ ...traced, runs: [run("sync", sync), cancelled] })).toBeNull();
  });

  test("runs that counted nothing have no verdict", async () => {
    const none = await drive(createKernel({ features: featuresOf("none") }), MAPPED);
    const run = { mode: "none", summary: none } as const;
    expect(verdictOf([{ ...run, mode: "sync" }, run], "none")).toBeNull();
  });
});
