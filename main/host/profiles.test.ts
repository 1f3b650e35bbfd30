/** Runs keep the kernel that they are about, and are made again on it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BadInputError } from "../../engine/error.ts";
import { KERNEL_PROFILES, REFERENCE_PROFILE } from "../../engine/mm/kernel-profiles.ts";
import { thisKernel } from "../../probe/this-kernel.ts";
import { resultOf } from "../answer.ts";
import type { CallArguments, CallResult, Experiment, ExperimentSpec, LabCallName } from "../contract.ts";
import { type Lab, openLab } from "./lab.ts";
import { profileAgain, profilesFor, storedProfile } from "./profiles.ts";

const OLD = KERNEL_PROFILES.get("6.12") ?? REFERENCE_PROFILE;

let folder: string;
let lab: Lab;
let wake = () => {};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lab-profiles-"));
  lab = openLab({
    file: join(folder, "history.sqlite"),
    emit: () => wake(),
    log: (error) => {
      throw error;
    },
  });
});

afterEach(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

async function ask<N extends LabCallName>(name: N, ...params: CallArguments<N>): Promise<CallResult<N>> {
  return resultOf(name, await lab.call(name, params[0]));
}

async function ended({ id }: Experiment): Promise<Experiment> {
  for (;;) {
    const next = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const experiment = await ask("experiment.get", { id });
    if (experiment.runs.every((run) => run.endedAt !== null)) return experiment;
    await next;
  }
}

const SPEC: ExperimentSpec = { workload: { kind: "preset", name: "commit-table", params: { size: 2 ** 26 } } };
const kernels = (experiment: Experiment) => experiment.runs.map((run) => [run.source, run.kernelProfile?.name]);

test("a modelled run is about the reference, or the kernel that is asked for, and is made again on it", async () => {
  expect(kernels(await ended(await ask("experiment.start", { ...SPEC, mode: "none" })))).toEqual([
    ["model", "reference"],
  ]);
  const asked = await ended(await ask("experiment.start", { ...SPEC, mode: "none", kernelProfile: { ...OLD } }));
  expect(asked.runs[0].kernelProfile).toEqual(OLD);
  expect(kernels(await ended(await ask("experiment.again", { id: asked.id })))).toEqual([["model", "6.12"]]);
});

test("what is no profile is refused before anything runs", async () => {
  const spec = { ...SPEC, kernelProfile: { name: "mine", zeroPage: "no" } };
  await expect(ask("experiment.start", spec)).rejects.toThrow("this is not a kernel profile");
  expect((await ask("history.list", {})).rows).toEqual([]);
});

const kernel = thisKernel();
test.skipIf(!kernel.available)("measured and modelled beside it are about the running kernel", async () => {
  if (!kernel.available) return;
  const { name } = kernel.profile;
  const both = await ended(await ask("experiment.start", { ...SPEC, mode: "none", source: "both" }));
  expect(kernels(both)).toEqual([
    ["model", name],
    ["kernel", name],
  ]);
  expect(both.runs.map((run) => run.status)).toEqual(["done", "done"]);
  const [model, measured] = both.runs;
  expect(model.summary?.final.virt_kb).toBe(measured.summary?.final.virt_kb);
});

test("levels are the experiment's; a profile of another version is made again as the reference", () => {
  expect(profilesFor({ ...OLD }, false, 5).model).toEqual({ ...OLD, levels: 5 });
  expect(() => profilesFor({ name: "mine" }, false, 4)).toThrow(BadInputError);
  expect(profileAgain(storedProfile(OLD))).toEqual(OLD);
  expect(profileAgain({ name: "6.12", zeroPage: true, aFieldToCome: 1 })).toBe(REFERENCE_PROFILE);
  expect(profileAgain(null)).toBe(REFERENCE_PROFILE);
});
