/** The switches that Electron needs on this machine. */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";

function runsXvfb(): boolean {
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      if (readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "Xvfb") return true;
    } catch {
      // It ended meanwhile.
    }
  }
  return false;
}

function sharesMemory(): boolean {
  try {
    accessSync("/dev/shm", constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The switches that Electron needs on this machine: root cannot have Chromium's sandbox, and a display without a
 * graphics card (a virtual one) hangs now and then unless the GPU process is off. Without a /dev/shm that may be written, as in some
 * containers, Chromium ends at once unless it shares memory by files elsewhere.
 */
export function electronSwitches(): string[] {
  const switches: string[] = [];
  if (process.platform !== "linux") return switches;
  if (process.getuid?.() === 0) switches.push("--no-sandbox");
  if (!sharesMemory()) switches.push("--disable-dev-shm-usage");
  if (!existsSync("/dev/dri") || runsXvfb()) switches.push("--disable-gpu");
  return switches;
}
