import type { PageMapMessage } from "../../main/contract/map.ts";
import type { LabError } from "../../main/contract.ts";
import { asLabError, call } from "../state/lab.ts";

export interface MapQuestion {
  readonly runId: number;
  readonly operations: number;
  readonly from: number;
  readonly count: number;
  readonly cells: number;
  readonly table: number | null;
}

/** Shorter waits go by unsaid. */
const SLOW_MS = 400;

/** Asks for the map one question at a time: while one is under way only the newest of the others is kept. */
export class MapReader {
  /** The last answer, with the run it is of: another run may be asked for by now. */
  #answer = $state.raw<{ readonly runId: number; readonly map: PageMapMessage } | undefined>(undefined);
  error = $state.raw<LabError | undefined>(undefined);
  busy = $state(false);
  /** An answer is awaited for so long that it is worth saying. */
  slow = $state(false);
  #next: MapQuestion | undefined;

  /** The newest map of this run; undefined until there is one. */
  mapOf(runId: number | undefined): PageMapMessage | undefined {
    return this.#answer?.runId === runId ? this.#answer?.map : undefined;
  }

  ask(question: MapQuestion): void {
    this.#next = question;
    if (!this.busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.busy = true;
    const waiting = setTimeout(() => {
      this.slow = true;
    }, SLOW_MS);
    while (this.#next) {
      const question = this.#next;
      this.#next = undefined;
      try {
        const map = await call("map.read", question);
        if (map) this.#answer = { runId: question.runId, map };
        this.error = undefined;
      } catch (thrown) {
        this.error = asLabError(thrown);
      }
    }
    clearTimeout(waiting);
    this.slow = false;
    this.busy = false;
  }
}
