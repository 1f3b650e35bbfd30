import { describe, expect, test } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import { EngineError } from "./error.ts";
import { createKernel } from "./kernel.ts";
import type { Operation } from "./operation.ts";

const MIB = 2 ** 20;
const BASE = 2 ** 32;

describe("the room that the model has for tables", () => {
  const touching = (bytes: number, stride: number): Operation[] => [
    { op: "mmap", addr: BASE, len: bytes, prot: "rw", backing: "anon", flags: ["noreserve"] },
    { op: "touch", addr: BASE, len: bytes, access: "w", stride },
  ];
  const run = (tableBytesMax: number, operations: readonly Operation[]): string => {
    const kernel = createKernel({ features: featuresOf("sync"), image: "empty", tableBytesMax });
    try {
      for (const operation of operations) expect(kernel.execute(operation).status).toBe("ok");
    } catch (error) {
      expect(error).toBeInstanceOf(EngineError);
      return `${(error as EngineError).message}; ${(error as EngineError).why}`;
    }
    return `${kernel.state.processes[0].ptes} tables`;
  };

  test("is enough for what fits", () => {
    expect(run(64 * MIB, touching(2 ** 40, 2 * MIB))).toBe(`${2 ** 19} tables`);
    expect(run(64 * MIB, touching(2 ** 34, MIB))).toBe(`${2 ** 13} tables`);
  });

  test("is refused to rows, to entries and to upper tables beyond it, in words", () => {
    const refused = /^The model needs more than 0\.1 GB for the page tables of this workload; [\d,]+ tables are in use/;
    expect(run(64 * MIB, touching(2 ** 43, 2 * MIB)), "one entry a table").toMatch(refused);
    expect(run(64 * MIB, touching(2 ** 37, MIB)), "two entries a table").toMatch(refused);
    expect(run(64 * MIB, touching(2 ** 46, 2 ** 30)), "one table a GB").toMatch(refused);
  });

  test("is shared by all processes", () => {
    const grow = touching(2 ** 33, MIB);
    const forks = (count: number): Operation[] => Array.from({ length: count }, () => ({ op: "fork" }));
    expect(run(64 * MIB, [...grow, ...forks(2)])).toBe("4096 tables");
    expect(run(64 * MIB, [...grow, ...forks(20)])).toMatch(/needs more than/);
  });
});
