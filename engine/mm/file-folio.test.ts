/** Advice on huge folios of files, against what Linux 6.18 answered. */
import { describe, expect, test } from "vitest";
import { Conformance } from "../workload/conform.ts";

type Lines = readonly (readonly [line: string, answer: string])[];

function check(lines: Lines, swap: boolean): void {
  const conformance = new Conformance("sync", { profile: { swap } });
  const answers = lines.map(([line]) => {
    const { deltaKb, status } = conformance.perform(line, "test:1");
    return [line, `${deltaKb}\t${status}`];
  });
  expect(answers).toEqual(lines);
}

describe("a huge folio of a file", () => {
  test("is split by MADV_PAGEOUT or MADV_COLD of a part: the next faults map small pages", () => {
    const lines: Lines = [
      ["map 2M 2M ro file populate", "12\tok"],
      ["collapse 2M 2M", "8\tok"],
      ["pageout 2M 4K", "8\tok"],
      ["touch 2M 2M r", "12\tok"],
      ["unmap 2M 2M", "0\tok"],
      ["truncate 0", "0\tok"],
      ["truncate 64T", "0\tok"],
      ["map 2M 2M rw shared populate", "12\tok"],
      ["collapse 2M 2M", "8\tok"],
      ["pageout 2M 4K", "8\tok"],
      ["touch 2M 2M r", "12\tok"],
      ["dontneed 2M 2M", "8\tok"],
      ["touch 2M 2M r", "12\tok"],
      ["unmap 2M 2M", "0\tok"],
      ["map 2M 2M rw sharedfile populate", "12\tok"],
      ["collapse 2M 2M", "8\tok"],
      ["cold 2M 4K", "8\tok"],
      ["touch 2M 2M r", "12\tok"],
    ];
    check(lines, false);
  });

  test("stays in the cache when all of it is paged out and there is no swap", () => {
    const lines: Lines = [
      ["map 2M 2M rw shared populate", "12\tok"],
      ["collapse 2M 2M", "8\tok"],
      ["pageout 2M 2M", "8\tok"],
      ["touch 2M 4K r", "8\tok"],
      ["dontneed 2M 2M", "8\tok"],
      ["touch 2M 2M r", "8\tok"],
      ["unmap 2M 2M", "0\tok"],
      ["map 2M 2M rw sharedfile populate", "12\tok"],
      ["collapse 2M 2M", "8\tok"],
      ["fork", "8\tchild=0"],
      ["pageout 2M 2M", "8\tok"],
      ["touch 2M 4K w", "8\tok"],
      ["dontneed 2M 2M", "8\tok"],
      ["touch 2M 2M r", "8\tok"],
      ["dontneed 2M 2M", "8\tok"],
    ];
    check(lines, false);
  });

  test("comes back from swap as small pages", () => {
    const lines: Lines = [
      ["map 2M 2M rw shared populate", "12\tok"],
      ["collapse 2M 2M", "8\tok"],
      ["pageout 2M 2M", "8\tok"],
      ["touch 2M 4K r", "12\tok"],
      ["dontneed 2M 2M", "8\tok"],
      ["touch 2M 2M r", "12\tok"],
      ["unmap 2M 2M", "0\tok"],
      ["map 2M 2M rw sharedfile populate", "12\tok"],
      ["collapse 2M 2M", "8\tok"],
      ["fork", "8\tchild=0"],
      ["pageout 2M 2M", "8\tok"],
      ["touch 2M 4K w", "12\tok"],
      ["dontneed 2M 2M", "8\tok"],
      ["touch 2M 2M r", "12\tok"],
      ["dontneed 2M 2M", "8\tok"],
    ];
    check(lines, true);
  });

  test("is not made of pages whose write protection needs its entry", () => {
    const lines: Lines = [
      ["map 0 4M rw sharedfile populate", "16\tok"],
      ["uffdwp 0 2M reg", "16\tok"],
      ["uffdwp 0 4K wp", "16\tok"],
      ["collapse 0 2M", "16\tEINVAL"],
      ["dontneed 0 2M", "16\tok"],
      ["pageout 0 4M", "16\tok"],
      ["dontneed 0 4M", "12\tok"],
      ["unmap 0 4M", "0\tok"],
      ["map 0 2M rw sharedfile", "0\tok"],
      ["touch 0 2M r", "8\tok"],
      ["nohugepage 0 2M", "8\tok"],
      ["collapse 0 2M", "8\tEINVAL"],
      ["map 1M 1M none sharedfile", "8\tok"],
      ["map 0 1M ro sharedfile", "8\tok"],
    ];
    check(lines, false);
  });
});

describe("pages of shared memory that are paged out without swap", () => {
  test("are dropped where nothing was written to them: there is nothing left to collapse", () => {
    const lines: Lines = [
      ["map 20M 4M rw shared populate", "16\tok"],
      ["pageout 20M 2M", "16\tok"],
      ["collapse 20M 2M", "16\tEINVAL"],
      ["map 60M 4M rw shared", "16\tok"],
      ["touch 60M 4M r", "24\tok"],
      ["pageout 60M 2M", "24\tok"],
      ["collapse 60M 2M", "24\tEINVAL"],
      ["touch 60M 4K w", "24\tok"],
      ["collapse 60M 2M", "20\tok"],
      ["map 80M 4M rw file", "20\tok"],
      ["touch 80M 4M r", "28\tok"],
      ["pageout 80M 2M", "28\tok"],
      ["collapse 80M 2M", "28\tEINVAL"],
    ];
    check(lines, false);
  });

  test("stay in the cache where something was written, whichever way it was", () => {
    const lines: Lines = [
      ["map 40M 2M rw shared", "0\tok"],
      ["touch 40M 4K w", "12\tok"],
      ["pageout 40M 2M", "12\tok"],
      ["collapse 40M 2M", "8\tok"],
      ["map 60M 2M rw shared populate", "12\tok"],
      ["touch 60M 4K w", "12\tok"],
      ["pageout 60M 2M", "12\tok"],
      ["collapse 60M 2M", "8\tok"],
      ["map 80M 2M ro shared populate", "12\tok"],
      ["protect 80M 2M rw", "12\tok"],
      ["touch 80M 4K w", "12\tok"],
      ["pageout 80M 2M", "12\tok"],
      ["collapse 80M 2M", "8\tok"],
    ];
    check(lines, false);
  });

  test("stay where something else maps them too", () => {
    const lines: Lines = [
      ["map 2M 2M rw shared populate", "12\tok"],
      ["fork", "12\tchild=0"],
      ["map 8M 2M rw sharedfile populate", "16\tok"],
      ["mremap_du 8M 2M 16M", "16\tok"],
      ["touch 8M 2M r", "20\tok"],
      ["pageout 16M 2M", "20\tok"],
      ["collapse 16M 2M", "12\tok"],
    ];
    check(lines, false);
  });
});

describe("a huge page of shared memory that reaches over the end of the file", () => {
  test("is made of whatever is in the cache, and maps what is beyond the end", () => {
    const lines: Lines = [
      ["map 10M 2M rw sharedfile", "0\tok"],
      ["touch 10M 1M w", "12\tok"],
      ["truncate 11M", "12\tok"],
      ["collapse 10M 2M", "8\tok"],
      ["dontneed 10M 2M", "8\tok"],
      ["touch 10M 4K r", "8\tok"],
      ["touch 10M 2M r", "8\tok"],
    ];
    check(lines, false);
  });

  test("is not found by an access beyond the end, but where a read's 64 KiB begin before it", () => {
    const lines: Lines = [
      ["map 4M 2M rw sharedfile", "0\tok"],
      ["touch 4M 4K w", "12\tok"],
      ["truncate 5124K", "12\tok"],
      ["collapse 4M 2M", "8\tok"],
      ["dontneed 4M 2M", "8\tok"],
      ["touch 5132K 4K w", "8\tsegv=0,bus=1"],
      ["touch 5184K 4K r", "8\tsegv=0,bus=1"],
      ["touch 5132K 4K r", "8\tok"],
      ["touch 5184K 4K r", "8\tok"],
    ];
    check(lines, false);
  });
});

test("a second mapping of shared memory (mremap of a size of 0) leaves the first in one piece", () => {
  const lines: Lines = [
    ["map 1220K 3612K rw shared", "0\tok"],
    ["mremap 2756K 0 20M 8M", "0\tok"],
    ["vmas list", "0\tvmas=2 131-4b8:rws 1400-1c00:rws"],
  ];
  check(lines, false);
});
