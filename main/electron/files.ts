/** Files that people give the program: by dialog, by drop, as the argument it is started with. Paths stay here. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { app, type BrowserWindow, dialog, ipcMain } from "electron";
import { BadInputError } from "../../engine/error.ts";
import { AnsweredError, toLabError } from "../answer.ts";
import type { Answer, Handlers, MainCallName, OpenedFile } from "../contract.ts";
import { shownPath } from "../data-folder.ts";
import { captureAt } from "../trace/capture.ts";
import { asking } from "./ask.ts";
import type { HostProcess, TellEvent } from "./host-process.ts";
import type { RecentFiles } from "./recent.ts";
import { isOurFrame } from "./security.ts";

/**
 * The file among a start's arguments, if there is one: the first that is neither a switch nor a folder other than a
 * capture's (the program's own, in development). Whether it is there and can be used is said when it is opened. `folder`: what relative names
 * start from.
 */
export function fileAmong(args: readonly string[], folder: string): string | undefined {
  return args
    .filter((arg) => arg !== "" && !arg.startsWith("-"))
    .map((arg) => resolve(folder, arg))
    .find((path) => !isFolder(path) || captureAt(path) !== null);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    // Links in a circle, a name that is too long, a closed folder: opening it says so.
    return false;
  }
}

export type FileCallName = Extract<MainCallName, `file.${string}`>;

interface Parts {
  readonly host: HostProcess;
  readonly recent: RecentFiles;
  readonly window: () => BrowserWindow | undefined;
  readonly tell: TellEvent;
  /** Of this start. */
  readonly first: string | undefined;
}

export interface OpenedFiles {
  readonly handlers: Handlers<FileCallName>;
  /** Opens a file that the desktop gave, and tells the window. */
  open(path: string): void;
  /** The same with a recent one, from the menu. */
  openRecent(id: string): void;
  clearRecent(): void;
}

export function fileHandlers({ host, recent, window, tell, first }: Parts): OpenedFiles {
  let pending = first;

  async function opened(given: string): Promise<OpenedFile> {
    // The trace of a capture is opened with all that was recorded beside it.
    const path = captureAt(given)?.folder ?? given;
    const file = await asking(host)("file.open", { path }).catch(readable);
    app.addRecentDocument(path);
    if (file.capture === undefined) recent.add(path);
    else recent.add(path, file.name);
    return file;
  }

  /** The system's dialog for a file or for a folder: not every desktop has one for both. */
  async function choose(what: "openFile" | "openDirectory", title: string): Promise<OpenedFile | null> {
    const owner = window();
    const options = {
      title,
      properties: [what],
      filters: [
        { name: "Traces and workloads", extensions: ["txt", "jsonl", "gz", "strace", "trace", "perf"] },
        { name: "All files", extensions: ["*"] },
      ],
    };
    const chosen = await (owner ? dialog.showOpenDialog(owner, options) : dialog.showOpenDialog(options));
    const [path] = chosen.filePaths;
    return chosen.canceled || path === undefined ? null : opened(path);
  }

  function clearRecent(): void {
    recent.clear();
    app.clearRecentDocuments();
  }

  /** Of a path people read "~" for their own folder. */
  function readable(error: unknown): never {
    const told = toLabError(error);
    throw new AnsweredError(told.where === undefined ? told : { ...told, where: shownPath(told.where) });
  }

  function tellOf(opening: Promise<OpenedFile>): void {
    opening.then(
      (file) => tell("file.opened", file),
      (error: unknown) => tell("file.refused", toLabError(error)),
    );
  }

  // Dropped files come by a way of their own: the preload alone can ask what path a File has.
  ipcMain.handle("lab:drop", async (event, path: unknown): Promise<Answer<OpenedFile>> => {
    if (!isOurFrame(event.senderFrame)) throw new Error("refused");
    try {
      if (typeof path !== "string" || path === "")
        throw new BadInputError("This is not a local file", { todo: "Save it first, then drop it here" });
      return { result: await opened(path) };
    } catch (error) {
      return { error: toLabError(error) };
    }
  });

  return {
    handlers: {
      "file.choose": () => choose("openFile", "Open a trace or workload file"),
      "file.chooseFolder": () => choose("openDirectory", "Open a capture's folder"),
      "file.pending": async () => {
        const path = pending;
        pending = undefined;
        return path === undefined ? null : opened(path);
      },
      "file.recent": () => recent.list(),
      "file.openRecent": ({ id }) => opened(recent.path(id)),
      "file.clearRecent": () => {
        clearRecent();
        return undefined;
      },
    },
    open: (path) => tellOf(opened(path)),
    clearRecent,
    openRecent: (id) => tellOf(Promise.resolve(id).then(recent.path).then(opened)),
  };
}
