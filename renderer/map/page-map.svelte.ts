import { untrack } from "svelte";
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

/**
 * Asks for the map one question at a time: while one is under way only the newest of the others is kept. Where it takes
 * long, that one goes before it, and what the older one was run for is given up.
 */
export class MapReader {
  /** The last answer, with the run it is of: another run may be asked for by now. */
  #answer = $state.raw<{ readonly runId: number; readonly map: PageMapMessage } | undefined>(undefined);
  error = $state.raw<LabError | undefined>(undefined);
  /** An answer is awaited for so long that it is worth saying. */
  slow = $state(false);
  /** How much of the way to the moment has been run again, 0..1; undefined where nothing was heard of it. */
  share = $state<number | undefined>(undefined);
  /** No state: who asks in an effect would ask again whenever an answer has come. */
  #busy = false;
  #next: MapQuestion | undefined;
  #asked: MapQuestion | undefined;
  #overtake: (() => void) | undefined;

  /** The newest map of this run; undefined until there is one. */
  mapOf(runId: number | undefined): PageMapMessage | undefined {
    return this.#answer?.runId === runId ? this.#answer?.map : undefined;
  }

  /** Hears how far it is, until what this gives is called. */
  listen(): () => void {
    return window.lab.on("map.progressed", ({ runId, share }) => {
      if (this.#busy && runId === this.#asked?.runId) this.share = share;
    });
  }

  ask(question: MapQuestion): void {
    this.#next = question;
    if (!this.#busy) void this.#work();
    else if (untrack(() => this.slow)) this.#overtake?.();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#next) {
      const question = this.#next;
      this.#next = undefined;
      this.#asked = question;
      this.share = undefined;
      const { promise: overtaken, resolve } = Promise.withResolvers<void>();
      this.#overtake = resolve;
      const patience = setTimeout(() => {
        this.slow = true;
        if (this.#next) resolve();
      }, SLOW_MS);
      await Promise.race([this.#fetch(question), overtaken]);
      clearTimeout(patience);
    }
    this.slow = false;
    this.#busy = false;
  }

  async #fetch(question: MapQuestion): Promise<void> {
    try {
      const map = await call("map.read", question);
      // Nothing: another question went before it.
      if (map) this.#answer = { runId: question.runId, map };
      if (this.#asked === question) this.error = undefined;
    } catch (thrown) {
      if (this.#asked === question) this.error = asLabError(thrown);
    }
  }
}
