import type * as v from "valibot";

/** Any schema of a payload. */
export type Schema = v.GenericSchema<unknown, unknown>;

/**
 * A call: what it takes, what it gives back, who may make it, who answers it.
 * From `window`: the renderer may make it; from `shell`: only Electron main and the command line (paths, closing).
 */
export const windowToHost = <const P extends Schema, const R extends Schema>(params: P, result: R) =>
  ({ params, result, from: "window", answeredBy: "host" }) as const;

export const windowToMain = <const P extends Schema, const R extends Schema>(params: P, result: R) =>
  ({ params, result, from: "window", answeredBy: "main" }) as const;

export const shellToHost = <const P extends Schema, const R extends Schema>(params: P, result: R) =>
  ({ params, result, from: "shell", answeredBy: "host" }) as const;
