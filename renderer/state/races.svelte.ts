import type { RaceQuery, RaceResultMessage, RaceScenario } from "../../main/contract/race.ts";
import type { EventPayload, LabError } from "../../main/contract.ts";
import { asLabError, call } from "./lab.ts";
import { notifyError } from "./notify.ts";

export type Series = RaceResultMessage["without"];

export const caseKey = (scenario: string, without: Series): string => `${scenario}/${without ?? "complete"}`;

/** "complete", "without patch 10", "without the fix": as the command line has it. */
export function seriesName(without: Series): string {
  if (without === null) return "complete";
  if (without === "617fix") return "without the fix of 6.17";
  return without === "9fix" ? "without the fix" : `without patch ${without}`;
}

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
    this.results = new Map(this.results).set(caseKey(result.scenario, result.without), result);
  }

  ended(end: EventPayload<"race.ended">): void {
    this.running = false;
    this.progress = undefined;
    if (end.error) this.error = end.error;
  }
}

export const races = new Races();
