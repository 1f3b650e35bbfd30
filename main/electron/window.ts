import { join } from "node:path";
import { app, BrowserWindow, nativeTheme } from "electron";
import { WINDOW_URL } from "./window-files.ts";
import { lastState, rememberState } from "./window-state.ts";

/** Opens the window, shown once there is something to see. `folder`: where its state is kept. */
export function openWindow(folder: string): BrowserWindow {
  const { x, y, width, height, maximized } = lastState(folder);
  const window = new BrowserWindow({
    ...(x === null || y === null ? {} : { x, y }),
    width,
    height,
    minWidth: 960,
    minHeight: 640,
    title: "Reclaim Lab",
    show: false,
    backgroundColor: nativeTheme.shouldUseDarkColors ? "#14171a" : "#ffffff",
    webPreferences: {
      preload: join(import.meta.dirname, "..", "preload", "preload.cjs"),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
      // From the first start on; otherwise only the third would be faster.
      v8CacheOptions: "bypassHeatCheck",
      devTools: !app.isPackaged,
    },
  });
  rememberState(window, folder);
  window.once("ready-to-show", () => {
    if (maximized) window.maximize();
    window.show();
  });
  // A page that cannot be drawn any more is loaded anew: everything it shows comes from the host.
  window.webContents.on("render-process-gone", (_event, { reason }) => {
    console.error(`window: its renderer is gone (${reason})`);
    if (reason !== "clean-exit" && !window.isDestroyed()) window.webContents.reload();
  });
  void window.loadURL(WINDOW_URL);
  return window;
}
