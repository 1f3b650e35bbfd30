/** The formats of traces; `ops` is the lab's own JSON Lines. */
export const TRACE_FORMATS = ["perf-script", "tracefs", "strace", "ops"] as const;
export type TraceFormat = (typeof TRACE_FORMATS)[number];
export type EventFormat = Exclude<TraceFormat, "ops">;
