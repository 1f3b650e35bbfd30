/** Files that people give the program: by dialog, by drop, as the argument it is started with. Paths stay here. */
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { app, type BrowserWindow, dialog, ipcMain } from "electron";
import { BadInputError } from "../../engine/error.ts";
import { AnsweredError, checkResult, toLabError } from "../answer.ts";
import type { Answer, Handlers, OpenedFile } from "../contract.ts";
import type { HostProcess, TellEvent } from "./host-process.ts";
import { isOurFrame } from "./security.ts";

/** The workload or trace file among a start's arguments, if there is one. `folder`: what relative names start from. */
export function fileAmong(args: readonly string[], folder: string): string | undefined {
  for (const arg of args) {
    if (arg.startsWith("-")) continue;
    const path = resolve(folder, arg);
    if (existsSync(path) && statSync(path).isFile() && /\.(jsonl|txt|gz|strace|trace|perf)$/i.test(path)) return path;
  }
  return undefined;
}

interface Parts {
  readonly host: HostProcess;
  readonly window: () => BrowserWindow | undefined;
  readonly tell: TellEvent;
  /** Of this start. */
  readonly first: string | undefined;
}

export function fileHandlers({ host, window, tell, first }: Parts): {
  readonly handlers: Handlers<"file.choose" | "file.pending">;
  /** Opens a file that the desktop gave, and tells the window. */
  readonly open: (path: string) => void;
} {
  let pending = first;

  async function opened(path: string): Promise<OpenedFile> {
    const answered = await host.call("file.open", { path });
    if ("error" in answered) throw new AnsweredError(answered.error);
    app.addRecentDocument(path);
    return checkResult("file.open", answered.result);
  }

  // Dropped files come by a way of their own: the preload alone can ask what path a File has.
  ipcMain.handle("lab:drop", async (event, path: unknown): Promise<Answer<OpenedFile>> => {
    if (!isOurFrame(event.senderFrame)) throw new Error("refused");
    try {
      if (typeof path !== "string" || path === "")
        throw new BadInputError("This is not a file of this machine", { todo: "Save it first, then drop it here" });
      return { result: await opened(path) };
    } catch (error) {
      return { error: toLabError(error) };
    }
  });

  return {
    handlers: {
      "file.choose": async () => {
        const owner = window();
        const options = {
          title: "Open a trace or workload file",
          properties: ["openFile" as const],
          filters: [
            { name: "Traces and workloads", extensions: ["txt", "jsonl", "gz", "strace", "trace", "perf"] },
            { name: "All files", extensions: ["*"] },
          ],
        };
        const chosen = await (owner ? dialog.showOpenDialog(owner, options) : dialog.showOpenDialog(options));
        const [path] = chosen.filePaths;
        return chosen.canceled || path === undefined ? null : opened(path);
      },
      "file.pending": async () => {
        const path = pending;
        pending = undefined;
        return path === undefined ? null : opened(path);
      },
    },
    open(path) {
      opened(path).then(
        (file) => tell("file.opened", file),
        (error: unknown) => {
          const { message, why, todo } = toLabError(error);
          dialog.showErrorBox(message, [path, why, todo].filter(Boolean).join("\n"));
        },
      );
    },
  };
}
