/** The result of an operation. */

import type { Status } from "./errno.ts";

export interface OpResult {
  /** `ok`, or the errno by name. A touch is always `ok`: see segv and bus. */
  status: Status;
  /** Accesses of a touch that raised SIGSEGV, and SIGBUS. */
  segv: number;
  bus: number;
  /** The address that mmap, mremap or brk gave, the bytes process_madvise advised, the number of a forked process; else 0. */
  value: number;
}

export function newResult(): OpResult {
  return { status: "ok", segv: 0, bus: 0, value: 0 };
}
