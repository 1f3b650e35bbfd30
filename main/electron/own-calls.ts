/** The calls that Electron main answers itself: the program, its settings, the system's dialogs. */
import { basename, join } from "node:path";
import { app, type BrowserWindow, dialog, nativeTheme, shell } from "electron";
import { BadInputError } from "../../engine/error.ts";
import type { ExportFormat, Handlers, MainCallName } from "../contract.ts";
import { shownPath } from "../data-folder.ts";
import { VERSION } from "../version.ts";
import { asking } from "./ask.ts";
import { atlasDialogs } from "./atlas-dialogs.ts";
import { clipboardHandlers } from "./desktop.ts";
import { dragHandlers } from "./drag-out.ts";
import type { FileCallName } from "./files.ts";
import { historyDialogs } from "./history-dialogs.ts";
import type { HostProcess } from "./host-process.ts";
import { offeredName } from "./offered-name.ts";
import { recordDialogs } from "./record-dialogs.ts";
import type { settingsIn } from "./settings.ts";

const FORMAT_NAMES: Readonly<Record<ExportFormat, string>> = {
  folded: "Folded stacks",
  speedscope: "Speedscope profile",
  csv: "Samples as CSV",
  json: "Experiment as JSON",
  png: "Picture as PNG",
  svg: "Picture as SVG",
  html: "Report as HTML",
};

interface Parts {
  /** The file that is used now. */
  readonly history: () => string;
  readonly settings: ReturnType<typeof settingsIn>;
  readonly host: HostProcess;
  readonly window: () => BrowserWindow | undefined;
  readonly files: Handlers<FileCallName>;
}

export function ownCalls({ history, settings, host, window, files }: Parts): Handlers<MainCallName> {
  /** Where the last export went; the next dialog opens there. */
  let folder = "";

  const ask = asking(host);

  return {
    ...files,
    ...clipboardHandlers,
    ...dragHandlers({ ask, window }),
    ...historyDialogs({ ask, window }),
    ...atlasDialogs({ ask, window }),
    ...recordDialogs({ ask, window }),
    "app.info": () => ({
      version: VERSION,
      electron: process.versions.electron ?? "",
      platform: `${process.platform} ${process.arch}`,
      history: shownPath(history()),
    }),
    "app.openLink": async ({ url }) => {
      if (new URL(url).protocol !== "https:") throw new BadInputError("Only https links are opened", { where: url });
      const owner = window();
      const question = {
        type: "question" as const,
        message: "Open this page in the browser?",
        detail: url,
        buttons: ["Open", "Cancel"],
        defaultId: 0,
        cancelId: 1,
      };
      const { response } = await (owner ? dialog.showMessageBox(owner, question) : dialog.showMessageBox(question));
      if (response === 0) await shell.openExternal(url);
      return response === 0;
    },
    "app.getSettings": () => settings.get(),
    "app.setSettings": (changes) => {
      const now = settings.set(changes as Parameters<typeof settings.set>[0]);
      nativeTheme.themeSource = now.theme;
      return now;
    },
    "export.save": async (choice) => {
      const { format } = choice;
      const options = {
        title: FORMAT_NAMES[format],
        defaultPath: join(folder || app.getPath("documents"), await offeredName(ask, choice)),
        filters: [{ name: FORMAT_NAMES[format], extensions: [format] }],
      };
      const owner = window();
      const chosen = await (owner ? dialog.showSaveDialog(owner, options) : dialog.showSaveDialog(options));
      if (chosen.canceled || chosen.filePath === "") return { file: null };
      await ask("export.write", { ...choice, path: chosen.filePath });
      folder = join(chosen.filePath, "..");
      return { file: basename(chosen.filePath) };
    },
    "race.open": async () => {
      const options = {
        title: "Open a scenario",
        properties: ["openFile" as const],
        filters: [
          { name: "Scenarios", extensions: ["race", "txt"] },
          { name: "All files", extensions: ["*"] },
        ],
      };
      const owner = window();
      const chosen = await (owner ? dialog.showOpenDialog(owner, options) : dialog.showOpenDialog(options));
      const [path] = chosen.filePaths;
      return chosen.canceled || path === undefined ? null : ask("race.read", { path });
    },
    "race.save": async ({ scenario, mode, without, cpus, format }) => {
      const name = format === "txt" ? "Schedule as text" : "Schedule as JSON";
      const file = `race-${scenario}-${without === null ? mode : `without-${without}`}.${format}`;
      const options = {
        title: name,
        defaultPath: join(folder || app.getPath("documents"), file),
        filters: [{ name, extensions: [format] }],
      };
      const owner = window();
      const chosen = await (owner ? dialog.showSaveDialog(owner, options) : dialog.showSaveDialog(options));
      if (chosen.canceled || chosen.filePath === "") return { file: null };
      await ask("race.write", { scenario, mode, without, cpus, format, path: chosen.filePath });
      folder = join(chosen.filePath, "..");
      return { file: basename(chosen.filePath) };
    },
  };
}
