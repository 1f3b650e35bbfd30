/** Where the window's calls arrive: the sender is checked here, name and payload where they are answered. */
import { ipcMain } from "electron";
import type { Handlers, MainCallName } from "../contract.ts";
import { answerWindow } from "./answer-window.ts";
import type { HostProcess } from "./host-process.ts";
import { isOurFrame } from "./security.ts";

export function listen(own: Handlers<MainCallName>, host: HostProcess): void {
  ipcMain.handle("lab:call", (event, name: unknown, params: unknown) => {
    if (!isOurFrame(event.senderFrame)) throw new Error("refused");
    return answerWindow(name, params, own, host, (call, error) => console.error(call, error));
  });
}
