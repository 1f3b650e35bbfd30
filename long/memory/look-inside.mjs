/**
 * Loaded into the lab host (`--import`) to see what its own heap holds for good: at each SIGUSR2 it collects all garbage
 * and writes what is left to the file that RECLAIM_LAB_LOOK_INSIDE names. Plain JavaScript: what strips types from
 * TypeScript would be measured too.
 */
import { renameSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread } from "node:worker_threads";

const file = process.env.RECLAIM_LAB_LOOK_INSIDE;
if (isMainThread && file !== undefined) {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  process.on("SIGUSR2", () => {
    // What the first leaves to finalizers, the second takes.
    collect();
    collect();
    const { heapUsed, external } = process.memoryUsage();
    const heapMb = (heapUsed + external) / 2 ** 20;
    const resources = process.getActiveResourcesInfo().length;
    writeFileSync(`${file}.tmp`, JSON.stringify({ heapMb, resources }));
    renameSync(`${file}.tmp`, file);
  });
}
