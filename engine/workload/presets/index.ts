/** The registry of presets: every built-in workload by its name. */
import type { ParamSpec, PresetInfo } from "../../experiment/params.ts";
import { commitTable } from "./commit-table.ts";
import { databaseRounds } from "./database-rounds.ts";
import { forkServer } from "./fork-server.ts";
import { goScavenger } from "./go-scavenger.ts";
import { guardPages } from "./guard-pages.ts";
import { jemallocDecay } from "./jemalloc-decay.ts";
import { liveMigration } from "./live-migration.ts";
import { pingPong } from "./ping-pong.ts";
import type { Preset } from "./preset.ts";
import { redisFlush } from "./redis-flush.ts";
import { server } from "./server.ts";
import { tcmallocSpans } from "./tcmalloc-spans.ts";
import { thpSplit } from "./thp-split.ts";
import { vmBalloon } from "./vm-balloon.ts";

export type { Preset } from "./preset.ts";

/** All presets, in the order in which they are listed. */
export const PRESETS: readonly Preset[] = [
  commitTable,
  server,
  jemallocDecay,
  tcmallocSpans,
  goScavenger,
  redisFlush,
  databaseRounds,
  vmBalloon,
  pingPong,
  guardPages,
  liveMigration,
  thpSplit,
  forkServer,
];

const BY_NAME: ReadonlyMap<string, Preset> = new Map(PRESETS.map((preset) => [preset.name, preset]));

/** The preset of that name, or undefined. */
export function findPreset(name: string): Preset | undefined {
  return BY_NAME.get(name);
}

/** What there is to show of a preset, as plain data that can be sent to another process. */
export function presetInfo(preset: Preset): PresetInfo {
  const { name, title, description, params, sources } = preset;
  return { name, title, description, params: params.map((spec): ParamSpec => ({ ...spec })), sources };
}
