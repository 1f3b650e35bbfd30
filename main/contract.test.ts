import * as v from "valibot";
import { describe, expect, expectTypeOf, it } from "vitest";
import { POLICY_IDS } from "../engine/experiment/policies.ts";
import { type RunProgress, type RunSummary, SAMPLE_COLUMNS, type SampleColumns } from "../engine/experiment/types.ts";
import { callsWithout } from "../long/fuzz/targets/calls.ts";
import { type runProgressSchema, type runSummarySchema, sampleBlockSchema } from "./contract/shapes.ts";
import {
  type Answer,
  CALLS,
  type CallArguments,
  type CallParams,
  type CallResult,
  EVENTS,
  type EventPayload,
  type Experiment,
  type ExperimentSpec,
  isCallName,
  isWindowCallName,
  type LabApi,
  type SampleBlock,
  type WindowCallName,
} from "./contract.ts";

describe("the contract's types", () => {
  it("says what the engine's types say", () => {
    expectTypeOf<RunSummary>().toExtend<v.InferInput<typeof runSummarySchema>>();
    expectTypeOf<v.InferOutput<typeof runSummarySchema>>().toExtend<RunSummary>();
    expectTypeOf<RunProgress>().toExtend<v.InferInput<typeof runProgressSchema>>();
    expectTypeOf<v.InferOutput<typeof runProgressSchema>>().toExtend<RunProgress>();
    expectTypeOf<Partial<SampleColumns>>().toExtend<SampleBlock["columns"]>();
  });

  it("types each call by its name", () => {
    expectTypeOf<CallResult<"experiment.start">>().toEqualTypeOf<Experiment>();
    expectTypeOf<CallParams<"experiment.cancel">>().toEqualTypeOf<{ id: number }>();
    expectTypeOf<EventPayload<"run.ended">>().toExtend<{ id: number; status: string }>();
    expectTypeOf<LabApi["call"]>().toBeCallableWith("doctor.look");
    expectTypeOf<CallArguments<"doctor.look">>().toEqualTypeOf<[]>();
    expectTypeOf<CallArguments<"experiment.start">>().toEqualTypeOf<[params: ExperimentSpec]>();
    expectTypeOf<Answer<number>>().toEqualTypeOf<
      { readonly result: number } | { readonly error: import("./contract.ts").LabError }
    >();
  });

  it("keeps the shell's calls from the window", () => {
    expectTypeOf<"export.write">().not.toExtend<WindowCallName>();
    expectTypeOf<"host.close">().not.toExtend<WindowCallName>();
    expect(isWindowCallName("export.write")).toBe(false);
    expect(isWindowCallName("host.close")).toBe(false);
    expect(isWindowCallName("experiment.start")).toBe(true);
  });
});

describe("what a dialog shows before a program is started", () => {
  const launch = { command: "true", folder: "/tmp", env: "A=1\nB=2", stacks: false };
  const trial = { command: "true", folder: "", settings: ["a: A=1"], repeat: 1 };

  it("can only be what it shows", () => {
    expect(v.is(CALLS["record.launch"].params, launch)).toBe(true);
    expect(v.is(CALLS["trial.launch"].params, trial)).toBe(true);
    for (const odd of ["true\n\n\nin ~", "true \u202egnp.x", "true \u001b[8m; x", "true\u2028in ~"]) {
      expect(v.is(CALLS["record.launch"].params, { ...launch, command: odd }), odd).toBe(false);
      expect(v.is(CALLS["record.launch"].params, { ...launch, folder: `/tmp/${odd}` }), odd).toBe(false);
      expect(v.is(CALLS["trial.launch"].params, { ...trial, command: odd }), odd).toBe(false);
      expect(v.is(CALLS["trial.launch"].params, { ...trial, folder: `/tmp/${odd}` }), odd).toBe(false);
      expect(v.is(CALLS["trial.launch"].params, { ...trial, settings: [`a: A=${odd}`] }), odd).toBe(false);
    }
    expect(v.is(CALLS["record.launch"].params, { ...launch, env: "A=\u202e1" })).toBe(false);
  });
});

describe("the contract's names", () => {
  it("are group.verb", () => {
    for (const name of [...Object.keys(CALLS), ...Object.keys(EVENTS)])
      expect(name).toMatch(/^[a-z]+\.[a-z][A-Za-z]*$/);
  });

  it("are own names of the map, not what every object has", () => {
    for (const name of ["toString", "__proto__", "constructor", 7, null, undefined])
      expect(isCallName(name)).toBe(false);
  });

  it("lets no call of the window carry a path", () => {
    for (const [name, call] of Object.entries(CALLS)) {
      if (call.from !== "window" || !("entries" in call.params)) continue;
      expect(Object.keys(call.params.entries), name).not.toContain("path");
    }
  });
});

describe("the contract's schemas", () => {
  const start = CALLS["experiment.start"].params;
  const spec = { workload: { kind: "preset", name: "commit-table", params: { size: 53_687_091_200 } } };

  it("fills in what an experiment leaves out", () => {
    expect(v.parse(start, spec)).toEqual({
      ...spec,
      mode: ["none", "sync"],
      knobs: {},
      source: "model",
      seed: 1,
      levels: 4,
    });
  });

  it.each([
    ["no workload", {}],
    ["a path instead of a token", { workload: { kind: "file", token: "/etc/passwd" } }],
    ["a policy that does not exist", { ...spec, mode: "fast" }],
    ["a seed below zero", { ...spec, seed: -1 }],
    ["a parameter that is not a number", { workload: { ...spec.workload, params: { size: Number.NaN } } }],
    ["a parameter that is an object", { workload: { ...spec.workload, params: { size: {} } } }],
  ])("refuses %s", (_what, value) => {
    expect(v.safeParse(start, value).success).toBe(false);
  });

  it("takes samples as typed arrays of known columns only", () => {
    const values = new Float64Array([1, 2]);
    const block = (columns: Record<string, unknown>) => v.safeParse(sampleBlockSchema, { count: 2, columns }).success;
    expect(block({ vmpte_kb: values })).toBe(true);
    expect(block(Object.fromEntries(SAMPLE_COLUMNS.map((column) => [column.name, values])))).toBe(true);
    expect(block({ vmpte_kb: [1, 2] })).toBe(false);
    expect(block({ nonsense: values })).toBe(false);
  });

  it("knows every policy, and lists of them", () => {
    for (const mode of [...POLICY_IDS, "both", [...POLICY_IDS]])
      expect(v.safeParse(start, { ...spec, mode }).success).toBe(true);
    for (const mode of ["nonsense", [], ["sync", "nonsense"]])
      expect(v.safeParse(start, { ...spec, mode }).success).toBe(false);
  });
});

it("an object that only looks like the bytes of a picture is none", () => {
  const png = Object.assign(Object.create(Uint8Array.prototype), { 0: 1 });
  const { params } = CALLS["clipboard.writePicture"];
  expect([v.safeParse(params, { png }).success, v.safeParse(params, { png: new Uint8Array(9) }).success]).toEqual([
    false,
    true,
  ]);
});

it("every call of the window that takes something has a sound payload to be fuzzed from", () => {
  expect(callsWithout).toEqual([]);
});
