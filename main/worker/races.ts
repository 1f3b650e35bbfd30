/** The explorer's worker: tries the cases of one query, one after the other, and tells the host how far it is. */
import { parentPort, workerData } from "node:worker_threads";
import * as v from "valibot";
import { replayCommand, seriesName } from "../../engine/race/format.ts";
import { type RaceResult, runScenario } from "../../engine/race/race.ts";
import { toLabError } from "../answer.ts";
import { type RaceResultMessage, type RaceWorkerMessage, raceTaskSchema } from "../contract/race.ts";
import { casesOf } from "../race-cases.ts";

const TELL_EVERY_MS = 100;

const port = parentPort;
if (port === null) throw new Error("this is a worker of the lab host, not a program");

function send(message: RaceWorkerMessage): void {
  port?.postMessage(message);
}

function toMessage(result: RaceResult): RaceResultMessage {
  const { violation, schedules: _schedules, ...numbers } = result;
  if (violation === null) return { ...numbers, violation };
  const { cpus, steps, ...rest } = violation;
  return {
    ...numbers,
    violation: { ...rest, cpus: [...cpus], steps: [...steps], replay: replayCommand(result, cpus) },
  };
}

function main(): void {
  const { query, own, stop } = v.parse(raceTaskSchema, workerData);
  const stopped = () => Atomics.load(new Int32Array(stop), 0) === 1;
  const cases = casesOf(query, own);
  let toldAt = Number.NEGATIVE_INFINITY;
  for (const [done, { scenario, mode, without }] of cases.entries()) {
    const kernel = seriesName({ mode, without });
    const tell = (interleavings: number, runs: number): void => {
      if (performance.now() - toldAt < TELL_EVERY_MS) return;
      toldAt = performance.now();
      send({ kind: "progressed", scenario: scenario.name, kernel, interleavings, runs, done, total: cases.length });
    };
    tell(0, 0);
    const onProgress = ({
      interleavings,
      runs,
    }: {
      readonly interleavings: number;
      readonly runs: number;
    }): boolean => {
      tell(interleavings, runs);
      return !stopped();
    };
    const result = runScenario(scenario, without, { onProgress }, mode);
    if (stopped()) {
      send({ kind: "ended", status: "cancelled" });
      return;
    }
    send({ kind: "tried", result: toMessage(result) });
  }
  send({ kind: "ended", status: "done" });
}

try {
  main();
} catch (error) {
  send({ kind: "failed", error: toLabError(error) });
} finally {
  port.close();
}
