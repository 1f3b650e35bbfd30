/** Looks that come again and again (--watch), and what is shown of one that takes longer than a second. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "../live/inspect.ts";

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

/** Does `show` once, or with `every` (seconds) until Ctrl-C; a terminal is cleared before each. */
export async function again(every: number | null, show: () => Promise<string>): Promise<void> {
  if (every === null) {
    process.stdout.write(`${await show()}\n`);
    return;
  }
  let stopped = false;
  const stop = new AbortController();
  process.once("SIGINT", () => {
    stopped = true;
    stop.abort();
  });
  while (!stopped) {
    const text = await show();
    process.stdout.write(`${process.stdout.isTTY ? CLEAR_SCREEN : ""}${text}\n`);
    await sleep(every * 1000, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}
