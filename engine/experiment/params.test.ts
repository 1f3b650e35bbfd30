import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultParams, formatSize, type ParamSpec, parseSize, validateParams } from "./params.ts";

const SPECS: readonly ParamSpec[] = [
  {
    name: "size",
    label: "Size",
    description: "",
    type: "bytes",
    min: 4096,
    max: 2 ** 40,
    default: 2 ** 30,
    multipleOf: 4096,
  },
  {
    name: "chunk",
    label: "Chunk",
    description: "",
    type: "bytes",
    min: 1,
    max: 2 ** 40,
    default: 4096,
    atMost: "size",
  },
  { name: "rounds", label: "Rounds", description: "", type: "count", min: 1, max: 10_000, default: 3 },
  { name: "wait", label: "Wait", description: "", type: "ms", min: 0, max: 1000, default: 10 },
  {
    name: "order",
    label: "Order",
    description: "",
    type: "choice",
    choices: [
      { value: "up", label: "up" },
      { value: "down", label: "down" },
    ],
    default: "up",
  },
];

function reasons(input: Record<string, unknown>): Record<string, string> {
  const result = validateParams(SPECS, input);
  return result.ok ? {} : Object.fromEntries(result.problems.map(({ name, reason }) => [name, reason]));
}

describe("parseSize", () => {
  test.each([
    ["50G", 50 * 2 ** 30],
    ["2m", 2 ** 21],
    ["1.5G", 1.5 * 2 ** 30],
    ["50 GiB", 50 * 2 ** 30],
    ["64KB", 65536],
    ["0x1000", 4096],
    ["4096", 4096],
  ])("%s", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(["", "-1", "G", "1.3", "9999999P", "1e9", "2 M M", "Infinity", "50g0"])("refuses %j", (text) => {
    expect(parseSize(text)).toBeNull();
  });

  test("reads what formatSize writes", () => {
    fc.assert(fc.property(fc.nat(2 ** 53 - 1), (bytes) => parseSize(formatSize(bytes)) === bytes));
    expect([50 * 2 ** 30, 2 ** 21, 1.5 * 2 ** 30, 4097].map(formatSize)).toEqual(["50G", "2M", "1.5G", "4097"]);
  });
});

describe("validateParams", () => {
  test("fills in defaults and reads text", () => {
    expect(validateParams(SPECS, { size: "2G", rounds: "1,000", wait: "20 ms", order: "down" })).toEqual({
      ok: true,
      params: { size: 2 ** 31, chunk: 4096, rounds: 1000, wait: 20, order: "down" },
    });
    expect(validateParams(SPECS, {})).toEqual({ ok: true, params: defaultParams(SPECS) });
  });

  test("says at the field why", () => {
    expect(reasons({ size: "-1" }).size).toBe("-1 is outside 4K to 1T");
    expect(reasons({ size: 5000 }).size).toBe("5000 is not a multiple of 4K");
    expect(reasons({ size: "lots" }).size).toBe('"lots" is not a size such as 4096, 2M or 50G (4K to 1T)');
    expect(reasons({ chunk: "2G" }).chunk).toBe("2G is more than size, which is 1G");
    expect(reasons({ rounds: 1.5 }).rounds).toBe("1.5 is not a whole number (1 to 10000)");
    expect(reasons({ rounds: null }).rounds).toContain("null is not a whole number");
    expect(reasons({ order: "sideways" }).order).toBe('"sideways" is not one of up, down');
    expect(reasons({ nosuch: 1 }).nosuch).toBe(
      "there is no such parameter; the parameters are size, chunk, rounds, wait, order",
    );
    expect(reasons({ size: 0, rounds: 0 })).toHaveProperty("rounds");
  });

  test("never throws, and never passes a value out of bounds", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("size", "rounds", "order", "__proto__", "x"), fc.anything()),
        (input) => {
          const result = validateParams(SPECS, input);
          if (!result.ok) return result.problems.length > 0;
          const { size, rounds } = result.params;
          return Number(size) >= 4096 && Number(size) <= 2 ** 40 && Number(rounds) >= 1 && Number(rounds) <= 10_000;
        },
      ),
    );
  });
});
