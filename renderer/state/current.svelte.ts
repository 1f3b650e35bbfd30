import type { OpenExperiment } from "./open-experiment.svelte.ts";

/** The experiment in the middle of the window, if one is. */
class Current {
  experiment = $state.raw<OpenExperiment | undefined>(undefined);
}

export const current = new Current();
