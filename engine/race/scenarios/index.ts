/** Every scenario, in the order in which they are run and shown. */

import type { Scenario } from "../scenario.ts";
import { neighbourFault, refaultResched, resumedZap, slowPathRefault, twoDontneeds } from "./dontneed.ts";
import { gupFastSingleFree, walkerBatch, walkerSingleFree } from "./walkers.ts";

export const SCENARIOS: readonly Scenario[] = [
  refaultResched,
  slowPathRefault,
  walkerSingleFree,
  walkerBatch,
  gupFastSingleFree,
  twoDontneeds,
  resumedZap,
  neighbourFault,
];
