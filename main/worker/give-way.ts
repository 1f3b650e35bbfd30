import { readlinkSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** So much nicer than the rest of its process. */
const NICER = 5;

/**
 * This thread computes when nobody else has something to do: with as many runs at once as there are cores, the window
 * would wait for each of its frames. Where threads have no priority of their own, nothing happens.
 */
export function giveWay(): void {
  if (process.platform !== "linux") return;
  try {
    const thread = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    if (thread !== process.pid) setPriority(thread, Math.min(19, getPriority() + NICER));
  } catch {
    // No /proc, or not allowed: it is only slower to look at.
  }
}
