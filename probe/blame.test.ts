/** Whose releases left which tables behind, of a program that is recorded with call stacks, however it was built. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { type BlameEntry, blameGaps } from "../engine/experiment/blame.ts";
import { featuresOf } from "../engine/experiment/policies.ts";
import { createKernel } from "../engine/mm/kernel.ts";
import { blaming } from "../engine/workload/blame.ts";
import { ImportReport, importOperations } from "../engine/workload/import/index.ts";
import { traceKernel } from "../engine/workload/trace-kernel.ts";
import { capture } from "./capture.ts";
import { captureMeans } from "./capture-means.ts";

const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-test-blame-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Each function maps so many times 2 MiB, uses one page of each and gives that back by itself. */
const SOURCE = `
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#define SLOT (2ul << 20)
static __attribute__((noinline)) void leave(unsigned long tables) {
  char *p = mmap((void *)0, (tables + 1) * SLOT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) exit(1);
  char *at = (char *)(((unsigned long)p + SLOT - 1) & ~(SLOT - 1));
  madvise(at, tables * SLOT, MADV_NOHUGEPAGE);
  for (unsigned long i = 0; i < tables; i++) at[i * SLOT] = 1;
  for (unsigned long i = 0; i < tables; i++) madvise(at + i * SLOT, 4096, MADV_DONTNEED);
  __asm__ volatile("" ::: "memory");
}
__attribute__((noinline)) void parse(void) { leave(1000); __asm__ volatile("" ::: "memory"); }
__attribute__((noinline)) void compile(void) { leave(100); __asm__ volatile("" ::: "memory"); }
__attribute__((noinline)) void report(void) { leave(50); __asm__ volatile("" ::: "memory"); }
int main(void) { parse(); compile(); report(); return 0; }
`;

function build(name: string, flags: readonly string[], strip: boolean): string | null {
  const source = join(folder, "leave.c");
  writeFileSync(source, SOURCE);
  const out = join(folder, name);
  const { status, error } = spawnSync("cc", ["-O1", "-fno-optimize-sibling-calls", ...flags, "-o", out, source]);
  if (error || status !== 0) return null;
  if (strip && spawnSync("strip", ["-s", out]).status !== 0) return null;
  return out;
}

async function blameOf(program: string): Promise<readonly BlameEntry[]> {
  const out = `${program}-capture`;
  const { pid, lost } = await capture({ program, args: [], folder: out, how: "perf", stacks: true });
  expect(lost).toBe(0);
  async function* text(): AsyncGenerator<Buffer> {
    yield gunzipSync(readFileSync(join(out, "events.txt.gz")));
  }
  const machine = blaming(createKernel({ features: featuresOf("none"), seed: 1, ...traceKernel() }), {
    reclaims: false,
  });
  const operations = importOperations(text(), { pid: pid ?? 0, ancestors: [] }, new ImportReport());
  for await (const batch of operations) for (const operation of batch) machine.execute(operation);
  return machine.blame().end.filter(({ reason }) => reason === "below_table");
}

const means = await captureMeans("perf");
const compiler = spawnSync("cc", ["--version"]).error === undefined;
const why = means.how === null ? means.why : compiler ? null : "there is no compiler";

if (why !== null) {
  console.warn(`blame of recorded programs is not tested: ${why}`);
  test.skip(`skipped: ${why}`, () => undefined);
} else {
  describe("three functions that leave 1,000, 100 and 50 tables", () => {
    const within = (tables: number, of: number) => expect(Math.abs(tables - of)).toBeLessThanOrEqual(of / 100);
    const expectNamed = (blame: readonly BlameEntry[]) => {
      expect(blame.slice(0, 3).map(({ stack }) => stack)).toEqual([
        ["main", "parse", "leave"],
        ["main", "compile", "leave"],
        ["main", "report", "leave"],
      ]);
      for (const [i, tables] of [1000, 100, 50].entries()) within(blame[i].tables, tables);
      expect(blameGaps(blame)).toBeNull();
    };

    test("are told with frame pointers", async () => {
      expectNamed(await blameOf(build("framed", ["-fno-omit-frame-pointer"], false) ?? ""));
    });

    test("are told by DWARF alone", async () => {
      expectNamed(await blameOf(build("dwarf", ["-g", "-fomit-frame-pointer"], false) ?? ""));
    });

    test("are places of a stripped program, which is said", async () => {
      const blame = await blameOf(build("stripped", ["-fomit-frame-pointer"], true) ?? "");
      for (const [i, tables] of [1000, 100, 50].entries()) {
        within(blame[i].tables, tables);
        for (const frame of blame[i].stack) expect(frame).toMatch(/^\[stripped\+0x[0-9a-f]+\]$/);
      }
      expect(new Set(blame.slice(0, 3).map(({ stack }) => stack.join())).size).toBe(3);
      expect(blameGaps(blame)).toBe(
        "stripped has no names of functions (stripped): places in the file stand for them; install the debug symbols, or give them to addr2line.",
      );
    });

    test("are not told where nothing says how to unwind, which is said", async () => {
      const flags = ["-fomit-frame-pointer", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables"];
      const blame = await blameOf(build("bare", flags, true) ?? "");
      expect(blame.reduce((sum, { tables }) => sum + tables, 0)).toBe(1150);
      for (const { stack } of blame) expect(stack).not.toContain("main");
      expect(blameGaps(blame)).not.toBeNull();
    });
  });
}
