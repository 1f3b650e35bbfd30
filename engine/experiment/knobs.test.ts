import { expect, test } from "vitest";
import { createKernel } from "../mm/kernel.ts";
import { REFERENCE_PROFILE } from "../mm/kernel-profiles.ts";
import { PRESETS } from "../workload/presets/index.ts";
import {
  checkKnobs,
  KERNEL_SWITCHES,
  kernelUnder,
  knobsUnder,
  profileUnder,
  switchesSet,
  withoutKnobs,
} from "./knobs.ts";
import { POLICY_IDS, type PolicyId } from "./policies.ts";

const PAGES = 512;

test("no knob has the name of a preset's parameter", () => {
  const names = knobsUnder(POLICY_IDS).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const preset of PRESETS) for (const { name } of preset.params) expect(names, preset.name).not.toContain(name);
});

test("what is kept: every number of the policies, and the switches that were set", () => {
  expect(checkKnobs({ scan_interval: "50 ms", thp_deposit: "kernel" }, ["none", "async"])).toEqual({
    ok: true,
    params: { scan_interval: 50, scan_size: 2 ** 28, thp_deposit: "kernel" },
  });
  expect(checkKnobs({}, ["none", "sync", "eager"])).toEqual({ ok: true, params: {} });
});

test("what is refused says why, each at its name", () => {
  const reasons = (given: Record<string, unknown>, ...policies: PolicyId[]) => {
    const checked = checkKnobs(given, policies);
    return checked.ok ? [] : checked.problems.map(({ name, reason }) => `${name}: ${reason}`);
  };
  expect(reasons({ scan_interval: 5, zero_tables: "yes" }, "none", "demand")).toEqual([
    "scan_interval: it belongs to async; the policies here are none, demand, so it would have no effect",
  ]);
  expect(reasons({ zero_tables: "yes" }, "sync")[0]).toMatch(/to eager, async and demand; the policies here are sync/);
  expect(reasons({ nosuch: 1 }, "async")[0]).toMatch(/^nosuch: there is no such knob; .* scan_interval, scan_size/);
  expect(reasons({ scan_interval: 0, scan_size: "3M", resched: 100 }, "async")).toEqual([
    "scan_interval: 0 ms is outside 1 ms to 3600000 ms",
    "scan_size: 3M is not a multiple of 2M",
    "resched: 100 % is outside 0 % to 99 %",
  ]);
});

test("parameters and what is set beside them are told apart", () => {
  expect(withoutKnobs({ size: 1, scan_size: 2, resched: 3 })).toEqual({
    own: { size: 1 },
    knobs: { scan_size: 2, resched: 3 },
  });
});

test("a kernel has what is set of its own policy, and of every kernel", () => {
  const set = {
    scan_interval: 7,
    scan_size: 2 ** 21,
    demand_interval: 9,
    zero_tables: "yes",
    resched: 25,
    batch_fail: 100,
  };
  const async = kernelUnder("async", set);
  expect(async.features.scan).toEqual({ intervalNs: 7e6, pages: PAGES });
  expect(async.features.ask).toBeNull();
  expect(async).toMatchObject({ zeroTables: true, reschedRate: 0.25, batchFailRate: 1 });
  expect(kernelUnder("demand", set).features.ask).toEqual({ intervalNs: 9e6 });
  expect(kernelUnder("none", set)).toMatchObject({ zeroTables: false, reschedRate: 0.25 });
  expect(kernelUnder("eager", {})).toMatchObject({ zeroTables: false, reschedRate: 0, batchFailRate: 0 });
});

test("each changes what a run comes to", () => {
  const emptied = (params: Parameters<typeof kernelUnder>[1]) => {
    const kernel = createKernel({ ...kernelUnder("async", params), seed: 1 });
    const before = kernel.vmpteKb();
    // A table of zero pages, and an empty one; then time passes.
    const [addr, len] = [2 ** 44, 2 ** 22];
    kernel.execute({ op: "mmap", addr, len, prot: "rw", backing: "anon", flags: ["nohugepage"] });
    kernel.execute({ op: "touch", addr, len, access: "r" });
    kernel.execute({ op: "madvise", addr, len: len / 2, advice: "dontneed" });
    kernel.execute({ op: "tick", ms: 150 });
    return kernel.vmpteKb() - before;
  };
  expect(emptied({ zero_tables: "yes" })).toBeLessThan(emptied({}));
  expect(emptied({ scan_interval: 1_000 })).toBeGreaterThan(emptied({}));
});

test("thp_deposit is a field of the kernel's profile, whose name says that it is another", () => {
  expect(profileUnder(REFERENCE_PROFILE, {})).toBe(REFERENCE_PROFILE);
  expect(profileUnder(REFERENCE_PROFILE, { thp_deposit: "table" })).toBe(REFERENCE_PROFILE);
  const split = profileUnder(REFERENCE_PROFILE, { thp_deposit: "split" });
  expect(split).toEqual({ ...REFERENCE_PROFILE, name: "reference, thp_deposit=split", depositedTables: false });
  // Once more, as for a run that is made again.
  expect(profileUnder(split, { thp_deposit: "split" })).toBe(split);
});

test("what a running kernel cannot be given is known", () => {
  expect(switchesSet({ resched: 0, thp_deposit: "kernel", scan_interval: 3 })).toEqual([]);
  expect(switchesSet({ resched: 1, thp_deposit: "split" })).toEqual(["thp_deposit", "resched"]);
  expect(KERNEL_SWITCHES.every(({ name }) => name in { thp_deposit: 1, resched: 1, batch_fail: 1 })).toBe(true);
});
