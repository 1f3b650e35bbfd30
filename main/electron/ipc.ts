/** Where the window's calls arrive: sender, name and payload checked, answered here or passed on to the host. */
import { ipcMain } from "electron";
import { BadInputError } from "../../engine/error.ts";
import { answer, checkResult, toLabError } from "../answer.ts";
import {
  type Answer,
  CALLS,
  type CallName,
  type Handlers,
  type HostCallName,
  isWindowCallName,
  type MainCallName,
} from "../contract.ts";
import type { HostProcess } from "./host-process.ts";
import { isOurFrame } from "./security.ts";

function isMainCall(name: CallName): name is MainCallName {
  return CALLS[name].answeredBy === "main";
}

/** Answers one call of the window, whatever it is. */
export async function answerWindow(
  name: unknown,
  params: unknown,
  own: Handlers<MainCallName>,
  host: Pick<HostProcess, "call">,
): Promise<Answer<unknown>> {
  try {
    if (!isWindowCallName(name)) throw new BadInputError("There is no such call", { where: String(name).slice(0, 60) });
    if (isMainCall(name)) return await answer(own, name, params, (error) => console.error(name, error));
    const answered = await host.call(name as HostCallName, params);
    return "error" in answered ? answered : { result: checkResult(name, answered.result) };
  } catch (error) {
    return { error: toLabError(error) };
  }
}

export function listen(own: Handlers<MainCallName>, host: HostProcess): void {
  ipcMain.handle("lab:call", (event, name: unknown, params: unknown) => {
    if (!isOurFrame(event.senderFrame)) throw new Error("refused");
    return answerWindow(name, params, own, host);
  });
}
