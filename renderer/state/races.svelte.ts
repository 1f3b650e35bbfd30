import type { RaceKernel, RaceQuery, RaceResultMessage, RaceScenario } from "../../main/contract/race.ts";
import type { EventPayload, LabError } from "../../main/contract.ts";
import { asLabError, call } from "./lab.ts";
import { notifyError } from "./notify.ts";

/** One search: a scenario under a policy, or under the series with a patch taken out. */
export const caseKey = (scenario: string, { mode, without }: RaceKernel): string =>
  `${scenario}/${mode}/${without ?? "complete"}`;

/** The explorer as the window sees it: what can be tried, what came of it, what is being tried. */
class Races {
  scenarios = $state.raw<readonly RaceScenario[]>([]);
  results = $state.raw<ReadonlyMap<string, RaceResultMessage>>(new Map());
  progress = $state.raw<EventPayload<"race.progressed"> | undefined>(undefined);
  running = $state(false);
  error = $state.raw<LabError | undefined>(undefined);

  async load(): Promise<void> {
    if (this.scenarios.length > 0) return;
    try {
      this.scenarios = await call("race.list");
      this.error = undefined;
    } catch (thrown) {
      this.error = asLabError(thrown);
    }
  }

  async start(query: RaceQuery): Promise<void> {
    try {
      this.progress = undefined;
      await call("race.start", query);
      this.running = true;
    } catch (thrown) {
      notifyError(thrown);
    }
  }

  /** A scenario of the user's own, by the system's dialog; what it came to before is of another text. Its name, where one was opened. */
  async open(): Promise<string | undefined> {
    try {
      const opened = await call("race.open");
      if (opened === null) return undefined;
      this.scenarios = [opened, ...this.scenarios.filter(({ name }) => name !== opened.name)];
      const kept = [...this.results].filter(([, { scenario }]) => scenario !== opened.name);
      this.results = new Map(kept);
      return opened.name;
    } catch (thrown) {
      notifyError(thrown);
      return undefined;
    }
  }

  async cancel(): Promise<void> {
    try {
      await call("race.cancel");
    } catch (thrown) {
      notifyError(thrown);
    }
  }

  progressed(progress: EventPayload<"race.progressed">): void {
    this.running = true;
    this.progress = progress;
  }

  tried(result: RaceResultMessage): void {
    this.results = new Map(this.results).set(caseKey(result.scenario, result), result);
  }

  ended(end: EventPayload<"race.ended">): void {
    this.running = false;
    this.progress = undefined;
    if (end.error) this.error = end.error;
  }
}

export const races = new Races();
