import type { Experiment } from "../../main/contract.ts";
import type { Range } from "../lib/range.ts";
import type { OpenExperiment } from "./open-experiment.svelte.ts";

/** The experiment in the middle of the window, if one is. */
class Current {
  experiment = $state.raw<OpenExperiment | undefined>(undefined);
  /** What of an experiment a link shows, until it is opened. */
  linked: { readonly id: number; readonly range: Range | undefined; readonly figure: string | undefined } | undefined;
  #started: Experiment | undefined;

  /** It was started and is opened next: the view need not ask for what is known. */
  started(experiment: Experiment): void {
    this.#started = experiment;
  }

  /** What was just started, once, if it is that one. */
  takeStarted(id: number): Experiment | undefined {
    const experiment = this.#started;
    this.#started = undefined;
    return experiment?.id === id ? experiment : undefined;
  }
}

export const current = new Current();
