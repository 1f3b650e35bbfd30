/**
 * Set-up of every unit test file: property tests try the same inputs in each `npm test` (RECLAIM_LAB_SEED, 1 where it is not
 * given), so that one change is green or red for its own sake. New inputs are for the long lane (long/properties).
 */
import fc from "fast-check";
import { expect } from "vitest";
import { ROOT } from "./paths.ts";

const seed = Number(process.env.RECLAIM_LAB_SEED);

fc.configureGlobal({
  seed,
  reporter: (run) => {
    if (!run.failed) return;
    const file = expect.getState().testPath?.replace(`${ROOT}/`, "") ?? "";
    throw new Error(`${fc.defaultReportMessage(run)}\nreplay: RECLAIM_LAB_SEED=${seed} npx vitest run ${file}`, {
      cause: run.errorInstance,
    });
  },
});
