/** Folders of results, and traces of their rows, by the system's dialogs: no path comes from or goes to the window. */
import { type BrowserWindow, dialog, type OpenDialogOptions } from "electron";
import type { Handlers } from "../contract.ts";
import type { AskHost } from "./ask.ts";

interface Parts {
  readonly ask: AskHost;
  readonly window: () => BrowserWindow | undefined;
}

export function atlasDialogs({ ask, window }: Parts): Handlers<"atlas.choose" | "atlas.runWith"> {
  async function chosen(options: OpenDialogOptions): Promise<string | undefined> {
    const owner = window();
    const { canceled, filePaths } = await (owner
      ? dialog.showOpenDialog(owner, options)
      : dialog.showOpenDialog(options));
    return canceled ? undefined : filePaths[0];
  }

  return {
    "atlas.choose": async () => {
      const path = await chosen({ title: "Open a folder of results", properties: ["openDirectory"] });
      return path === undefined ? null : ask("atlas.open", { path });
    },
    "atlas.runWith": async (task) => {
      const path = await chosen({ title: "The trace of this row", properties: ["openFile"] });
      return path === undefined ? null : ask("atlas.runTrace", { ...task, path });
    },
  };
}
