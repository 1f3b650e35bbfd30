/** What a run may take of the machine's memory, and the words for one that needs more. */
import { totalmem } from "node:os";
import { BadInputError, ReclaimLabError } from "../../engine/error.ts";
import { TABLE_BYTES_MAX } from "../../engine/mm/config.ts";

const MIB = 2 ** 20;

/** Of the model's tables, and again of all else that a run keeps: 4 GB, or a quarter of what the machine has. */
export const ROOM_BYTES = Math.min(TABLE_BYTES_MAX, Math.floor(totalmem() / 4));

/** For the thread that a run is in: it ends, and not the process, where its objects need more. */
export const RESOURCE_LIMITS = { maxOldGenerationSizeMb: Math.floor(ROOM_BYTES / MIB) };

/** What V8 says where an array cannot be had, or a collection is as large as one can be (2^24 entries). */
const NO_ROOM = /allocation failed|maximum size exceeded|invalid (typed )?array length|invalid array buffer length/i;

/** Is it V8's way of saying that memory is at its end? */
export function isOutOfRoom(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof ReclaimLabError) return false;
  return (
    ("code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY") ||
    (error instanceof RangeError && NO_ROOM.test(error.message))
  );
}

/** In words where memory was at its end; every other error as it is. */
export function roomInWords(error: unknown): unknown {
  if (!isOutOfRoom(error)) return error;
  const gb = (ROOM_BYTES / 2 ** 30).toFixed(1).replace(/\.0$/, "");
  return new BadInputError("The workload needs more memory than a run may have", {
    why: `what the model keeps of its mappings and pages is at most ${gb} GB, and 16,777,216 pages of a file`,
    todo: "Make it smaller: fewer mappings, processes or pages of files. The samples up to then are kept",
    cause: error,
  });
}
