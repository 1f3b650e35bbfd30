/** The answer to a call of the window, whatever it is: name and payload checked, answered here or passed on to the host. */
import { BadInputError } from "../../engine/error.ts";
import { answer, checkParams, checkResult, toLabError } from "../answer.ts";
import {
  type Answer,
  CALLS,
  type CallName,
  type Handlers,
  type HostCallName,
  isWindowCallName,
  type MainCallName,
} from "../contract.ts";

/** Who answers what main does not. */
export interface HostSide {
  call(name: HostCallName, params: unknown): Promise<Answer<unknown>>;
}

function isMainCall(name: CallName): name is MainCallName {
  return CALLS[name].answeredBy === "main";
}

/** Never rejects. `log` gets the faults of the program itself, which the window is not shown. */
export async function answerWindow(
  name: unknown,
  params: unknown,
  own: Handlers<MainCallName>,
  host: HostSide,
  log: (name: string, error: unknown) => void,
): Promise<Answer<unknown>> {
  try {
    if (!isWindowCallName(name)) throw new BadInputError("There is no such call", { where: String(name).slice(0, 60) });
    if (isMainCall(name)) return await answer(own, name, params, (error) => log(name, error));
    // The host checks again what it is given.
    checkParams(name, params);
    const answered = await host.call(name as HostCallName, params);
    return "error" in answered ? answered : { result: checkResult(name, answered.result) };
  } catch (error) {
    return { error: toLabError(error) };
  }
}
