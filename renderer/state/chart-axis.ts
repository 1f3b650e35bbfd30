/** What lies along charts: operations for workloads, the program's time for what has a clock of its own; each is remembered. */
import type { Axis } from "../../chart/axis.ts";
import { settings } from "./settings.svelte.ts";

/** `clock`: of hasClock (chart/view.ts). */
export const axisFor = (clock: boolean): Axis => (clock ? settings.remembered.programAxis : settings.remembered.axis);

export function rememberAxis(clock: boolean, axis: Axis): void {
  settings.remember(clock ? { programAxis: axis } : { axis });
}
