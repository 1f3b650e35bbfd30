/** A display of one's own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";

export interface Display {
  /** As in DISPLAY. */
  readonly name: string;
  readonly close: () => void;
}

/** Starts Xvfb on a free display, which stays when its last program ends; local programs of every user may draw on it. */
export async function startDisplay(size = "1280x800x24"): Promise<Display> {
  const child = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", size, "-nolisten", "tcp", "-noreset", "-ac"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const numbers = child.stdio[3] as Readable;
  const failed = once(child, "error").then(([error]) => Promise.reject(error));
  const [number] = await Promise.race([once(numbers, "data"), failed]);
  failed.catch(() => {});
  return { name: `:${String(number).trim()}`, close: () => void child.kill() };
}
