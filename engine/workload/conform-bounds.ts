/**
 * What one line of a conformance script may ask for. Scripts run in one go, and nothing in the middle of a line can be
 * shown or cancelled: more than some seconds of work is refused in words. (A run of a workload has no such bound: it is
 * in a worker, which is ended from outside.)
 */
import type { Operation } from "./operation.ts";
import { GIB, PAGE } from "./sizes.ts";

/** System calls of dontneed_step, or accesses with a stride other than the page size. */
const PIECES_MAX = 2 ** 24;
/** Bytes of anonymous memory touched page by page: whole tables at a time. */
const TOUCHED_BYTES_MAX = 2 ** 44;
/** Bytes of a file or of shared memory, whose pages are kept one by one. */
const FILE_BYTES_MAX = 2 ** 36;

/** Why a line asks for too much; null: it does not. */
export function beyondBounds(operations: readonly Operation[]): string | null {
  for (const operation of operations) {
    if (operation.op === "madvise" && operation.step !== undefined) {
      const pieces = Math.ceil(operation.len / operation.step);
      if (pieces > PIECES_MAX) return tooMany(pieces, "system calls");
      continue;
    }
    const faultsIn =
      operation.op === "mlock" || (operation.op === "madvise" && operation.advice.startsWith("populate"));
    if (faultsIn && operation.len > TOUCHED_BYTES_MAX) return tooLarge("faults in", TOUCHED_BYTES_MAX);
    if (operation.op === "touch") {
      const stride = operation.stride ?? PAGE;
      const accesses = Math.ceil(operation.len / stride);
      if (stride !== PAGE && accesses > PIECES_MAX) return tooMany(accesses, "accesses");
      if (stride === PAGE && operation.len > TOUCHED_BYTES_MAX) return tooLarge("touches", TOUCHED_BYTES_MAX);
    } else if (operation.op === "mmap") {
      const kept = operation.backing !== "anon" && operation.backing !== "hugetlb";
      if (kept && operation.len > FILE_BYTES_MAX) return tooLarge("maps of a file", FILE_BYTES_MAX);
      if (
        operation.len > TOUCHED_BYTES_MAX &&
        operation.flags?.some((flag) => flag === "populate" || flag === "locked")
      )
        return tooLarge("maps and populates", TOUCHED_BYTES_MAX);
    }
  }
  return null;
}

function tooMany(count: number, what: string): string {
  const [asked, most] = [count, PIECES_MAX].map((each) => each.toLocaleString("en-US"));
  return `it asks for ${asked} ${what}; a line may ask for ${most}: write several lines`;
}

function tooLarge(does: string, most: number): string {
  return `it ${does} more than ${most / GIB} GiB; a line may do no more`;
}
