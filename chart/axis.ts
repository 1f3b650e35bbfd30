/** What lies along a chart of runs. */
import type { SampleColumn } from "../engine/experiment/types.ts";

export type Axis = "operations" | "time";

export const AXIS_COLUMN = { operations: "operations", time: "time_ns" } as const satisfies Record<Axis, SampleColumn>;
