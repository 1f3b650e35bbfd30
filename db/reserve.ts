/**
 * Room that is kept for how runs end: on a full disk it is given back, so that what is told to the user is also what is
 * stored. A temporary file beside the history; should its process die, the next one removes it.
 */
import { closeSync, fsyncSync, openSync, statfsSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { removeIfPossible } from "./files.ts";
import { temporaryBeside } from "./temporaries.ts";

/** The ends of some runs, with their pages in the log and in the file; of a small disk a part that is not missed. */
const RESERVE_BYTES = 128 * 1024;
const PART = 1 / 8;

export interface Reserve {
  /** Takes the room, where there is any and it was not taken yet. */
  hold(): void;
  /** Gives it back. False: there was none to give. */
  release(): boolean;
}

export function reserveBeside(file: string): Reserve {
  let held: string | undefined;

  function hold(): void {
    if (held !== undefined) return;
    const path = temporaryBeside(file);
    try {
      const { bavail, bsize } = statfsSync(dirname(file));
      const bytes = Math.min(RESERVE_BYTES, Math.floor(bavail * bsize * PART));
      const fd = openSync(path, "wx", 0o600);
      try {
        // No zeros: a file system might keep none of them.
        writeSync(fd, Buffer.alloc(bytes, 0xa5));
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      held = path;
    } catch {
      // A disk that is full already has none to give.
      removeIfPossible(path);
    }
  }

  return {
    hold,
    release() {
      if (held === undefined) return false;
      removeIfPossible(held);
      held = undefined;
      return true;
    },
  };
}
