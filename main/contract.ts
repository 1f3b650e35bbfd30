/**
 * The contract between the processes: renderer <-> Electron main <-> lab host <-> engine worker.
 *
 * CALLS and EVENTS are the whole of it. A payload is checked by its schema where it is received: parameters in main
 * and again in the host, results and events in main. The renderer has `window.lab` (LabApi) and nothing else.
 */
import type * as v from "valibot";
import { CALLS } from "./contract/calls.ts";
import { EVENTS } from "./contract/events.ts";
import type { LabError, OpenedFile } from "./contract/shapes.ts";

export type { AtlasRow, AtlasView, OpenedAtlas } from "./contract/atlas.ts";
export { CALLS } from "./contract/calls.ts";
export { EVENTS } from "./contract/events.ts";
export type { LiveProcess, LiveRow, LiveService, LiveServiceRow, LiveTop } from "./contract/live.ts";
export type * from "./contract/race.ts";
export type { Recording, RecordMeans } from "./contract/record.ts";
export type { HistoryCopy, RecoveredHistory } from "./contract/rescue.ts";
export type * from "./contract/shapes.ts";

export type CallName = keyof typeof CALLS;
/** What a caller gives: what has a default may be left out. */
export type CallParams<N extends CallName> = v.InferInput<(typeof CALLS)[N]["params"]>;
/** What a handler gets, after the check. */
export type CheckedParams<N extends CallName> = v.InferOutput<(typeof CALLS)[N]["params"]>;
export type CallResult<N extends CallName> = v.InferOutput<(typeof CALLS)[N]["result"]>;

type Answered<By extends "main" | "host"> = {
  [N in CallName]: (typeof CALLS)[N]["answeredBy"] extends By ? N : never;
}[CallName];
export type HostCallName = Answered<"host">;
/** What the lab answers: all of the host's but what is done where there is no lab. */
export type LabCallName = Exclude<HostCallName, `rescue.${string}`>;
export type MainCallName = Answered<"main">;
export type WindowCallName = { [N in CallName]: (typeof CALLS)[N]["from"] extends "window" ? N : never }[CallName];

export type EventName = keyof typeof EVENTS;
export type EventPayload<N extends EventName> = v.InferOutput<(typeof EVENTS)[N]>;

/** How every call is answered: a result, or an error that can be shown as it is. */
export type Answer<T> = { readonly result: T } | { readonly error: LabError };

/** Calls without parameters take none; the others take one object. */
export type CallArguments<N extends CallName> = undefined extends CallParams<N> ? [] : [params: CallParams<N>];

/** `window.lab`: all that the renderer can reach. */
export interface LabApi {
  /** Never rejects: what went wrong is in the answer. */
  call<N extends WindowCallName>(name: N, ...params: CallArguments<N>): Promise<Answer<CallResult<N>>>;
  /** Opens a file that was dropped on the window; its path stays with the system. */
  openDropped(file: File): Promise<Answer<OpenedFile>>;
  /** Gives the function that ends the subscription. */
  on<N extends EventName>(name: N, listener: (payload: EventPayload<N>) => void): () => void;
}

/** The handlers that answer the calls of `Name`. */
export type Handlers<Name extends CallName> = {
  readonly [N in Name]: (params: CheckedParams<N>) => CallResult<N> | Promise<CallResult<N>>;
};

export function isCallName(name: unknown): name is CallName {
  return typeof name === "string" && Object.hasOwn(CALLS, name);
}

export function isWindowCallName(name: unknown): name is WindowCallName {
  return isCallName(name) && CALLS[name].from === "window";
}

export function isEventName(name: unknown): name is EventName {
  return typeof name === "string" && Object.hasOwn(EVENTS, name);
}
