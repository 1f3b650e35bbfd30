/**
 * A process that the crash tests kill: does one kind of work on a history without end, and says on stdout, a line
 * each, what it was told is stored. Arguments: file, kind of work, seed.
 */
import { writeSync } from "node:fs";
import { createRandom } from "../engine/workload/random.ts";
import { openStore } from "./store.ts";
import { newRun, rows, SPEC } from "./testing.ts";

const [file, work, seed] = process.argv.slice(2);
const random = createRandom(Number(seed));
const store = openStore(file);

/** Said before anything else is done. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

/** An experiment with two runs in turns; some go to the trash, some of those are purged. */
function record(): void {
  const experiment = store.createExperiment({ ...SPEC, title: `crash ${random.below(1000)}`, tags: ["crash"] });
  const runs = [store.startRun(experiment.id, newRun("sync")), store.startRun(experiment.id, newRun("none"))];
  const stored = [0, 0];
  for (let batch = 0; batch < 6; batch++)
    for (const [i, run] of runs.entries()) {
      const count = 1 + random.below(400);
      store.appendSamples(run.id, rows(stored[i], count));
      stored[i] += count;
      say(`samples ${run.id} ${stored[i]}`);
    }
  for (const run of runs) {
    store.finishRun(run.id, { status: "done" });
    say(`done ${run.id}`);
  }
  if (random.below(3) > 0) return;
  say(`purging ${runs[0].id} ${runs[1].id}`);
  store.trash([experiment.id]);
  if (random.below(2) === 0) store.purge({ ids: [experiment.id] });
}

say("ready");
for (;;) {
  record();
  if (work !== "backup") continue;
  await store.backup(`${file}.backup`);
  say("backup");
}
