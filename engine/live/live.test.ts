import { describe, expect, it } from "vitest";
import { processDocument, serviceDocument, topDocument } from "./document.ts";
import { FILE_FLAG, type Look, type Mapping, type Runs, type Seen, STATE } from "./look.ts";
import { mappingsByName, mappingsOf, nameOf } from "./mappings.ts";
import { sharingOf } from "./shared.ts";
import { CAUSES, splitOf, totalOf } from "./split.ts";
import { tablesOf } from "./tables.ts";
import { causesOf, verdictOn } from "./verdict.ts";
import type { VerdictInput } from "./verdict-input.ts";

const MIB = 2 ** 20;
const FULL_FILE = STATE.full | FILE_FLAG;

type Row = readonly [window: number, windows: number, state: number, mapping: number];

function runsOf(rows: readonly Row[]): Runs {
  return {
    length: rows.length,
    window: Float64Array.from(rows, ([window]) => window),
    windows: Uint32Array.from(rows, ([, windows]) => windows),
    state: Uint8Array.from(rows, ([, , state]) => state),
    mapping: Uint32Array.from(rows, ([, , , mapping]) => mapping),
  };
}

const seen = (tables: number, rssKb = 100_000): Seen => ({
  vmpteKb: tables * 4,
  rssKb,
  virtKb: 10 * rssKb,
  swapKb: 0,
  minorFaults: 1,
});

const mapping = (start: number, end: number, more: Partial<Mapping> = {}): Mapping => ({
  start,
  end,
  permissions: "rw-p",
  offset: 0,
  file: null,
  name: "",
  ...more,
});

function lookOf(tables: number, passes: readonly (readonly Row[])[], more: Partial<Look> = {}): Look {
  return {
    pid: 10,
    name: "program",
    before: seen(tables),
    passes: passes.map((rows) => ({
      runs: runsOf(rows),
      mappings: new Map([[0, mapping(0, 2 ** 40)]]),
      gibSpans: 1024,
      halfTibSpans: 2,
      after: seen(tables),
    })),
    still: true,
    means: "exact",
    stride: 1,
    tookMs: 1,
    ...more,
  };
}

describe("the equation", () => {
  it("counts tables by what is in them, and the upper ones that they prove", () => {
    const look = lookOf(10 + 20 + 5 + 2 + 3 + 1 + 3, [
      [
        [0, 10, STATE.sparse, 0],
        [10, 20, STATE.partly, 0],
        [512, 5, STATE.full, 0],
        [600, 2, STATE.pinned, 0],
        [700, 3, STATE.deposited, 0],
        [900, 7, STATE.huge, 0],
        [1000, 1, STATE.empty, 0],
      ],
    ]);
    expect(tablesOf(look)).toEqual({
      upper: { min: 3, max: 3 },
      in_use: 35,
      sparse: 10,
      deposited: 3,
      pinned: 2,
      shared: 0,
      empty: { min: 1, estimate: 1, max: 1 },
    });
  });

  it("takes what nothing explains for upper tables at least and empty ones at most", () => {
    const { empty, upper } = tablesOf(lookOf(1 + 2 + 4, [[[0, 1, STATE.full, 0]]]));
    expect(empty).toEqual({ min: 0, estimate: 0, max: 4 });
    expect(upper).toEqual({ min: 2, max: 6 });
  });

  it("gives bounds and an estimate where time has to tell", () => {
    const rows: Row[] = [
      [0, 1, STATE.full, 0],
      [1, 30, STATE.maybe_empty, 0],
    ];
    const { empty } = tablesOf(lookOf(1 + 2 + 90, [rows], { means: "timed", stride: 3 }));
    expect(empty).toEqual({ min: 0, estimate: 90, max: 90 });
    expect(tablesOf(lookOf(1 + 2 + 40, [rows], { means: "timed", stride: 3 })).empty.estimate).toBe(40);
  });

  it("of a process that moved, counts for the bounds what was the same in every pass", () => {
    const { empty } = tablesOf(
      lookOf(
        2 + 40,
        [
          [[0, 30, STATE.empty, 0]],
          [
            [0, 20, STATE.empty, 0],
            [20, 10, STATE.full, 0],
          ],
        ],
        { still: false },
      ),
    );
    expect(empty).toEqual({ min: 20, estimate: 20, max: 40 });
  });

  it("does not ask a PMD table for a GiB that may be one page", () => {
    expect(tablesOf(lookOf(1, [[[512, 512, STATE.huge, 0]]])).upper.min).toBe(1);
    expect(tablesOf(lookOf(2, [[[512, 4, STATE.huge, 0]]])).upper.min).toBe(2);
  });
});

describe("mappings", () => {
  it("are named after what they are for, where that can be seen", () => {
    const heap = mapping(64 * MIB * 1000, 64 * MIB * 1000 + 4 * MIB);
    const rest = mapping(heap.end, heap.start + 64 * MIB, { permissions: "---p" });
    expect(nameOf(heap, rest)).toBe("[anonymous: glibc arena]");
    expect(nameOf(heap, mapping(rest.start, rest.end))).toBe("[anonymous]");
    expect(nameOf(heap, undefined)).toBe("[anonymous]");
    expect(nameOf(mapping(0xc000000000, 0xc000400000), undefined)).toBe("[anonymous: Go heap]");
    expect(nameOf(mapping(0, 1, { name: "[heap]" }), undefined)).toBe("[heap]");
  });

  it("hold each table once", () => {
    const look = lookOf(20, [
      [
        [0, 3, STATE.empty, 0],
        [3, 2, STATE.sparse, 0],
        [5, 1, STATE.huge, 0],
        [6, 1, STATE.unseen, 0],
      ],
    ]);
    const rows = mappingsOf(look);
    expect(rows).toEqual([
      { start: 0, end: 2 ** 40, name: "[anonymous]", in_use: 3, sparse: 2, deposited: 0, pinned: 0, empty: 3 },
    ]);
    expect(mappingsByName([...rows, ...rows])[0]).toMatchObject({ mappings: 2, in_use: 6, empty: 6 });
  });
});

const buffer = (start: number): Mapping =>
  mapping(start, start + 1024 * MIB, { permissions: "rw-s", file: "0:1:7", name: "/dev/zero (deleted)" });

/** `windows` tables of a shared buffer, mapped at window `at`. */
function sharer(pid: number, at: number, windows: number): Look {
  const look = lookOf(windows + 3, [[[at, windows, FULL_FILE, 0]]], { pid, name: "postgres" });
  return { ...look, passes: look.passes.map((pass) => ({ ...pass, mappings: new Map([[0, buffer(at * 2 * MIB)]]) })) };
}

describe("shared mappings", () => {
  it("count for each process, and one copy and 2 MiB pages are told", () => {
    const { files, byPid } = sharingOf([sharer(1, 5120, 512), sharer(2, 5120, 512), sharer(3, 10240, 256)]);
    expect(files).toEqual([
      {
        file: "/dev/zero (deleted)",
        processes: 3,
        tables: 1280,
        kb: 5120,
        one_copy_kb: 2048,
        huge_kb: 12,
      },
    ]);
    expect([byPid.get(1), byPid.get(2), byPid.get(3)]).toEqual([512, 512, 256]);
  });

  it("are none where each process maps another part, or is alone", () => {
    expect(sharingOf([sharer(1, 5120, 512)]).files).toEqual([]);
    const other = sharer(2, 5120, 512);
    const elsewhere: Look = {
      ...other,
      passes: other.passes.map((pass) => ({
        ...pass,
        mappings: new Map([[0, { ...buffer(5120 * 2 * MIB), offset: 2 ** 30 }]]),
      })),
    };
    expect(sharingOf([sharer(1, 5120, 512), elsewhere]).files).toEqual([]);
  });
});

describe("documents", () => {
  const around = { kernel: "6.18", reclaims: true, cgroupOf: () => null, nowMs: 90_000_000, startedMs: () => 0 };

  it("split VmPTE into parts that add up to it", () => {
    const document = processDocument(sharer(1, 5120, 512), [sharer(2, 5120, 512)], around);
    expect(totalOf(document.split)).toBe(document.vmpte_kb);
    expect(document.split.shared).toBe(2048);
    const service = serviceDocument([sharer(1, 5120, 512), sharer(2, 5120, 512)], [], around, {
      asked: "--name x",
      cgroup: null,
    });
    expect(totalOf(service.total.split)).toBe(service.total.vmpte_kb);
    expect(service.total.tables.shared).toBe(1024);
    expect(service.total.verdict.sentences.join(" ")).toContain("PostgreSQL: huge_pages = on");
  });

  it("a top list has the largest first, and counts who may not be looked at", () => {
    const denied = { pid: 3, why: "denied", before: seen(25) } as const;
    const gone = { pid: 4, why: "gone", before: null } as const;
    const top = topDocument([sharer(1, 5120, 10), sharer(2, 5120, 20), denied, gone], 1000, 5);
    expect(top.processes.map(({ pid }) => pid)).toEqual([2, 1]);
    expect(top).toMatchObject({ explained_kb: 144, page_tables_kb: 1000, not_readable: 1, not_readable_kb: 100 });
    expect(totalOf(top.split)).toBe(144);
    expect(top.services).toMatchObject([{ name: "postgres", pids: [2, 1], vmpte_kb: 144, rss_once_kb: 200_000 }]);
    expect(top.services[0]?.split).toEqual(top.split);
  });

  it("no part is negative, also where a count is of another moment", () => {
    const tables = tablesOf(lookOf(1, [[[0, 10, STATE.full, 0]]]));
    const split = splitOf(4, tables);
    for (const cause of CAUSES) expect(split[cause]).toBeGreaterThanOrEqual(0);
    expect(tables.empty).toEqual({ min: 0, estimate: 0, max: 0 });
  });
});

describe("the verdict", () => {
  const none = { needed: 0, sparse: 0, shared: 0, deposited: 0, pinned: 0, upper: 0, empty: 0 };
  const input = (more: Partial<VerdictInput>): VerdictInput => ({
    name: "program",
    pid: 7,
    asked: "7",
    processes: 1,
    upMs: null,
    allocators: [],
    split: none,
    empty: { minKb: 0, maxKb: 0 },
    rssKb: 1_000_000,
    rssOnceKb: more.rssKb ?? 1_000_000,
    shared: [],
    cgroup: null,
    reclaims: false,
    moving: false,
    ...more,
  });
  const said = (more: Partial<VerdictInput>): string => verdictOn(input(more)).sentences.join(" ");

  it("says whether page tables are a problem by their size and share", () => {
    expect(verdictOn(input({ split: { ...none, needed: 2000 } })).problem).toBe("no");
    expect(verdictOn(input({ split: { ...none, needed: 20_000 } })).problem).toBe("little");
    const large = verdictOn(
      input({ split: { ...none, empty: 190_000, needed: 2000 }, empty: { minKb: 190_000, maxKb: 190_000 } }),
    );
    expect(large.problem).toBe("yes");
    expect(large.sentences[0]).toBe(
      "A problem: its page tables are 187.5 MiB, 19.2 % of RSS (976.6 MiB); full tables for that much memory would be 1.91 MiB.",
    );
    expect(large.next).toEqual([
      "reclaim-lab inspect 7 --watch --keep",
      "reclaim-lab capture --pid 7 --stacks --seconds 60",
    ]);
  });

  it("says what reclaim would have done by what the kernel does", () => {
    const empty = { split: { ...none, empty: 100_000 }, empty: { minKb: 90_000, maxKb: 110_000 } };
    expect(said(empty)).toContain("Linux 6.14 or later with CONFIG_PT_RECLAIM would have freed at most that much");
    expect(said(empty)).toContain("between 87.9 MiB and 107.4 MiB");
    const here = { ...empty, reclaims: true };
    expect(said(here)).toContain("This kernel reclaims a table when one MADV_DONTNEED covers its 2 MiB in one mapping");
    // 2 MiB at a time, between tables, or all at once over two mappings, empties tables as well.
    const { sentences, remedies } = verdictOn(input(here));
    const advice = causesOf(input(here)).map((row) => row.advice);
    for (const text of [...sentences, ...remedies.map(({ note }) => note), ...advice])
      expect(text).not.toMatch(/below 2 MiB|smaller releases|covers completely/);
  });

  it("counts what the processes of a service share once", () => {
    const split = { ...none, shared: 100_000 };
    const shared = { processes: 50, pid: null, split, rssKb: 50_000_000 };
    expect(verdictOn(input({ ...shared, rssOnceKb: 1_200_000 })).problem).toBe("yes");
    expect(said({ ...shared, rssOnceKb: 1_200_000 })).toContain(
      "the page tables of 50 processes are 97.7 MiB, 8.3 % of their memory (1.14 GiB with what they share counted once)",
    );
  });

  it("tells what would change it, by how much at most, and who says so", () => {
    const shared = [
      { file: "/dev/zero (deleted)", processes: 50, tables: 20_000, kb: 80_000, one_copy_kb: 1600, huge_kb: 200 },
      { file: "/usr/lib/libx.so", processes: 50, tables: 100, kb: 400, one_copy_kb: 8, huge_kb: 200 },
    ];
    const split = { ...none, shared: 80_400, empty: 5000, needed: 3000 };
    const rows = (more: Partial<VerdictInput>) =>
      verdictOn(input({ pid: null, processes: 50, name: "postgres", split, shared, ...more })).remedies;
    const gain = (more: Partial<VerdictInput>) => Object.fromEntries(rows(more).map(({ what, kb }) => [what, kb]));
    expect(gain({})).toEqual({
      "Linux 6.14 with PT_RECLAIM": 5000,
      "A restart": 5000,
      "2 MiB pages for shared memory": 79_800,
      "Threads instead of processes": 78_400 + 392,
      "hugetlb pages for its own memory": 3000,
    });
    const huge = rows({}).find(({ what }) => what.startsWith("2 MiB"));
    expect(huge?.note).toContain("huge_pages = on");
    expect(huge?.source).toContain("postgresql.org");
    // Another program's is the kernel's setting; libraries alone are not worth one.
    expect(rows({ name: "other" }).find(({ what }) => what.startsWith("2 MiB"))?.source).toContain("docs.kernel.org");
    expect(gain({ shared: shared.slice(1) })["2 MiB pages for shared memory"]).toBe(0);
    expect(gain({ reclaims: true })["Reclaim by the kernel"]).toBe(0);
    // The allocator's settings are for tables that are empty or scattered.
    const setting = "MALLOC_CONF=background_thread:true";
    expect(setting in gain({ allocators: ["jemalloc"] })).toBe(false);
    expect(gain({ allocators: ["jemalloc"], split: { ...split, sparse: 50_000 } })[setting]).toBeNull();
    // Of one process alone, libraries say nothing of threads.
    expect("Threads instead of processes" in gain({ pid: 7, processes: 1, shared: shared.slice(1) })).toBe(false);
    expect(rows({ upMs: 19 * 86_400_000 })[1]?.note).toContain("The oldest has run for 19 days.");
    // What does nothing comes last.
    const kb = rows({ reclaims: true, split: { ...split, empty: 0 } }).map((row) => row.kb);
    expect(kb.indexOf(0)).toBe(kb.findLastIndex((each) => each !== 0) + 1);
  });

  it("weighs the control group's limit", () => {
    const cgroup = { path: "/x", pageTablesKb: 80_000, currentKb: 900_000, maxKb: 1_000_000, roomKb: 100_000 };
    const verdict = verdictOn(input({ split: { ...none, needed: 70_000 }, rssKb: 10_000_000, cgroup }));
    expect(verdict.problem).toBe("yes");
    expect(verdict.sentences[1]).toContain("its limit is 976.6 MiB");
  });
});
