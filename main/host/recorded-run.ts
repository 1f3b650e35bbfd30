/** The measured side of a capture as a run beside those of the model: what was read while the program ran. */
import { existsSync } from "node:fs";
import { isRegular } from "../../db/regular.ts";
import { BadInputError } from "../../engine/error.ts";
import { ImportReport } from "../../engine/workload/import/index.ts";
import { eachMeasured } from "../../engine/workload/measured.ts";
import { toLabError } from "../answer.ts";
import type { FileTask } from "../contract/worker.ts";
import { atFile, openSource } from "../trace/source.ts";
import type { Ending, Execution, OnBatch } from "./execution.ts";
import { Readings } from "./readings.ts";

type Measured = NonNullable<FileTask["measured"]>;

/** Readings from the process' begin until it leaves: while it exits, its memory is torn down. */
async function readingsOf({ path, startNs, endNs }: Measured): Promise<Readings> {
  const readings = new Readings();
  // The path may be that of somebody else's history.
  if (existsSync(path) && !isRegular(path)) throw new BadInputError("It is not a regular file", { where: path });
  await atFile(path, async () =>
    eachMeasured(await openSource(path), new ImportReport(), ({ fromNs, toNs, vmpteKb, rssKb }) => {
      if (fromNs >= startNs && toNs <= endNs) readings.take({ atNs: fromNs - startNs, vmpteKb, rssKb });
    }),
  );
  return readings;
}

/** Reads it as a run: its samples in one batch. Fails in words where the file is gone. */
export function startRecordedRun(measured: Measured, onBatch: OnBatch): Execution {
  let stopped = false;
  const going = async (): Promise<Ending> => {
    try {
      const readings = await readingsOf(measured);
      if (stopped) return { status: "cancelled", summary: null };
      if (readings.count > 0)
        onBatch({
          rows: readings.rows(),
          progress: { operations: 0, operationsTotal: null, operationsPerSecond: 0 },
        });
      return { status: "done", summary: readings.summary() };
    } catch (error) {
      return { status: "failed", error: toLabError(error) };
    }
  };
  return {
    stop() {
      stopped = true;
    },
    ended: going(),
  };
}
