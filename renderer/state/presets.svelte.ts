import type { Preset } from "../../main/contract.ts";
import { call } from "./lab.ts";

class Presets {
  list = $state.raw<readonly Preset[]>([]);

  async load(): Promise<void> {
    this.list = await call("preset.list");
  }

  find(name: string): Preset | undefined {
    return this.list.find((preset) => preset.name === name);
  }
}

export const presets = new Presets();
