import { Menu, type MenuItemConstructorOptions } from "electron";
import type { EventPayload } from "../contract.ts";

type Command = EventPayload<"app.command">["command"];

/** The native menu; what is about the lab is told to the window as a command. */
export function installMenu(command: (command: Command) => void, packaged: boolean): void {
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
