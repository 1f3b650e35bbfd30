import { describe, expect, test } from "vitest";
import type { Operation } from "../workload/operation.ts";
import type { Machine } from "./machine.ts";
import { type RunEnd, type RunInput, type RunSlice, run } from "./run.ts";
import { SAMPLE_COLUMNS } from "./types.ts";

const VMPTE = SAMPLE_COLUMNS.findIndex(({ name }) => name === "vmpte_kb");
const OPERATIONS = SAMPLE_COLUMNS.findIndex(({ name }) => name === "operations");

/** A machine whose VmPTE rises by 4 kB a touch and falls by 4 kB with everything else. */
function counter(): Machine & { executed: number } {
  let kb = 40;
  return {
    executed: 0,
    vmpteKb: () => kb,
    rssKb: () => 1,
    execute(operation) {
      this.executed++;
      kb += operation.op === "touch" ? 4 : -4;
    },
    sampleInto(row, sequence) {
      row.fill(0);
      row[0] = sequence;
      row[VMPTE] = kb;
    },
  };
}

function* touches(count: number, op: "touch" | "munmap" = "touch"): Generator<Operation> {
  for (let i = 0; i < count; i++) {
    yield op === "touch" ? { op, addr: 4096 * i, len: 4096, access: "w" } : { op, addr: 4096 * i, len: 4096 };
  }
}

async function collect(input: RunInput): Promise<{ slices: RunSlice[]; end: RunEnd }> {
  const slices: RunSlice[] = [];
  const running = run(input);
  for (;;) {
    const item = await running.next();
    if (item.done) return { slices, end: item.value };
    slices.push(item.value);
  }
}

/** A clock that moves on by `step` ms each time it is looked at. */
function clock(step: number): () => number {
  let time = 0;
  return () => (time += step);
}

describe("run", () => {
  test("samples at the planned points, whatever the slices are", async () => {
    const at = async (step: number): Promise<number[][]> => {
      const { slices } = await collect({
        machine: counter(),
        stream: { kind: "operations", operations: touches(5000) },
        operationsTotal: 5000,
        now: clock(step),
      });
      return slices.flatMap(({ samples }) => samples.map((row) => [...row]));
    };
    const slow = await at(30);
    expect(slow).toHaveLength(2001);
    expect(slow.at(-1)?.[OPERATIONS]).toBe(5000);
    expect(slow.at(-1)?.[VMPTE]).toBe(40 + 4 * 5000);
    expect(await at(0.0001)).toEqual(slow);
  });

  test("batches of unknown length end with a sample, and the peak is that of every operation", async () => {
    async function* batches(): AsyncGenerator<Iterable<Operation>> {
      yield touches(4001);
      yield touches(4000, "munmap");
    }
    const { slices, end } = await collect({
      machine: counter(),
      stream: { kind: "batches", batches: batches() },
      operationsTotal: null,
      now: clock(1),
    });
    expect(slices.flatMap(({ samples }) => samples).at(-1)?.[OPERATIONS]).toBe(8001);
    expect(end).toMatchObject({ outcome: "done", summary: { operations: 8001, peak: { vmpte_kb: 40 + 4 * 4001 } } });
    expect(end.summary.final.vmpte_kb).toBe(44);
  });

  test("cancelling ends between slices and keeps what was done", async () => {
    const machine = counter();
    let asked = 0;
    const { slices, end } = await collect({
      machine,
      stream: { kind: "operations", operations: touches(1e9) },
      operationsTotal: 1e9,
      now: clock(1),
      cancelled: () => ++asked > 5,
    });
    expect(end.outcome).toBe("cancelled");
    expect(end.summary.operations).toBe(machine.executed);
    expect(slices.flatMap(({ samples }) => samples).at(-1)?.[OPERATIONS]).toBe(machine.executed);
  });

  test("looks at the clock often where operations are large", async () => {
    const machine = counter();
    let time = 0;
    let longest = 0;
    let last = 0;
    const large: Operation = { op: "madvise", addr: 0, len: 2 ** 22, advice: "dontneed", step: 4096 };
    await collect({
      machine: {
        ...machine,
        execute(operation) {
          time += operation === large ? 1 : 0.0001;
        },
      },
      stream: { kind: "operations", operations: [...touches(20_000), ...Array<Operation>(500).fill(large)] },
      operationsTotal: 20_500,
      now: () => time,
      cancelled: () => {
        longest = Math.max(longest, time - last);
        last = time;
        return false;
      },
    });
    expect(longest).toBeLessThan(50);
  });

  test("breathes between slices, and progress knows the total", async () => {
    let breaths = 0;
    const { slices } = await collect({
      machine: counter(),
      stream: { kind: "operations", operations: touches(1000) },
      operationsTotal: 1000,
      now: clock(10),
      breathe: async () => {
        breaths++;
      },
    });
    expect(breaths).toBeGreaterThan(1);
    expect(slices.at(-1)?.progress).toMatchObject({ operations: 1000, operationsTotal: 1000 });
  });

  test("an empty workload has one sample", async () => {
    const { slices, end } = await collect({
      machine: counter(),
      stream: { kind: "operations", operations: [] },
      operationsTotal: 0,
      now: clock(1),
    });
    expect(slices.flatMap(({ samples }) => samples)).toHaveLength(1);
    expect(end.summary.operations).toBe(0);
  });
});
