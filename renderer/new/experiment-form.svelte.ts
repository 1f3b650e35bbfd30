import type { ParamValue } from "../../engine/experiment/types.ts";
import type { Experiment, ExperimentSpec, LabError, Preset } from "../../main/contract.ts";
import { paramText, readParam } from "../lib/params.ts";
import { parseNumber } from "../lib/quantity.ts";
import { startExperiment } from "../state/actions.ts";
import { asLabError } from "../state/lab.ts";

const SEED_MAX = 4_294_967_295;

/** What is typed into the form of a new experiment, and what is wrong with it. */
export class ExperimentForm {
  preset = $state.raw<Preset>() as Preset;
  texts = $state<Record<string, string>>({});
  mode = $state<"both" | "sync" | "none">("both");
  source = $state<"model" | "kernel" | "both">("model");
  seed = $state("1");
  levels = $state<"4" | "5">("4");
  title = $state("");
  starting = $state(false);
  /** What the lab said when it was asked to start. */
  refused = $state.raw<LabError | undefined>(undefined);

  constructor(preset: Preset, from?: Experiment) {
    this.choose(preset, from?.params);
    if (!from) return;
    this.seed = String(from.seed);
    this.levels = from.levels === 5 ? "5" : "4";
    const modes = new Set(from.runs.map((run) => run.mode));
    const sources = new Set(from.runs.map((run) => run.source));
    this.mode = modes.size === 1 ? ([...modes][0] ?? "both") : "both";
    this.source = sources.size === 1 ? ([...sources][0] ?? "model") : "both";
  }

  /** Another preset: its defaults, or the values of an experiment that is run again. */
  choose(preset: Preset, values: Readonly<Record<string, ParamValue>> = {}): void {
    this.preset = preset;
    this.texts = Object.fromEntries(
      preset.params.map((param) => [param.name, paramText(param, values[param.name] ?? param.default)]),
    );
    this.refused = undefined;
  }

  /** By field: why what is typed cannot be. */
  problems = $derived.by((): Readonly<Record<string, string>> => {
    const problems: Record<string, string> = {};
    for (const param of this.preset.params) {
      const read = readParam(param, this.texts[param.name] ?? "");
      if ("problem" in read) problems[param.name] = read.problem;
    }
    const seed = parseNumber(this.seed, false);
    if ("problem" in seed) problems["seed"] = seed.problem;
    else if (seed.value < 0 || seed.value > SEED_MAX) problems["seed"] = `Between 0 and ${SEED_MAX}`;
    const where = this.refused?.where;
    if (this.refused && where && where in this.texts && !(where in problems)) {
      problems[where] = [this.refused.message, this.refused.why].filter(Boolean).join(": ");
    }
    return problems;
  });

  valid = $derived(Object.keys(this.problems).length === 0);

  /** The refusal, where it is about no field that is drawn. */
  refusedAtLarge = $derived(this.refused && !(this.refused.where && this.refused.where in this.texts) ? this.refused : undefined);

  spec(): ExperimentSpec {
    const params: Record<string, ParamValue> = {};
    for (const param of this.preset.params) {
      const read = readParam(param, this.texts[param.name] ?? "");
      if ("value" in read) params[param.name] = read.value;
    }
    const title = this.title.trim();
    return {
      workload: { kind: "preset", name: this.preset.name, params },
      mode: this.mode,
      source: this.source,
      seed: Number(this.seed.replace(/[,_ ]/g, "")),
      levels: this.levels === "5" ? 5 : 4,
      ...(title ? { title } : {}),
    };
  }

  async start(): Promise<void> {
    this.refused = undefined;
    if (!this.valid || this.starting) return;
    this.starting = true;
    try {
      await startExperiment(this.spec());
    } catch (thrown) {
      this.refused = asLabError(thrown);
    } finally {
      this.starting = false;
    }
  }
}
