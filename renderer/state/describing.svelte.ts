import type { Experiment, HistoryRow } from "../../main/contract.ts";

/** What the dialog about an experiment's own words starts with. */
export type Described = Pick<Experiment | HistoryRow, "id" | "title" | "tags" | "notes">;
export type DescribedField = "title" | "tags" | "notes";

/** The experiment whose title, tags and notes are being written, in a dialog over whatever view is open. */
class Describing {
  target = $state.raw<Described | undefined>(undefined);
  /** Where the writing starts. */
  field = $state<DescribedField>("title");

  open(target: Described, field: DescribedField = "title"): void {
    this.target = target;
    this.field = field;
  }

  close(): void {
    this.target = undefined;
  }
}

export const describing = new Describing();
