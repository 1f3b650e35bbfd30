import { formatParam, type ParamSpec, validateParams } from "../../engine/experiment/params.ts";
import type { Params } from "../../engine/experiment/types.ts";
import type { SweepSpec } from "../../main/contract/sweeps.ts";
import type { Experiment, ExperimentSpec, LabError, Preset } from "../../main/contract.ts";
import { startExperiment, startSweep } from "../state/actions.ts";
import { asLabError } from "../state/lab.ts";
import { PolicyChoice } from "./policy-choice.svelte.ts";
import { SweepForm } from "./sweep-form.svelte.ts";

const SEED_MAX = 4_294_967_295;

function seedProblem(text: string): string | undefined {
  if (!/^\d{1,10}$/.test(text.trim()) || Number(text) > SEED_MAX) return `a whole number from 0 to ${SEED_MAX}`;
  return undefined;
}

/** What is typed into the form of a new experiment, and what is wrong with it. */
export class ExperimentForm {
  preset = $state.raw<Preset>() as Preset;
  texts = $state<Record<string, string>>({});
  /** The policies that it runs under, and what is set of them. */
  readonly choice = new PolicyChoice();
  source = $state<"model" | "kernel" | "both">("model");
  seed = $state("1");
  levels = $state<"4" | "5">("4");
  title = $state("");
  readonly sweep = new SweepForm();
  starting = $state(false);
  #refusal = $state.raw<{ readonly asked: string; readonly error: LabError } | undefined>(undefined);

  constructor(preset: Preset, from?: Experiment) {
    this.choose(preset, from?.params);
    if (!from) return;
    this.seed = String(from.seed);
    this.levels = from.levels === 5 ? "5" : "4";
    const sources = new Set(from.runs.map((run) => run.source));
    this.choice.take(
      from.runs.map((run) => run.mode),
      from.params,
    );
    this.source = sources.size === 1 ? ([...sources][0] ?? "model") : "both";
    if (from.sweep) this.sweep.again(this.sweepable, from.sweep);
  }

  /** Another preset: its defaults, or the values of an experiment that is run again. */
  choose(preset: Preset, values: Params = {}): void {
    this.preset = preset;
    this.texts = Object.fromEntries(
      preset.params.map((spec) => [spec.name, formatParam(spec, values[spec.name] ?? spec.default)]),
    );
    this.sweep.choose(preset.params);
  }

  /** What can be swept. */
  sweepable = $derived<readonly ParamSpec[]>([...this.preset.params, ...this.choice.all]);

  /** What is typed, of these. */
  #typed(specs: readonly ParamSpec[]): Record<string, string> {
    return Object.fromEntries(specs.map(({ name }) => [name, this.texts[name] ?? ""]));
  }

  #checked = $derived(validateParams(this.preset.params, this.#typed(this.preset.params)));
  /** By field: why what is typed cannot be. */
  problems = $derived.by((): Readonly<Record<string, string>> => {
    const problems: Record<string, string> = {};
    if (!this.#checked.ok) for (const problem of this.#checked.problems) problems[problem.name] = problem.reason;
    Object.assign(problems, this.choice.problems);
    const seed = seedProblem(this.seed);
    if (seed) problems.seed = seed;
    if (this.sweep.on) {
      // The swept parameter's own field does not count.
      delete problems[this.sweep.parameter];
      for (const [field, problem] of Object.entries(this.sweep.values(this.sweepable).problems))
        problems[`sweep ${field}`] = problem;
    }
    return problems;
  });

  valid = $derived(Object.keys(this.problems).length === 0);

  spec(): ExperimentSpec {
    const title = this.title.trim();
    return {
      workload: { kind: "preset", name: this.preset.name, params: this.#checked.ok ? this.#checked.params : {} },
      mode: [...this.choice.policies],
      knobs: this.choice.set(),
      source: this.source,
      seed: Number(this.seed),
      levels: this.levels === "5" ? 5 : 4,
      ...(title ? { title } : {}),
    };
  }

  sweepSpec(): SweepSpec {
    const { parameter } = this.sweep;
    const { mode, seed, levels, title } = this.spec();
    const others = this.preset.params.filter((spec) => spec.name !== parameter);
    const checked = validateParams(others, this.#typed(others));
    const knobs = Object.fromEntries(Object.entries(this.choice.set()).filter(([name]) => name !== parameter));
    return {
      preset: this.preset.name,
      params: checked.ok ? checked.params : {},
      knobs,
      parameter,
      values: [...this.sweep.values(this.sweepable).values],
      ...(mode === undefined ? {} : { mode }),
      ...(seed === undefined ? {} : { seed }),
      ...(levels === undefined ? {} : { levels }),
      ...(title === undefined ? {} : { title }),
    };
  }

  /** All that is asked of the lab, as text. */
  #asked = $derived(JSON.stringify(this.sweep.on ? this.sweepSpec() : this.spec()));

  /** What the lab said when it was asked to start; undefined once the form says something else. */
  refused = $derived(this.#refusal?.asked === this.#asked ? this.#refusal.error : undefined);

  async start(): Promise<void> {
    this.#refusal = undefined;
    if (!this.valid || this.starting) return;
    this.starting = true;
    const asked = this.#asked;
    try {
      if (this.sweep.on) await startSweep(this.sweepSpec());
      else await startExperiment(this.spec());
    } catch (thrown) {
      this.#refusal = { asked, error: asLabError(thrown) };
    } finally {
      this.starting = false;
    }
  }
}
