import type { Shelf } from "../state/history.svelte.ts";

/** Why a list of experiments is empty. `narrowed`: it is searched or filtered. */
export const nothingWords = (shelf: Shelf, narrowed: boolean): string =>
  narrowed || shelf === "active" ? "No experiment matches." : `The ${shelf} is empty.`;
