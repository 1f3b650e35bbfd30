/** When the list is fetched anew: events come by the thousand, the list is fetched a few times a second. */

/** However many events go on coming, the list is at most so old. */
const WAIT_MS_MAX = 400;

export interface ListReload {
  /** Fetches the list when `delayMs` have passed without another event. */
  soon(delayMs: number): void;
  stop(): void;
}

/** One fetch at a time: what is asked for during one follows it, since an answer to an older question is dropped. */
export function listReload(fetch: () => Promise<void>): ListReload {
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** When the event came that waits longest; undefined where none waits. */
  let since: number | undefined;
  let dueMs = 0;
  let fetching = false;

  async function run(): Promise<void> {
    timer = undefined;
    if (fetching) return;
    since = undefined;
    dueMs = 0;
    fetching = true;
    try {
      await fetch();
    } finally {
      fetching = false;
      if (since !== undefined) wait();
    }
  }

  function wait(): void {
    clearTimeout(timer);
    timer = setTimeout(() => void run(), Math.max(0, dueMs - performance.now()));
  }

  return {
    soon(delayMs) {
      const now = performance.now();
      since ??= now;
      dueMs = Math.min(Math.max(dueMs, now + delayMs), since + Math.max(delayMs, WAIT_MS_MAX));
      if (!fetching) wait();
    },
    stop() {
      clearTimeout(timer);
      since = undefined;
    },
  };
}
