/** What ends a command from outside, where it has something to keep first. */
import { readFileSync } from "node:fs";
import { onReaderGone } from "./reader.ts";

/** SIGHUP, as bit 0 of the signals that this process ignores: started by nohup, it is not to end with its terminal. */
function ignoresHangup(): boolean {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return ignored === undefined || (Number.parseInt(ignored.at(-1) ?? "", 16) & 1) === 1;
  } catch {
    return false;
  }
}

/**
 * Calls `interrupt` at each Ctrl-C, at SIGTERM and where the terminal goes away, instead of being ended by them. Gives the function
 * that leaves it.
 */
export function onInterrupt(interrupt: () => void): () => void {
  const signals: NodeJS.Signals[] = ignoresHangup() ? ["SIGINT", "SIGTERM"] : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, interrupt);
  return () => {
    for (const signal of signals) process.off(signal, interrupt);
  };
}

/** The same, and where nobody reads what is printed any more (`| head`). */
export function onEnd(interrupt: () => void): () => void {
  const leave = [onInterrupt(interrupt), onReaderGone(interrupt)];
  return () => {
    for (const each of leave) each();
  };
}
