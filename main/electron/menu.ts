import { Menu, type MenuItemConstructorOptions } from "electron";
import type { EventPayload, RecentFile } from "../contract.ts";

type Command = EventPayload<"app.command">["command"];

interface Parts {
  readonly command: (command: Command) => void;
  readonly packaged: boolean;
  readonly recent: readonly RecentFile[];
  readonly openRecent: (id: string) => void;
  readonly clearRecent: () => void;
}

/** "events.txt (captures)"; what a menu would take for the mark of a key is written twice. */
const recentLabel = ({ name, folder }: RecentFile): string =>
  `${name}${folder ? ` (${folder})` : ""}`.replaceAll("&", "&&");

/** The native menu, anew whenever the recent files change; what is about the lab is told to the window as a command. */
export function installMenu({ command, packaged, recent, openRecent, clearRecent }: Parts): void {
  const item = (label: string, name: Command, accelerator?: string): MenuItemConstructorOptions => ({
    label,
    click: () => command(name),
    ...(accelerator === undefined ? {} : { accelerator }),
  });
  const line: MenuItemConstructorOptions = { type: "separator" };
  const template: MenuItemConstructorOptions[] = [
    ...(process.platform === "darwin" ? [{ role: "appMenu" } as const] : []),
    {
      label: "&File",
      submenu: [
        item("&New Experiment", "new-experiment", "CmdOrCtrl+N"),
        item("&Open Trace or Workload…", "open-file", "CmdOrCtrl+O"),
        {
          label: "Open Recen&t",
          enabled: recent.length > 0,
          submenu: [
            ...recent.map((file) => ({ label: recentLabel(file), click: () => openRecent(file.id) })),
            line,
            { label: "&Clear This List", click: clearRecent },
          ],
        },
        line,
        item("Export as &CSV…", "export-csv", "CmdOrCtrl+E"),
        item("Export as &JSON…", "export-json"),
        item("Export as &PNG…", "export-png", "CmdOrCtrl+Shift+E"),
        item("Export as &SVG…", "export-svg"),
        line,
        item("&Back Up History…", "back-up-history"),
        item("&Restore a Backup…", "restore-history"),
        item("&Add Another History…", "import-history"),
        item("Check &History", "check-history"),
        line,
        { role: "quit" },
      ],
    },
    {
      label: "&Edit",
      submenu: [
        { role: "cut" },
        { role: "copy" },
        { role: "paste" },
        { role: "selectAll" },
        line,
        item("&Find in History", "find", "CmdOrCtrl+F"),
        item("&Delete Experiment", "delete"),
        item("&Undo Delete", "undo"),
      ],
    },
    {
      label: "E&xperiment",
      submenu: [item("&Run", "run", "CmdOrCtrl+Return"), item("&Cancel", "cancel", "CmdOrCtrl+.")],
    },
    {
      label: "&View",
      submenu: [
        item("Light or &Dark", "toggle-theme", "CmdOrCtrl+Shift+L"),
        line,
        { role: "resetZoom" },
        { role: "zoomIn" },
        { role: "zoomOut" },
        { role: "togglefullscreen" },
        ...(packaged ? [] : [line, { role: "toggleDevTools" } as const]),
      ],
    },
    {
      label: "&Help",
      submenu: [item("&Keyboard Shortcuts", "shortcuts"), item("What This &Machine Has", "doctor")],
    },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
