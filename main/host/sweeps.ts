/** The calls about sweeps. */
import * as v from "valibot";
import type { StoredExperiment } from "../../db/records.ts";
import type { Store } from "../../db/store.ts";
import { BadInputError } from "../../engine/error.ts";
import { paramNamed, profileUnder, withoutKnobs } from "../../engine/experiment/knobs.ts";
import { formatParam, type ParamSpec } from "../../engine/experiment/params.ts";
import { inPolicyOrder, type PolicyId } from "../../engine/experiment/policies.ts";
import type { Params, ParamValue } from "../../engine/experiment/types.ts";
import { findPreset } from "../../engine/workload/presets/index.ts";
import { sweepDetailSchema } from "../contract/shapes.ts";
import type { CallName, Handlers } from "../contract.ts";
import type { Emit } from "./emit.ts";
import { hostFacts } from "./facts.ts";
import { profilesFor, storedProfile } from "./profiles.ts";
import type { QueuedRun, Runner } from "./runner.ts";
import { toStarted } from "./shapes.ts";
import { resolvePreset, withKnobs } from "./spec.ts";
import { startWorkerRun } from "./worker-execution.ts";

type Names = Extract<CallName, `sweep.${string}`>;

interface Point {
  readonly label: string;
  readonly mode: PolicyId;
  readonly params: Params;
  readonly operationsTotal: number | null;
}

function sweptParam(preset: string, parameter: string): ParamSpec {
  const found = paramNamed(findPreset(preset)?.params ?? [], parameter);
  if (found !== undefined) return found;
  // Names the presets where it is the preset that is wrong.
  resolvePreset(preset, {});
  const names = findPreset(preset)?.params.map(({ name }) => name) ?? [];
  throw new BadInputError(`${preset} has no parameter "${parameter.slice(0, 60)}"`, {
    todo: `Its parameters are ${names.join(", ")}; \`reclaim-lab policies\` shows what can be set of each policy`,
  });
}

export interface Sweeps {
  readonly handlers: Handlers<Names>;
  /** The same sweep as a new experiment. Errors: BadInputError where it is none. */
  again(experiment: StoredExperiment): StoredExperiment;
}

export function createSweeps(store: Store, runner: Runner, emit: Emit): Sweeps {
  function begin(experiment: StoredExperiment, points: readonly Point[]): StoredExperiment {
    const { id, workload: name, seed } = experiment;
    const levels = experiment.levels === 5 ? 5 : 4;
    const facts = hostFacts(null);
    const reference = profilesFor(undefined, false, levels).model;
    const runs = store.startRuns(
      id,
      points.map(({ label, mode, params, operationsTotal }) => ({
        source: "model",
        mode,
        facts,
        kernelProfile: storedProfile(profileUnder(reference, params)),
        params,
        label,
        operationsTotal,
        status: "queued",
      })),
    );
    const begun = store.getExperiment(id);
    emit("experiment.started", toStarted(begun));
    emit("history.changed", { ids: [id] });
    const queued = runs.map(({ id: runId, mode, params }): QueuedRun => {
      const { own, knobs } = withoutKnobs(params);
      const workload = { kind: "preset" as const, name, params: { ...own } };
      const profile = { ...profileUnder(reference, params) };
      const task = { workload, source: "model" as const, mode, seed, levels, profile, knobs: { ...knobs } } as const;
      return { runId, experimentId: id, alone: false, begin: (onBatch) => startWorkerRun(task, onBatch) };
    });
    runner.add(...queued);
    return begun;
  }

  function pointsOf(
    preset: string,
    params: Params,
    spec: ParamSpec,
    values: readonly ParamValue[],
    modes: readonly PolicyId[],
  ): Point[] {
    const seen = new Set<string>();
    return values.flatMap((value) => {
      const { own, knobs } = withoutKnobs({ ...params, [spec.name]: value });
      const resolved = withKnobs(resolvePreset(preset, own), knobs, modes);
      const label = `${spec.name} ${formatParam(spec, resolved.params[spec.name])}`;
      const { operationsTotal } = resolved;
      // "4K" and 4096 are the same value.
      if (seen.has(label)) return [];
      seen.add(label);
      return modes.map((mode) => ({ label, mode, params: resolved.params, operationsTotal }));
    });
  }

  /** Every point that a stored sweep is made of. */
  function planOf(experiment: StoredExperiment): Point[] {
    const { id, workload, params, detail, runs } = experiment;
    if (!v.is(sweepDetailSchema, detail))
      throw new BadInputError(`Experiment ${id} is not a sweep`, { todo: "`run again` repeats it" });
    const modes = inPolicyOrder(runs.map((run) => run.mode));
    return pointsOf(workload, params, sweptParam(workload, detail.parameter), detail.values, modes);
  }

  const handlers: Handlers<Names> = {
    "sweep.start": ({ preset, params, knobs, parameter, values, mode, seed, levels, title }) => {
      const spec = sweptParam(preset, parameter);
      // Every value is checked before anything is stored.
      const points = pointsOf(preset, { ...params, ...knobs }, spec, values, mode);
      const swept = [...new Set(points.map((point) => point.params[parameter]))];
      const [first, last] = [swept[0], swept.at(-1)].map((value) => formatParam(spec, value ?? ""));
      const stored = store.createExperiment({
        kind: "sweep",
        title: title ?? `${findPreset(preset)?.title}: ${parameter} from ${first} to ${last}`,
        workload: preset,
        workloadKind: "preset",
        params: Object.fromEntries(Object.entries(points[0]?.params ?? {}).filter(([name]) => name !== parameter)),
        seed,
        levels,
        detail: { parameter, values: swept },
      });
      return { id: begin(stored, points).id };
    },
    "sweep.resume": ({ id }) => {
      const experiment = store.getExperiment(id);
      const points = planOf(experiment);
      if (runner.isBusy(id)) throw new BadInputError(`Sweep ${id} is already running`);
      const done = new Set(
        experiment.runs.filter((run) => run.status === "done").map((run) => `${run.label} ${run.mode}`),
      );
      const missing = points.filter(({ label, mode }) => !done.has(`${label} ${mode}`));
      if (missing.length > 0) begin(experiment, missing);
      return { id };
    },
  };

  return {
    handlers,
    again(before) {
      const points = planOf(before);
      const { title, workload, workloadKind, params, seed, levels, detail } = before;
      return begin(
        store.createExperiment({ kind: "sweep", title, workload, workloadKind, params, seed, levels, detail }),
        points,
      );
    },
  };
}
