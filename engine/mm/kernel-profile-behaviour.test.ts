/** What each field of a kernel profile changes: the same script under the reference and under a profile that differs in it. */
import { describe, expect, test } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import { Conformance } from "../workload/conform.ts";
import { checkInvariants } from "./invariants.ts";
import { createKernel } from "./kernel.ts";
import type { KernelProfile } from "./kernel-profile.ts";

interface Answers {
  readonly kb: number[];
  readonly status: string[];
  readonly rssKb: number;
}

function answers(lines: readonly string[], profile: Partial<KernelProfile>, mode: "sync" | "none" = "none"): Answers {
  const conformance = new Conformance(mode, { profile, checked: true });
  const all = lines.map((line) => {
    const answer = conformance.perform(line, line);
    checkInvariants(conformance.kernel.state);
    return answer;
  });
  return {
    kb: all.map(({ deltaKb }) => deltaKb),
    status: all.map(({ status }) => status),
    rssKb: conformance.kernel.rssKb(),
  };
}

/** The statuses under the reference, and under it with `profile`'s fields. */
function statuses(lines: readonly string[], profile: Partial<KernelProfile>): [string[], string[]] {
  return [answers(lines, {}).status, answers(lines, profile).status];
}

describe("zero pages", () => {
  const noZeroPage = { zeroPage: false, hugeZeroPage: false };

  test("without one a read has a page, and its mapping an anon_vma", () => {
    const lines = ["map 4M 2M ro", "touch 4M 64K r", "fork"];
    expect(answers(lines, {})).toMatchObject({ status: ["ok", "ok", "child=0"], rssKb: 0 });
    expect(answers(lines, noZeroPage)).toMatchObject({ status: ["ok", "ok", "child=12"], rssKb: 64 });
  });

  test.each(["populate_read 4M 1M", "mlock 4M 1M"])("%s of read-only memory too", (line) => {
    expect(answers(["map 4M 2M ro", line], noZeroPage).rssKb).toBe(1024);
    expect(answers(["map 4M 2M ro", line], {}).rssKb).toBe(0);
  });

  test("a page that was read is the mapping's own: a write after mprotect takes no other", () => {
    const lines = ["map 4M 2M ro", "touch 4M 4K r", "protect 4M 2M rw", "touch 4M 4K w"];
    expect(answers(lines, noZeroPage).rssKb).toBe(4);
  });

  test("a read of huge memory has a huge page", () => {
    expect(answers(["map 4M 2M hugepage", "touch 4M 4K r"], noZeroPage).rssKb).toBe(2048);
    expect(answers(["map 4M 2M hugepage", "touch 4M 4K r"], {}).rssKb).toBe(0);
  });

  test("a write to the huge zero page makes a huge page of it, or small ones", () => {
    const lines = ["map 4M 2M hugepage", "touch 4M 4K r", "touch 4M 4K w", "dontneed 4M 2M"];
    expect(answers(lines, {}).kb).toEqual([0, 12, 12, 8]);
    expect(answers(lines, { hugeZeroWrite: "split" }).kb).toEqual([0, 12, 12, 12]);
    expect(answers(lines.slice(0, 3), {}).rssKb).toBe(2048);
    expect(answers(lines.slice(0, 3), { hugeZeroWrite: "split" }).rssKb).toBe(4);
  });
});

describe("guard pages", () => {
  const lines = ["map 4M 2M", "guard_install 4M 4K", "map 8M 2M shared", "guard_install 8M 4K", "guard_remove 8M 4K"];

  test("for anonymous memory only", () => {
    const [reference, changed] = statuses(lines, { guardFile: false });
    expect(reference).toEqual(["ok", "ok", "ok", "ok", "ok"]);
    expect(changed).toEqual(["ok", "ok", "ok", "EINVAL", "EINVAL"]);
  });

  test("not at all: no such advice, not even for nothing", () => {
    const profile = { guardAnon: false, guardFile: false };
    expect(answers([...lines, "guard_install 4M 0", "guard_install 64M 4K"], profile).status.slice(1)).toEqual([
      ...["EINVAL", "ok", "EINVAL", "EINVAL", "EINVAL", "EINVAL"],
    ]);
  });

  test("marked by an anon_vma they keep mappings of a file apart", () => {
    const file = ["map 4M 2M file", "guard_install 4M 4K", "map 8M 2M file", "guard_install 8M 4K", "map 6M 2M file"];
    const [reference, changed] = statuses([...file, "vmas", "fork"], { guardMark: "anon_vma" });
    expect(reference.slice(5)).toEqual(["vmas=1", "child=16"]);
    expect(changed.slice(5)).toEqual(["vmas=2", "child=16"]);
  });
});

describe("system calls", () => {
  test("process_madvise on oneself", () => {
    const lines = ["map 4M 4M", "touch 4M 4M", "pdontneed 4M 2M"];
    expect(statuses(lines, { processMadviseSelf: false }).map((each) => each[2])).toEqual(["ok=2097152", "EINVAL"]);
  });

  test("mremap of several mappings, refused before or after the destination is unmapped", () => {
    const lines = ["map 4M 2M", "map 6M 2M ro", "map 16M 4M", "touch 16M 4M", "mremap 4M 4M 16M", "vmas"];
    const late = { mremapSeveral: false, mremapChecksFirst: false };
    expect(answers(lines, {}).status.slice(4)).toEqual(["ok", "vmas=2"]);
    expect(answers(lines, { mremapSeveral: false }).status.slice(4)).toEqual(["EFAULT", "vmas=3"]);
    expect(answers(lines, late).status.slice(4)).toEqual(["EFAULT", "vmas=2"]);
    // The PMD table stays for the sources.
    expect(answers(lines, late).kb).toEqual([0, 0, 0, 16, 8, 8]);
  });

  test("mremap that shrinks and is refused has cut off what was beyond", () => {
    const lines = ["map 4M 1M", "map 5M 1M ro", "map 6M 2M", "touch 6M 2M", "mremap 4M 4M 16M 2M", "vmas"];
    expect(answers(lines, {}).status.slice(4)).toEqual(["EFAULT", "vmas=3"]);
    expect(answers(lines, { mremapSeveral: false, mremapChecksFirst: false }).status.slice(4)).toEqual([
      ...["EFAULT", "vmas=2"],
    ]);
  });

  test("a mapping that has pages does not merge with one that has none", () => {
    const lines = ["map 4M 2M", "touch 4M 4K", "mremap 4M 2M 8M", "unmap 8M 0", "map 2M 2M", "mremap 8M 2M 4M", "vmas"];
    const [reference, changed] = statuses(lines, { mergesUnfaulted: false });
    expect([reference.at(-1), changed.at(-1)]).toEqual(["vmas=1", "vmas=2"]);
  });

  test("MREMAP_DONTUNMAP of a part of locked memory, and beside itself", () => {
    const locked = ["map 4M 2M", "mlock 4M 2M", "mremap_du 5M 4K 16M", "vmas", "dontneed 4M 4K", "dontneed 5M 4K"];
    expect(answers(locked, {}).status.slice(3)).toEqual(["vmas=2", "ok", "ok"]);
    expect(answers(locked, { dontUnmapApart: true }).status.slice(3)).toEqual(["vmas=4", "EINVAL", "ok"]);
    const beside = ["map 16M 4K", "mremap_du 16M 4K 16388K", "vmas", "map 4M 4K", "mremap_du 16M 4K 4100K", "vmas"];
    expect(answers(beside, {}).status).toEqual(["ok", "ok", "vmas=1", "ok", "ok", "vmas=2"]);
    expect(answers(beside, { dontUnmapApart: true }).status).toEqual(["ok", "ok", "vmas=2", "ok", "ok", "vmas=3"]);
    // Between its source and another mapping, on either side: 6.18.44, 6.12.117 and 6.1.0-56.
    for (const from of ["16M", "16392K"]) {
      const between = ["map 16M 4K", "map 16392K 4K", `mremap_du ${from} 4K 16388K`, "vmas"];
      const vmas = (changes: Partial<KernelProfile>) => answers(between, changes).status.at(-1);
      expect(vmas({})).toBe("vmas=1");
      expect(vmas({ dontUnmapApart: true })).toBe("vmas=2");
      expect(vmas({ dontUnmapApart: true, dontUnmapAlone: true })).toBe("vmas=3");
    }
    // Where it would not merge with its source, that stands in no way: 6.1.0-57 and 6.12.117, both scripts.
    const apart = ["map 2M 4K", "map 16M 4K", "mremap_du 16M 4K 2052K", "vmas"];
    const pages = ["map 16M 8K", "touch 16M 8K", "mremap 16388K 4K 16392K", "mremap_du 16M 4K 16388K", "vmas"];
    for (const lines of [apart, pages])
      expect(answers(lines, { dontUnmapApart: true, dontUnmapAlone: true }).status.at(-1)).toBe("vmas=2");
  });

  test("MADV_COLLAPSE over memory of which the beginning was not touched", () => {
    // As 6.18.44, 6.12.117 and 6.1.0-57 answer: the second 2 MiB stays as it was. In another GiB, without a PMD table, the first is passed over.
    const under = ["map 4M 4M", "touch 7M 4K", "collapse 4M 4M", "dontneed 4M 4M"];
    const beyond = ["map 1022M 6M", "touch 1025M 4K", "collapse 1022M 6M", "dontneed 1022M 6M"];
    for (const lines of [under, beyond]) {
      const ended = lines === under ? 12 : 8;
      expect(answers(lines, {})).toMatchObject({ status: ["ok", "ok", "EINVAL", "ok"], kb: [0, 12, 12, ended] });
      expect(answers(lines, { collapseSkipsNone: true }).kb).toEqual([0, 12, 12, 8]);
    }
  });

  test("MADV_COLLAPSE of a cached file where there is no PMD table", () => {
    // As 6.18.44, and as 6.12.117 answers: there the other mapping's table is gone too, and the answer is EINVAL.
    const lines = ["map 1022M 2M sharedfile", "mremap 1022M 0 2078M 2M", "touch 2078M 2M", "collapse 1022M 2M"];
    const [reference, changed] = [answers(lines, {}), answers(lines, { collapseMakesPmd: false })];
    expect([reference.status.at(-1), changed.status.at(-1)]).toEqual(["ok", "EINVAL"]);
  });

  test("a huge page of shared memory that is paged out without swap", () => {
    // As 6.18.44 and 6.12.117, and as 6.1.0-57 answer; there the second 2 MiB, of which a part is paged out, splits as everywhere.
    const lines = ["map 2M 4M shared populate", "collapse 2M 4M", "pageout 2M 3M", "touch 2M 4K", "touch 4M 4K"];
    expect(answers(lines, {}).kb).toEqual([16, 8, 8, 8, 12]);
    expect(answers(lines, { pageoutKeepsHuge: false }).kb).toEqual([16, 8, 8, 12, 16]);
    // With swap it goes there, on either.
    const swapped = answers(lines, { swap: true }).kb;
    expect(answers(lines, { pageoutKeepsHuge: false, swap: true }).kb).toEqual(swapped);
  });

  test("MADV_NOHUGEPAGE where the file has a huge page", () => {
    // As 6.18.44 and 6.12.117, and as 6.1.0-57 answer.
    const lines = [
      "map 2M 2M shared populate",
      "collapse 2M 2M",
      "nohugepage 2M 2M",
      "dontneed 2M 2M",
      "touch 2M 4K r",
    ];
    expect(answers(lines, {}).kb).toEqual([12, 8, 8, 8, 12]);
    expect(answers(lines, { noHugePageFaultsSmall: false }).kb).toEqual([12, 8, 8, 8, 8]);
  });

  test("a fault where a huge page of a file is mapped by small entries", () => {
    // As 6.18.44 and 6.12.117 answer: MADV_COLD of all that is mapped of it leaves a huge page whole, of a part splits it.
    const before = ["map 2M 2M sharedfile populate", "collapse 2M 2M", "nohugepage 2M 2M", "dontneed 2M 2M"];
    const after = ["unmap 2M 2M", "map 2M 2M sharedfile", "touch 2M 4K r"];
    const staysHuge = (faultMapsFolio: KernelProfile["faultMapsFolio"], ...lines: string[]): boolean =>
      answers([...before, ...lines, ...after], { faultMapsFolio }).kb.at(-1) === 8;
    const of = (...lines: string[]) => (["any", "write", "none"] as const).map((each) => staysHuge(each, ...lines));
    expect(of("touch 2M 4K r", "cold 2M 2M")).toEqual([true, false, false]);
    expect(of("touch 2M 4K w", "cold 2M 2M")).toEqual([true, true, false]);
    expect(of("touch 2M 4K r", "touch 3M 4K w", "cold 2M 2M")).toEqual([true, false, false]);
    expect(of("touch 2M 4K r", "dontneed 2M 1M", "touch 2M 4K r", "cold 2M 2M")).toEqual([true, false, false]);
    expect(of("touch 2M 4K w", "dontneed 2M 1M", "touch 2M 4K w", "cold 2M 2M")).toEqual([false, false, false]);
    expect(of("touch 2M 4K r", "cold 3M 4K")).toEqual([false, true, true]);
    expect(of("touch 2M 4K w", "cold 3M 4K")).toEqual([false, false, true]);
    expect(of("unmap 3M 1M", "touch 2M 4K r", "cold 2560K 4K")).toEqual([true, true, true]);
  });

  test("a userfaultfd and memory of another one", () => {
    // As 6.18.44, and as 6.12.117 and 6.1.0-56 answer.
    const lines = ["map 10M 4M", "uffdwp 10M 2M reg", "uffdmode sync", "uffdwp 10M 1M off", "vmas"];
    const [reference, changed] = statuses(lines, { uffdOwnOnly: false });
    expect([reference.slice(3), changed.slice(3)]).toEqual([
      ["EINVAL", "vmas=2"],
      ["ok", "vmas=3"],
    ]);
  });

  test("memory that was writable for a while", () => {
    // As 6.18.44 and 6.12.117, and as 6.1.0-56 answer.
    const lines = ["map 4M 4M ro reserve", "protect 6M 2M rw", "protect 5M 3M r", "vmas"];
    const [reference, changed] = statuses(lines, { protectUncharges: false });
    expect([reference.at(-1), changed.at(-1)]).toEqual(["vmas=1", "vmas=2"]);
    // With pages it stays charged on any of them.
    const written = ["map 4M 4M ro reserve", "protect 6M 2M rw", "touch 6M 4K", "protect 5M 3M r", "vmas"];
    expect(statuses(written, { protectUncharges: false }).map((each) => each.at(-1))).toEqual(["vmas=2", "vmas=2"]);
  });

  test("memory that MREMAP_DONTUNMAP emptied where it had been moved to", () => {
    // As 6.18.44, 6.1.0-50, and as 6.12.115, 6.12.117 and 6.1.0-56 answer.
    const emptied = ["map 6M 1M", "touch 6M 1M", "mremap 6M 1M 1G", "mremap_du 1G 1M 34M"];
    const around = [...emptied, "map 1023M 1M", "vmas", "map 1025M 1M", "vmas"];
    const [kept, realigned] = statuses(around, { dontUnmapRealigns: true });
    expect([kept[5], kept[7]]).toEqual(["vmas=3", "vmas=4"]);
    expect([realigned[5], realigned[7]]).toEqual(["vmas=2", "vmas=2"]);
    // A file's pages stay those of the file.
    const file = around.map((line) => (line.startsWith("map 6M") ? `${line} file` : line));
    expect(statuses(file, { dontUnmapRealigns: true })[1]).toEqual(statuses(file, {})[0]);
  });

  test("MAP_STACK beside other memory", () => {
    const lines = ["map 4M 2M", "map 6M 2M stack", "vmas"];
    expect(statuses(lines, { stackNoHugePages: false }).map((each) => each[2])).toEqual(["vmas=2", "vmas=1"]);
  });

  test("MADV_COLLAPSE without a writable page", () => {
    const lines = ["map 4M 4M", "touch 4M 4M", "fork", "collapse 4M 2M", "touch 6M 4K", "collapse 6M 2M"];
    const [reference, changed] = statuses(lines, { collapseReadOnly: false });
    expect([reference[3], reference[5]]).toEqual(["ok", "ok"]);
    expect([changed[3], changed[5]]).toEqual(["EINVAL", "ok"]);
  });

  test("MADV_COLLAPSE of a mapped file: written elsewhere, without a table, and mapped twice", () => {
    const written = ["map 4M 4M file", "touch 4M 4K", "touch 6M 2M r", "collapse 6M 2M", "collapse 6M 2M"];
    const [reference, changed] = statuses(written, { collapseRetractsAll: false });
    expect([reference.slice(3), changed.slice(3)]).toEqual([
      ["ok", "ok"],
      ["EINVAL", "EINVAL"],
    ]);
  });

  test("MADV_POPULATE over a hole", () => {
    const lines = [
      "map 4M 4K",
      "map 4104K 4K",
      "map 4120K 4K ro",
      "populate 4M 12K",
      "populate 4M 32K",
      "populate 5M 4K",
    ];
    expect(answers(lines, {})).toMatchObject({ status: ["ok", "ok", "ok", "ENOMEM", "ENOMEM", "ENOMEM"], rssKb: 4 });
    const walks = { status: ["ok", "ok", "ok", "ENOMEM", "EINVAL", "ENOMEM"], rssKb: 8 };
    expect(answers(lines, { populateStopsAtHole: false })).toMatchObject(walks);
  });

  test("MADV_COLLAPSE within 2 MiB, at its start, and of nothing", () => {
    const lines = ["map 4M 4M", "touch 4M 4M", "collapse 4100K 4K", "collapse 4M 4K", "collapse 16M 4K"];
    expect(answers(lines, {}).status.slice(2)).toEqual(["EINVAL", "ok", "ENOMEM"]);
    expect(answers(lines, { collapseShort: true }).status.slice(2)).toEqual(["ok", "ok", "ENOMEM"]);
  });

  test("under strict overcommit MAP_NORESERVE means nothing", () => {
    const mappings = (overcommit: KernelProfile["overcommit"]): number => {
      const kernel = createKernel({ features: featuresOf("none"), image: "empty", profile: { overcommit } });
      for (const flags of [[], ["noreserve"]] as const)
        kernel.execute({
          op: "mmap",
          addr: 2 ** 44 + flags.length * 4096,
          len: 4096,
          prot: "rw",
          backing: "anon",
          flags,
        });
      return kernel.state.processes[0].vmas.count;
    };
    expect(mappings("heuristic")).toBe(2);
    expect(mappings("strict")).toBe(1);
  });

  test("userfaultfd", () => {
    const lines = ["map 4M 2M", "map 8M 2M shared", "uffdwp 4M 2M reg", "uffdwp 8M 2M reg"];
    const sync = ["uffdmode sync", ...lines];
    expect(answers(lines, { uffdWpAsync: false }).status.slice(2)).toEqual(["ENOSYS", "ENOSYS"]);
    expect(answers(sync, { uffdWpAsync: false }).status.slice(3)).toEqual(["ok", "ok"]);
    expect(answers(sync, { uffdWp: "anon" }).status.slice(3)).toEqual(["ok", "EINVAL"]);
    expect(answers(sync, { uffdWp: "none" }).status.slice(3)).toEqual(["ENOSYS", "ENOSYS"]);
  });
});

describe("huge pages", () => {
  test.each([
    ["always", 2048, 2048],
    ["madvise", 4, 2048],
    ["never", 4, 4],
  ] as const)("%s: a touch of plain memory has %i kB, of advised memory %i kB", (thpEnabled, plain, advised) => {
    expect(answers(["map 4M 2M", "touch 4M 4K"], { thpEnabled }).rssKb).toBe(plain);
    expect(answers(["map 4M 2M hugepage", "touch 4M 4K"], { thpEnabled }).rssKb).toBe(advised);
  });

  test("MADV_NOHUGEPAGE is heeded everywhere, and 2 MiB can be switched off alone", () => {
    expect(answers(["map 4M 2M nohugepage", "touch 4M 4K"], { thpEnabled: "always" }).rssKb).toBe(4);
    const thpSizes = { "2048": "never" } as const;
    expect(answers(["map 4M 2M hugepage", "touch 4M 4K"], { thpEnabled: "always", thpSizes }).rssKb).toBe(4);
  });

  test("a smaller size is used where it lies in the mapping and finds nothing mapped", () => {
    const thpSizes = { "16": "always", "64": "madvise", "2048": "never" } as const;
    const rss = (...lines: string[]) => answers(lines, { thpSizes }).rssKb;
    expect(rss("map 4M 1M", "touch 4M 4K")).toBe(16);
    expect(rss("map 4M 1M hugepage", "touch 4112K 4K")).toBe(64);
    expect(rss("map 4M 1M hugepage", "touch 4M 1M")).toBe(1024);
    // The first 64 kB reach below the mapping; of the second a page is there.
    expect(rss("map 4100K 1M hugepage", "touch 4104K 4K")).toBe(4);
    expect(rss("map 4M 1M hugepage", "touch 4M 64K r", "touch 4160K 4K")).toBe(64);
    expect(rss("map 4M 1M hugepage", "touch 4M 4K r", "touch 4104K 4K", "touch 4116K 4K")).toBe(4 + 16);
  });

  test("shared memory in huge pages needs no PTE table", () => {
    const lines = ["map 4M 4M shared", "touch 4M 4K"];
    expect(answers(lines, { shmemHuge: "always" })).toMatchObject({ kb: [0, 8], rssKb: 2048 });
    expect(answers(lines, { shmemHuge: "advise" })).toMatchObject({ kb: [0, 12], rssKb: 4 });
    expect(answers(["map 4M 4M shared", "hugepage 4M 4M", "touch 4M 4K"], { shmemHuge: "advise" }).rssKb).toBe(2048);
    expect(answers(["map 4M 1M shared", "touch 4M 4K"], { shmemHuge: "within_size" }).rssKb).toBe(4);
  });

  test("without deposited tables a huge page costs none, and a split makes one", () => {
    const lines = ["map 4M 4M hugepage", "touch 4M 4M", "fork", "killchild", "unmap 4M 4K", "dontneed 6M 2M"];
    expect(answers(lines, {}).kb).toEqual([0, 16, 16, 16, 16, 12]);
    expect(answers(lines, { depositedTables: false }).kb).toEqual([0, 8, 8, 8, 12, 12]);
    expect(answers(lines, { depositedTables: false }).status[2]).toBe("child=8");
  });

  test("without deposited tables a collapse frees the table", () => {
    const lines = ["map 4M 2M", "touch 4M 2M", "collapse 4M 2M"];
    expect(answers(lines, {}).kb).toEqual([0, 12, 12]);
    expect(answers(lines, { depositedTables: false }).kb).toEqual([0, 12, 8]);
  });

  test("khugepaged comes where it is said to, within its limits", () => {
    const lines = ["map 4M 2M nohugepage", "touch 4M 1M", "hugepage 4M 2M", "sleep 1000"];
    expect(answers(lines, {}).rssKb).toBe(1024);
    expect(answers(lines, { khugepaged: true }).rssKb).toBe(2048);
    expect(answers(lines, { khugepaged: true, khugepagedMaxPtesNone: 200 }).rssKb).toBe(1024);
  });
});

test("five levels have a table more for the same memory, which VmPTE does not count", () => {
  expect(answers(["map 4M 2M", "touch 4M 4K"], { levels: 5 }).kb).toEqual([0, 12]);
});
