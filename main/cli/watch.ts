/** Looks that come again and again (--watch), and what is shown of one that takes longer than a second. */
import { setTimeout as sleep } from "node:timers/promises";
import { ReclaimLabError } from "../../engine/error.ts";
import { isBadInput } from "../answer.ts";
import type { Progress } from "../live/inspect.ts";
import { onEnd } from "./interrupt.ts";
import { warn } from "./print.ts";

const SHOWN_AFTER_MS = 1000;
const EVERY_MS = { terminal: 100, elsewhere: 2000 } as const;
const CLEAR_LINE = "\r\u001b[K";
const CLEAR_SCREEN = "\u001b[H\u001b[J";

/** Progress on stderr once a look has taken a second; `clear` takes it away. */
export function lookProgress(): { readonly onProgress: Progress; readonly clear: () => void } {
  const begun = performance.now();
  const terminal = process.stderr.isTTY;
  const every = terminal ? EVERY_MS.terminal : EVERY_MS.elsewhere;
  let saidAt = begun + SHOWN_AFTER_MS - every;
  let said = false;
  return {
    onProgress(what, share) {
      const now = performance.now();
      if (now - saidAt < every) return;
      saidAt = now;
      said = true;
      const text = `looking at ${what}: ${Math.floor(share * 100)} %`;
      process.stderr.write(terminal ? `${CLEAR_LINE}${text}` : `${text}\n`);
    },
    clear() {
      if (said && terminal) process.stderr.write(CLEAR_LINE);
    },
  };
}

/**
 * Does `show` once, or with `every` (seconds) until Ctrl-C; a terminal is cleared before each. What is watched may end: that
 * is said, and ends the watch.
 */
export async function again(every: number | null, show: () => Promise<string>): Promise<void> {
  if (every === null) {
    process.stdout.write(`${await show()}\n`);
    return;
  }
  const stop = new AbortController();
  const leave = onEnd(() => stop.abort());
  for (let shown = 0; !stop.signal.aborted; shown++) {
    try {
      const text = await show();
      process.stdout.write(`${process.stdout.isTTY ? CLEAR_SCREEN : ""}${text}\n`);
    } catch (error) {
      if (shown === 0 || !(error instanceof ReclaimLabError) || !isBadInput(error)) throw error;
      warn(`${error.message}: the watch has ended after ${shown} ${shown === 1 ? "look" : "looks"}`);
      break;
    }
    await sleep(every * 1000, undefined, { signal: stop.signal }).catch(() => undefined);
  }
  leave();
}
