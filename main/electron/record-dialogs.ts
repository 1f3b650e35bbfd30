/** What is asked before a program of the user's is started: the page alone starts none. */
import { type BrowserWindow, dialog } from "electron";
import type { Handlers } from "../contract.ts";
import { shownPath } from "../data-folder.ts";
import type { AskHost } from "./ask.ts";

interface Parts {
  readonly ask: AskHost;
  readonly window: () => BrowserWindow | undefined;
}

export function recordDialogs({
  ask,
  window,
}: Parts): Handlers<"record.launch" | "record.chooseFolder" | "trial.launch"> {
  /** Says all that will be run, and asks whether it shall be. */
  async function agreed(message: string, what: { command: string; folder: string; env: string }): Promise<boolean> {
    const { command, folder, env } = what;
    const owner = window();
    const question = {
      type: "question" as const,
      message,
      detail: [command, `in ${folder.trim() || "~"}`, ...(env.trim() === "" ? [] : ["with", env.trim()])].join("\n"),
      buttons: ["Run", "Cancel"],
      defaultId: 0,
      cancelId: 1,
    };
    const { response } = await (owner ? dialog.showMessageBox(owner, question) : dialog.showMessageBox(question));
    return response === 0;
  }

  return {
    "record.launch": async (launch) => {
      if (!(await agreed("Run this program, and record it?", launch))) return false;
      await ask("record.run", launch);
      return true;
    },
    "record.chooseFolder": async () => {
      const owner = window();
      const options = { title: "Start the program in", properties: ["openDirectory" as const] };
      const { canceled, filePaths } = await (owner
        ? dialog.showOpenDialog(owner, options)
        : dialog.showOpenDialog(options));
      const [path] = filePaths;
      return canceled || path === undefined ? null : shownPath(path);
    },
    "trial.launch": async (trial) => {
      const settings = trial.settings.length === 0 ? "the settings for its allocator" : trial.settings.join("\n");
      const message = `Run this program ${trial.repeat} times unchanged, and with each setting?`;
      if (!(await agreed(message, { ...trial, env: settings }))) return null;
      return ask("trial.run", trial);
    },
  };
}
