import type { RunSeries } from "../../chart/series.ts";
import { hasClock } from "../../chart/view.ts";
import { COMPARED_MAX } from "../../engine/experiment/compare-runs.ts";
import { baselineOf, inPolicyOrder, type PolicyId } from "../../engine/experiment/policies.ts";
import type { SampleColumn } from "../../engine/experiment/types.ts";
import type { Experiment, LabError, Run } from "../../main/contract.ts";
import { OpenExperiment } from "../state/open-experiment.svelte.ts";
import { distinctLabels, shorten } from "./labels.ts";

/** Runs of one policy, or of all. */
export type Which = PolicyId | "all";

export interface ComparedRun {
  readonly key: string;
  readonly experiment: Experiment;
  readonly run: Run;
  /** As short as tells it from the others: the title, numbered where two have the same. */
  readonly label: string;
}

/** Several experiments beside each other. */
export class Comparison {
  readonly opened: readonly OpenExperiment[];
  which = $state<Which>("all");
  /** Key of the run that the others are measured against; undefined: the pinned experiment's, else the first. */
  chosenBaseline = $state<string | undefined>(undefined);

  constructor(ids: readonly number[]) {
    // The older one first: it is the baseline where none is pinned or chosen.
    this.opened = ids.toSorted((a, b) => a - b).map((id) => new OpenExperiment(id));
  }

  async load(): Promise<void> {
    await Promise.all(this.opened.map((open) => open.load()));
    const [first] = this.policies;
    if (this.runsOf("all").length > COMPARED_MAX && first) this.which = first;
  }

  error = $derived.by((): LabError | undefined => this.opened.find((open) => open.error)?.error);
  loaded = $derived.by(() => this.opened.every((open) => open.experiment || open.error));

  runsOf(which: Which): ComparedRun[] {
    const experiments = this.opened.flatMap((open) => open.experiment ?? []);
    const labels = distinctLabels(experiments);
    return experiments.flatMap((experiment) =>
      experiment.runs
        .filter((run) => run.sampleCount > 0 && (which === "all" || run.mode === which))
        .map((run) => ({ key: String(run.id), experiment, run, label: labels.get(experiment.id) ?? experiment.title })),
    );
  }

  /** Those that any run was made under; the baseline last, for what is compared are mostly the others. */
  policies = $derived.by((): PolicyId[] => {
    const there = inPolicyOrder(this.runsOf("all").map(({ run }) => run.mode));
    const baseline = baselineOf(there);
    return [...there.filter((id) => id !== baseline), ...there.filter((id) => id === baseline)];
  });

  runs = $derived(this.runsOf(this.which).slice(0, COMPARED_MAX));
  leftOut = $derived(this.runsOf(this.which).length - this.runs.length);

  baseline = $derived.by((): number => {
    const chosen = this.runs.findIndex((item) => item.key === this.chosenBaseline);
    if (chosen >= 0) return chosen;
    const pinned = this.runs.findIndex((item) => item.experiment.pinned);
    return Math.max(0, pinned);
  });

  async need(columns: readonly SampleColumn[]): Promise<void> {
    await Promise.all(this.opened.map((open) => open.need(columns)));
  }

  series = $derived.by((): RunSeries[] =>
    this.runs.flatMap(({ key, experiment, run, label }) => {
      const open = this.opened.find((candidate) => candidate.id === experiment.id);
      void open?.version;
      const samples = open?.series.get(run.id)?.samples;
      if (!samples || samples.count === 0) return [];
      return [
        {
          key,
          mode: run.mode,
          source: run.source,
          label: shorten(label, 32),
          samples,
          programClock: hasClock(experiment),
        },
      ];
    }),
  );
}
