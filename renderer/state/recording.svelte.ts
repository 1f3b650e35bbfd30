import type { LabError, Recording, RecordMeans } from "../../main/contract.ts";
import { call } from "./lab.ts";

/** What is being recorded, whatever view is open. */
class RecordingState {
  now = $state.raw<Recording | null>(null);
  /** Why the last one failed; undefined: it did not. */
  failed = $state.raw<LabError | undefined>(undefined);
  /** What a recording can be made with; undefined: not looked at yet. */
  means = $state.raw<RecordMeans | undefined>(undefined);

  async look(): Promise<void> {
    this.now = await call("record.look");
    this.means ??= await call("record.means");
  }
}

export const recording = new RecordingState();
