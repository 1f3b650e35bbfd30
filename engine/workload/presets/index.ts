/** The registry of presets: every built-in workload by its name. */
import type { ParamSpec, PresetInfo } from "../../experiment/params.ts";
import { commitTable } from "./commit-table.ts";
import type { Preset } from "./preset.ts";

export type { Preset } from "./preset.ts";

/** All presets, in the order in which they are listed. */
export const PRESETS: readonly Preset[] = [commitTable];

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
