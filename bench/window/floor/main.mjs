// The least that an app of these processes is: a window with an empty page, and a Node beside it that reads the file.
import { fork } from "node:child_process";
import { join } from "node:path";
import { app, BrowserWindow, ipcMain } from "electron";

const here = import.meta.dirname;
const { FLOOR_NODE, FLOOR_FILE } = process.env;

function open() {
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    show: false,
    webPreferences: { preload: join(here, "preload.cjs"), sandbox: true, contextIsolation: true },
  });
  window.once("ready-to-show", () => window.show());
  void window.loadFile(join(here, "page.html"));
}

// Not awaited: Electron is ready once this module has been read.
app.whenReady().then(open);
const waiting = new Map();
let next = 1;
const host = fork(join(here, "host.ts"), [FLOOR_FILE ?? ""], {
  execPath: FLOOR_NODE,
  execArgv: [],
  serialization: "advanced",
});
host.on("message", ({ id, answer }) => {
  waiting.get(id)(answer);
  waiting.delete(id);
});
ipcMain.handle("ask", (_event, what) => {
  const id = next++;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    host.send({ id, what });
  });
});
app.on("window-all-closed", () => app.quit());
app.on("quit", () => host.kill());
