/** Main's own questions to the lab host. */
import { resultOf } from "../answer.ts";
import type { CallName, CallParams, CallResult, HostCallName } from "../contract.ts";
import type { HostProcess } from "./host-process.ts";

/** Resolves with the checked result; rejects with AnsweredError where the host answers with an error. */
export type AskHost = <N extends HostCallName & CallName>(name: N, params: CallParams<N>) => Promise<CallResult<N>>;

export function asking(host: Pick<HostProcess, "call">): AskHost {
  return async (name, params) => {
    return resultOf(name, await host.call(name, params));
  };
}
