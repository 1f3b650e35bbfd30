/** Electron main: a shell around the lab host. It computes nothing and opens no database. */
import { join, resolve } from "node:path";
import { app, type BrowserWindow, nativeTheme, session } from "electron";
import { closeToOthers, dataFolder, historyFile } from "../data-folder.ts";
import { followWork } from "./desktop.ts";
import { fileAmong, fileHandlers } from "./files.ts";
import { superviseHost, type TellEvent } from "./host-process.ts";
import { listen } from "./ipc.ts";
import { installMenu } from "./menu.ts";
import { ownCalls } from "./own-calls.ts";
import { recentFilesIn } from "./recent.ts";
import { registerScheme, serveWindow } from "./scheme.ts";
import { cutOff, denyPermissions, denyWaysOut, refuseToLeave } from "./security.ts";
import { settingsIn } from "./settings.ts";
import { openWindow } from "./window.ts";

/** How long the host may take to close its file before it is ended. */
const CLOSE_MS_MAX = 3000;

const folder = dataFolder();
let window: BrowserWindow | undefined;
let given: string | undefined;

const follow = followWork(() => window);
const tell: TellEvent = (name, payload) => {
  follow(name, payload);
  if (window !== undefined && !window.isDestroyed()) window.webContents.send("lab:event", name, payload);
};

function show(): void {
  if (window === undefined || window.isDestroyed()) window = openWindow(folder);
  if (window.isMinimized()) window.restore();
  window.focus();
}

function begin(): void {
  const settings = settingsIn(folder);
  nativeTheme.themeSource = settings.get().theme;
  denyPermissions(session.defaultSession);
  denyWaysOut(session.defaultSession);
  serveWindow(resolve(import.meta.dirname, "..", "renderer"));
  // Before all that it does not need for its first frame: its own process starts meanwhile, and asks for nothing before this ends.
  window = openWindow(folder);
  const host = superviseHost(folder, tell);
  const first = given ?? fileAmong(process.argv.slice(app.isPackaged ? 1 : 2), process.cwd());
  const recent = recentFilesIn(folder, () => {
    showMenu();
    tell("file.recentChanged", recent.list());
  });
  const files = fileHandlers({ host, recent, window: () => window, tell, first });
  const showMenu = (): void =>
    installMenu({
      command: (command) => tell("app.command", { command }),
      packaged: app.isPackaged,
      recent: recent.list(),
      openRecent: files.openRecent,
      clearRecent: files.clearRecent,
    });
  listen(
    ownCalls({ history: () => historyFile(folder), settings, host, window: () => window, files: files.handlers }),
    host,
  );
  showMenu();

  let closed = false;
  app.on("before-quit", (event) => {
    if (closed) return;
    event.preventDefault();
    void host.close(CLOSE_MS_MAX).finally(() => {
      closed = true;
      app.quit();
    });
  });
  // Electron's own handlers would not wait for the host.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => app.quit());
  app.on("second-instance", (_event, argv, from) => {
    show();
    const path = fileAmong(argv.slice(app.isPackaged ? 1 : 2), from);
    if (path !== undefined) files.open(path);
  });
  app.on("open-file", (_event, path) => {
    show();
    files.open(path);
  });
  app.on("activate", show);
  app.on("window-all-closed", () => app.quit());
}

closeToOthers(folder);
// macOS tells of a file that the program is started with by this event, before it is ready.
app.once("open-file", (event, path) => {
  event.preventDefault();
  given = path;
});
app.setName("Reclaim Lab");
app.setPath("userData", join(folder, "window"));
registerScheme();
refuseToLeave(app);
cutOff(app);
// Root has no Chromium sandbox; the window asks for its own in any case.
if (!app.commandLine.hasSwitch("no-sandbox")) app.enableSandbox();
if (app.requestSingleInstanceLock()) void app.whenReady().then(begin);
else app.quit();
