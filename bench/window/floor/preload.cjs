const { contextBridge, ipcRenderer } = require("electron");

contextBridge.exposeInMainWorld("floor", { ask: (what) => ipcRenderer.invoke("ask", what) });
