import { join } from "node:path";
import * as v from "valibot";
import { settingsSchema } from "../contract/shapes.ts";
import type { Settings } from "../contract.ts";
import { readConvenience, writeJson } from "../json-file.ts";

const DEFAULTS: Settings = { theme: "system", window: "" };

/** The window's settings, kept in the data folder. */
export function settingsIn(folder: string): { get(): Settings; set(changes: Partial<Settings>): Settings } {
  const file = join(folder, "settings.json");
  let settings = readConvenience(file, settingsSchema, DEFAULTS);
  return {
    get: () => settings,
    set(changes) {
      const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
      settings = v.parse(settingsSchema, { ...settings, ...given });
      writeJson(file, settings);
      return settings;
    },
  };
}
