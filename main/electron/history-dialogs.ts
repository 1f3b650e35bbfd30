/** Backup, restore and import of the history, through the system's dialogs: no path comes from or goes to the window. */
import { basename, join } from "node:path";
import { app, type BrowserWindow, dialog } from "electron";
import type { Handlers, MainCallName } from "../contract.ts";
import type { AskHost } from "./ask.ts";

interface Parts {
  readonly ask: AskHost;
  readonly window: () => BrowserWindow | undefined;
}

type Names = Extract<MainCallName, `history.${string}` | `rescue.${string}`>;

const FILTERS = [{ name: "Reclaim Lab history", extensions: ["sqlite"] }];

export function historyDialogs({ ask, window }: Parts): Handlers<Names> {
  async function openOne(title: string): Promise<string | undefined> {
    const owner = window();
    const options = { title, filters: FILTERS, properties: ["openFile" as const] };
    const { canceled, filePaths } = await (owner
      ? dialog.showOpenDialog(owner, options)
      : dialog.showOpenDialog(options));
    return canceled ? undefined : filePaths[0];
  }

  async function newOne(title: string, defaultPath: string): Promise<string | undefined> {
    const owner = window();
    const options = { title, defaultPath, filters: FILTERS };
    const { canceled, filePath } = await (owner
      ? dialog.showSaveDialog(owner, options)
      : dialog.showSaveDialog(options));
    return canceled || filePath === "" ? undefined : filePath;
  }

  async function agreed(message: string, detail: string, button: string): Promise<boolean> {
    const owner = window();
    const question = {
      type: "warning" as const,
      message,
      detail,
      buttons: [button, "Cancel"],
      defaultId: 1,
      cancelId: 1,
    };
    const { response } = await (owner ? dialog.showMessageBox(owner, question) : dialog.showMessageBox(question));
    return response === 0;
  }

  return {
    "history.saveBackup": async () => {
      const day = new Date().toISOString().slice(0, 10);
      const path = await newOne("Back up the history", join(app.getPath("documents"), `reclaim-lab-${day}.sqlite`));
      if (path === undefined) return { file: null };
      await ask("history.backup", { path });
      return { file: basename(path) };
    },
    "history.openBackup": async () => {
      const path = await openOne("Restore a backup of the history");
      if (path === undefined) return { kept: null };
      const message = `Replace the history with ${basename(path)}?`;
      const detail = "The current history is kept as a copy next to it.";
      if (!(await agreed(message, detail, "Restore"))) return { kept: null };
      return { kept: basename(await ask("history.replace", { path })) };
    },
    "history.openOther": async () => {
      const path = await openOne("Add another history");
      return path === undefined ? null : ask("history.merge", { path });
    },
    "rescue.choose": async () => {
      const path = await openOne("Open a history");
      return path === undefined ? null : ask("rescue.openFile", { path });
    },
    "rescue.chooseNew": async () => {
      const path = await newOne("Start a new history", join(app.getPath("documents"), "reclaim-lab.sqlite"));
      return path === undefined ? null : ask("rescue.create", { path });
    },
  };
}
