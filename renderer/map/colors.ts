import { MAP_STATES } from "../lib/map-cells.ts";
import { tokenColor } from "../ui/colors.ts";

export const mapColors = (): string[] => MAP_STATES.map(({ id }) => tokenColor(`--map-${id}`));

/** Of the entries of a table, as ENTRY_KINDS names them. */
export const entryColors = (): string[] =>
  ["--map-none", "--map-full", "--map-partly", "--map-huge", "--map-empty"].map(tokenColor);
