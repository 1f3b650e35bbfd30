import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultParams, validateParams } from "../../experiment/params.ts";
import type { Params } from "../../experiment/types.ts";
import { createPermutation } from "../random.ts";
import { documentPresets } from "./document.ts";
import { findPreset, PRESETS, type Preset } from "./index.ts";

/** Small enough to count the operations of. */
const SMALL: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "commit-table": { size: "64M", rounds: 3 },
  server: { virt: "2G", resident: "256M", chunk: "16M" },
  "jemalloc-decay": { heap: "64M", rounds: 3 },
  "tcmalloc-spans": { heap: "64M", rounds: 3 },
  "go-scavenger": { heap: "64M", rounds: 2 },
  "redis-flush": { dataset: "64M", rounds: 2 },
  "database-rounds": { resident: "128M", fresh: "128M" },
  "vm-balloon": { guest: "64M", given: "32M" },
  "ping-pong": { size: "16M", rounds: 20 },
  "guard-pages": { stacks: 50 },
  "live-migration": { guest: "64M" },
  "thp-split": { size: "64M" },
  "fork-server": { heap: "64M", written: "8M", children: 3 },
};

function small(preset: Preset): Params {
  const result = validateParams(preset.params, SMALL[preset.name] ?? {});
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.params;
}

describe.each(PRESETS)("$name", (preset) => {
  test("is found by its name, and documented", () => {
    expect(findPreset(preset.name)).toBe(preset);
    expect(preset.sources.length).toBeGreaterThan(0);
    for (const text of [preset.title, preset.description, ...preset.params.map((spec) => spec.description)]) {
      expect(text.trim().length).toBeGreaterThan(10);
    }
    expect(validateParams(preset.params, {})).toEqual({ ok: true, params: defaultParams(preset.params) });
  });

  test("yields as many operations as it says", () => {
    let count = 0;
    for (const _ of preset.operations(small(preset), 1)) count++;
    expect(count).toBe(preset.operationCount(small(preset)));
  });

  test("yields the same operations for the same seed, all valid", () => {
    const first = [...preset.operations(small(preset), 7)];
    expect([...preset.operations(small(preset), 7)]).toEqual(first);
    for (const operation of first) {
      if (!("addr" in operation) || !("len" in operation)) continue;
      expect(operation.addr % 4096).toBe(0);
      expect(operation.len).toBeGreaterThan(0);
      expect(operation.addr + operation.len).toBeLessThanOrEqual(2 ** 47);
    }
  });
});

describe("commit-table", () => {
  const preset = findPreset("commit-table") as Preset;

  test("is the experiment of the series", () => {
    const params = defaultParams(preset.params);
    expect(preset.operationCount(params)).toBe(51_201);
    const [map, touch, advise] = preset.operations(params, 1);
    expect(map).toMatchObject({ op: "mmap", len: 50 * 2 ** 30, prot: "rw", backing: "anon" });
    expect(touch).toMatchObject({ op: "touch", len: 2 ** 21, access: "w" });
    expect(advise).toMatchObject({ op: "madvise", len: 2 ** 21, advice: "dontneed" });
  });

  test("random order depends on the seed and visits every piece once", () => {
    const params = { ...defaultParams(preset.params), size: 2 ** 30, order: "random" };
    const touched = (seed: number): number[] =>
      [...preset.operations(params, seed)].flatMap((operation) => (operation.op === "touch" ? [operation.addr] : []));
    expect(touched(1)).not.toEqual(touched(2));
    expect(new Set(touched(1)).size).toBe(512);
  });
});

test("docs/presets.md is what the presets say", async () => {
  await expect(documentPresets(PRESETS)).toMatchFileSnapshot("../../../docs/presets.md");
});

test("createPermutation is one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 0 }), (count, seed) => {
      const permute = createPermutation(count, seed);
      const seen = new Set(Array.from({ length: count }, (_, i) => permute(i)));
      return seen.size === count && Math.max(...seen) === count - 1;
    }),
    { numRuns: 50 },
  );
});
