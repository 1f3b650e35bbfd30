import type { EventName, EventPayload } from "../contract.ts";

/** Tells an event to whoever uses the host. */
export type Emit = <N extends EventName>(name: N, payload: EventPayload<N>) => void;
