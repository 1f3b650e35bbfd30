/** Every scenario, in the order in which they are run and shown. */

import type { Scenario } from "../scenario.ts";
import { neighbourFault, refaultResched, resumedZap, slowPathRefault, twoDontneeds, twoRefaults } from "./dontneed.ts";
import { forkSource, mprotectRange, mremapRange, munmapNeighbour } from "./mappings.ts";
import { sharedSlotFault, sharedSlotFork, sharedSlotMove, sharedSlotUnmap } from "./shared-slot.ts";
import { anonymousCollapse, khugepagedRetract, uffdioMove } from "./tables.ts";
import { gupFastSingleFree, walkerBatch, walkerRefault, walkerSingleFree } from "./walkers.ts";

export const SCENARIOS: readonly Scenario[] = [
  refaultResched,
  slowPathRefault,
  khugepagedRetract,
  anonymousCollapse,
  uffdioMove,
  walkerSingleFree,
  walkerBatch,
  gupFastSingleFree,
  walkerRefault,
  twoDontneeds,
  munmapNeighbour,
  forkSource,
  mprotectRange,
  mremapRange,
  resumedZap,
  neighbourFault,
  twoRefaults,
  sharedSlotFault,
  sharedSlotUnmap,
  sharedSlotMove,
  sharedSlotFork,
];
