/** All that the window can reach: `window.lab`, typed by the contract. Runs sandboxed. */
import { contextBridge, ipcRenderer, webUtils } from "electron";
import type { LabApi } from "../contract.ts";

type Listener = (payload: never) => void;

const listeners = new Map<string, Set<Listener>>();

ipcRenderer.on("lab:event", (_event, name: string, payload: unknown) => {
  for (const listener of listeners.get(name) ?? []) listener(payload as never);
});

const lab = {
  call: (name: string, params?: unknown) => ipcRenderer.invoke("lab:call", name, params),
  openDropped: (file: File) => ipcRenderer.invoke("lab:drop", webUtils.getPathForFile(file)),
  on: (name: string, listener: Listener) => {
    const those = listeners.get(name) ?? new Set();
    listeners.set(name, those.add(listener));
    return () => {
      those.delete(listener);
    };
  },
};

// The page has no use for a chooser of files: what is opened comes through the system's dialogs that main shows.
addEventListener(
  "click",
  (event) => {
    const [target] = event.composedPath();
    if (target instanceof HTMLInputElement && target.type === "file") event.preventDefault();
  },
  { capture: true },
);

contextBridge.exposeInMainWorld("lab", lab as LabApi);
