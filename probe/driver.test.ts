import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { samplingPlan } from "../engine/experiment/sampling.ts";
import { SAMPLE_COLUMNS, type SampleRow } from "../engine/experiment/types.ts";
import type { Operation } from "../engine/workload/operation.ts";
import { type MeasuredInput, runMeasured } from "./driver.ts";
import { MeasuredTooLargeError, NotMeasurableError, ProbeDiedError } from "./errors.ts";
import { describeKernel, describeReclaimingKernel, foundKernel, skipReason } from "./testing.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const BASE = 2 ** 44;
const column = (name: string) => SAMPLE_COLUMNS.findIndex((info) => info.name === name);
const [OPERATIONS, VMPTE, RSS, VIRT, TIME] = ["operations", "vmpte_kb", "rss_kb", "virt_kb", "time_ns"].map(column);

function* commitTable(size: number): Generator<Operation> {
  yield { op: "mmap", addr: BASE, len: size, prot: "rw", backing: "anon" };
  for (let at = 0; at < size; at += 2 * MIB) {
    yield { op: "touch", addr: BASE + at, len: 2 * MIB, access: "w" };
    yield { op: "madvise", addr: BASE + at, len: 2 * MIB, advice: "dontneed" };
  }
}

/** As the running kernel is: nothing in the tests of any kernel depends on it. */
const MODE = skipReason === null && !foundKernel().profile.ptReclaim ? "none" : "sync";

async function measure(operations: Iterable<Operation>, options: Partial<MeasuredInput> = {}) {
  const rows: SampleRow[] = [];
  const end = await runMeasured({
    stream: { kind: "operations", operations },
    operationsTotal: null,
    mode: MODE,
    onSamples: (samples) => {
      rows.push(...samples);
    },
    ...options,
  });
  return { rows, end };
}

describeReclaimingKernel("a measured run on a kernel with the series", () => {
  test("gives the tables back in mode sync and keeps them in mode none", async () => {
    const pmdAndPud = 8;
    const sync = await measure(commitTable(GIB), { mode: "sync" });
    const none = await measure(commitTable(GIB), { mode: "none" });
    expect(sync.end.summary.final).toMatchObject({ vmpte_kb: pmdAndPud, rss_kb: 0, virt_kb: GIB / 1024 });
    expect(none.end.summary.final).toMatchObject({ vmpte_kb: pmdAndPud + 512 * 4, rss_kb: 0, virt_kb: GIB / 1024 });
    expect(sync.end).toMatchObject({ outcome: "done", failed: 0, faulted: 0, summary: { operations: 1025 } });
    expect(sync.end.summary.peak.rss_kb).toBe(2048);
  });

  test("samples at the operation counts of a run of the model, and knows what /proc says", async () => {
    const size = 8 * MIB;
    const { rows } = await measure(commitTable(size), { operationsTotal: 9 });
    const plan = samplingPlan(9);
    const expected: number[] = [];
    for (; plan.next !== Number.POSITIVE_INFINITY; plan.advance()) expected.push(plan.next);
    expect(rows.map((row) => row[OPERATIONS])).toEqual(expected);
    expect(rows.map((row) => row[VMPTE])).toEqual([0, 0, 12, 8, 12, 8, 12, 8, 12, 8]);
    expect(rows.map((row) => row[RSS])).toEqual([0, 0, 2048, 0, 2048, 0, 2048, 0, 2048, 0]);
    expect(rows.slice(1).every((row) => row[VIRT] === size / 1024)).toBe(true);
    expect(rows.every((row, i) => i === 0 || row[TIME] >= rows[i - 1][TIME])).toBe(true);
    expect(rows[0][column("pte_tables")]).toBeNaN();
  });

  test("starts from the image it is given", async () => {
    const image: Operation[] = [
      { op: "mmap", addr: BASE + GIB, len: MIB, prot: "rw", backing: "anon" },
      { op: "touch", addr: BASE + GIB, len: 4096, access: "w" },
    ];
    const { rows, end } = await measure(commitTable(2 * MIB), { image });
    expect(rows.map((row) => row[OPERATIONS])).toEqual([0, 1, 2, 3]);
    expect(rows.map((row) => row[VMPTE])).toEqual([12, 12, 20, 16]);
    expect(end.summary.operations).toBe(3);
  });
});

describeKernel("a measured run", () => {
  test("runs forked processes and counts what the kernel refused", async () => {
    const { end } = await measure([
      { op: "mmap", addr: BASE, len: 4 * MIB, prot: "rw", backing: "anon" },
      { op: "touch", addr: BASE, len: 4 * MIB, access: "w" },
      { op: "fork" },
      { op: "madvise", addr: BASE, len: 4 * MIB, advice: "dontneed", process: 1 },
      { op: "fork", process: 1 },
      { op: "munmap", addr: BASE, len: 4 * MIB, process: 2 },
      { op: "exit", process: 1 },
      { op: "munmap", addr: BASE + 1, len: 4 * MIB, process: 2 },
      { op: "touch", addr: BASE, len: 8192, access: "w", process: 2 },
      { op: "exit" },
      { op: "exit" },
    ]);
    // munmap of an unaligned address, and the exit of a child too many.
    expect(end).toMatchObject({ failed: 2, faulted: 2, summary: { final: { vmpte_kb: 16 } } });
  });

  test("a heap grows and shrinks, exec leaves nothing", async () => {
    const heap = BASE + 5 * GIB;
    const { rows } = await measure([
      { op: "brk", addr: heap },
      { op: "brk", addr: heap + 4 * MIB },
      { op: "touch", addr: heap, len: 4 * MIB, access: "w" },
      { op: "brk", addr: heap + 2 * MIB },
      { op: "exec" },
    ]);
    expect(rows.map((row) => row[VMPTE])).toEqual([0, 0, 0, 16, 12, 0]);
  });

  test("refuses beforehand what does not fit, and says by how much", async () => {
    const peakKb = 2 ** 40 / 1024;
    const error = await measure([], { peakKb }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(MeasuredTooLargeError);
    expect((error as MeasuredTooLargeError).why).toMatch(
      /1,048,576 MB at its peak and [\d,]+ MB can be used: [\d,]+ MB too much/,
    );
  });

  test("refuses what would damage the machine", async () => {
    const poison: Operation = { op: "madvise", addr: BASE, len: 4096, advice: "hwpoison" };
    await expect(measure([poison])).rejects.toBeInstanceOf(NotMeasurableError);
  });

  test("reports a probe that dies, with the samples up to then", async () => {
    const rows: SampleRow[] = [];
    const error = await measure([...commitTable(4 * MIB), { op: "munmap", addr: 0, len: 2 ** 47 - 4096 }], {
      onSamples: (samples) => {
        rows.push(...samples);
      },
    }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ProbeDiedError);
    expect((error as ProbeDiedError).why).toContain("where the probe itself lies");
    expect(rows.map((row) => row[OPERATIONS])).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("is cancelled in the middle of one long operation, and leaves no process behind", async () => {
    const controller = new AbortController();
    const size = 3 * GIB;
    const { end } = await measure(
      [
        { op: "mmap", addr: BASE, len: size, prot: "rw", backing: "anon" },
        { op: "fork" },
        { op: "touch", addr: BASE, len: size, access: "w" },
        { op: "madvise", addr: BASE, len: size, advice: "dontneed" },
      ],
      {
        signal: controller.signal,
        onSamples: () => {
          setTimeout(() => controller.abort(), 20);
        },
      },
    );
    expect(end.outcome).toBe("cancelled");
    expect(end.summary.operations).toBeLessThan(4);
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8")
      .trim()
      .split(/\s+/)
      .filter(Boolean);
    const probes = children.filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("reclaim-probe"));
    expect(probes).toEqual([]);
  });
});
