/**
 * What the probe is told: records of RECORD_DOUBLES doubles, one an operation: code, addr, len, arg, arg2, where
 * code = kind + what * 2^8 + flags * 2^20 + process * 2^32 (probe/src/probe.h has the same numbers, held against these by a
 * test). Its other ends are probe/src/stream.c for a workload, which answers with frames of FRAME_DOUBLES doubles, and
 * probe/src/conform.c for the lines of a conformance script (conformance/lower.ts).
 */
import type { Advice, MmapFlag, MmapOp, Operation, Prot } from "../engine/workload/operation.ts";
import { NotMeasurableError } from "./errors.ts";

export const RECORD_DOUBLES = 5;
export const FRAME_DOUBLES = 9;

/** Records that are no operations. */
export const RECORD = { begin: 253, sample: 254, end: 255 } as const;

export const FRAME = { hello: 1, sample: 2, result: 3, end: 4 } as const;

/** Why the probe ended: the last value of an end frame. */
export const END = { done: 0, stopped: 1, memory: 2 } as const;

export const KIND = {
  mmap: 1,
  munmap: 2,
  touch: 3,
  madvise: 4,
  mprotect: 5,
  mremap: 6,
  mlock: 7,
  munlock: 8,
  brk: 9,
  fork: 10,
  exit: 11,
  uffd: 12,
  uffdmode: 13,
  punch: 14,
  truncate: 15,
  tick: 16,
  exec: 17,
  swapin: 18,
  // Of scripts alone: they only look, or empty the address space.
  vmas: 32,
  childstat: 33,
  reset: 34,
} as const;

const PROT: Record<Prot, number> = { none: 0, r: 1, w: 2, rw: 3, x: 4, rx: 5, wx: 6, rwx: 7 };

/** uapi/asm-generic/mman-common.h. Null: would damage or poison real memory. */
const ADVICE: Record<Advice, number | null> = {
  normal: 0,
  random: 1,
  sequential: 2,
  willneed: 3,
  dontneed: 4,
  free: 8,
  remove: 9,
  dontfork: 10,
  dofork: 11,
  mergeable: 12,
  unmergeable: 13,
  hugepage: 14,
  nohugepage: 15,
  dontdump: 16,
  dodump: 17,
  wipeonfork: 18,
  keeponfork: 19,
  cold: 20,
  pageout: 21,
  populate_read: 22,
  populate_write: 23,
  dontneed_locked: 24,
  collapse: 25,
  guard_install: 102,
  guard_remove: 103,
  pt_reclaim: null,
  hwpoison: null,
  soft_offline: null,
};

/** Null: has no meaning in a stream, whose later operations must know the address. */
export const MAP_FLAG: Record<MmapFlag, number | null> = {
  populate: 1 << 3,
  locked: 1 << 4,
  noreserve: 0,
  growsdown: 1 << 5,
  stack: 1 << 6,
  hugepage: 1 << 7,
  nohugepage: 1 << 8,
  noreplace: 1 << 9,
  anywhere: null,
};
/** Only scripts ask for it: every other mapping is made with MAP_NORESERVE. */
export const MAP_RESERVE = 1 << 10;
export const VMAS_LIST = 1;
export const BACKING: Record<MmapOp["backing"], number> = { anon: 0, shared: 1, file: 2, sharedfile: 3, hugetlb: 4 };
/** `on`: registers, then protects where that went well. */
export const UFFD_ACTION = { register: 1, unregister: 2, wp: 3, unwp: 4, on: 5, move: 6 } as const;

export function code(kind: number, what: number, flags: number, process?: number): number {
  return kind + what * 2 ** 8 + flags * 2 ** 20 + (process ?? 0) * 2 ** 32;
}

function advice(name: Advice): number {
  const number = ADVICE[name];
  if (number !== null) return number;
  throw new NotMeasurableError(`madvise ${name} is not run on a real machine`, {
    why: "it takes pages of real memory out of use",
    todo: "Run this workload on the model only (--source model)",
  });
}

function mmapFlags(operation: MmapOp): number {
  let flags = BACKING[operation.backing];
  for (const flag of operation.flags ?? []) {
    const bit = MAP_FLAG[flag];
    if (bit === null)
      throw new NotMeasurableError(`a mapping with the flag ${flag} cannot be measured`, {
        why: "the kernel would choose an address that the operations after it do not know",
        todo: "Give the mapping an address, or run this workload on the model only (--source model)",
      });
    flags |= bit;
  }
  return flags;
}

/**
 * Writes the operation's record into `to` at `at` (doubles).
 * Errors: NotMeasurableError for what is not run on a real machine.
 */
export function encodeOperation(operation: Operation, to: Float64Array, at: number): void {
  let addr = "addr" in operation ? operation.addr : 0;
  const len = "len" in operation ? operation.len : 0;
  let arg = 0;
  let arg2 = 0;
  let head = 0;
  switch (operation.op) {
    case "mmap":
      head = code(KIND.mmap, PROT[operation.prot], mmapFlags(operation), operation.process);
      arg = operation.offset ?? 0;
      arg2 = operation.file ?? 0;
      break;
    case "touch":
      head = code(KIND.touch, 0, operation.access === "w" ? 1 : 0, operation.process);
      arg = operation.stride ?? 0;
      break;
    case "madvise": {
      const { via } = operation;
      head = code(
        KIND.madvise,
        advice(operation.advice),
        via === undefined ? 0 : via === "self" ? 1 : 2,
        operation.process,
      );
      arg = operation.step ?? 0;
      arg2 = typeof via === "number" ? via : 0;
      break;
    }
    case "mprotect":
      head = code(KIND.mprotect, PROT[operation.prot], 0, operation.process);
      break;
    case "mremap":
      head = code(
        KIND.mremap,
        0,
        (operation.to === undefined ? 0 : 1) + (operation.dontUnmap ? 2 : 0),
        operation.process,
      );
      arg = operation.to ?? 0;
      arg2 = operation.newLen ?? operation.len;
      break;
    case "mlock":
      head = code(KIND.mlock, 0, operation.onFault ? 1 : 0, operation.process);
      break;
    case "uffd":
      head = code(KIND.uffd, UFFD_ACTION[operation.action], 0, operation.process);
      arg = operation.from ?? 0;
      break;
    case "uffdmode":
      head = code(KIND.uffdmode, operation.mode === "async" ? 1 : 0, 0, operation.process);
      break;
    case "punch":
      head = code(KIND.punch, operation.file ?? 0, 0, 0);
      break;
    case "truncate":
      head = code(KIND.truncate, operation.file ?? 0, 0, 0);
      addr = operation.size;
      break;
    case "swapout":
      head = code(KIND.madvise, advice("pageout"), 0, operation.process);
      break;
    case "tick":
      head = code(KIND.tick, 0, 0, 0);
      arg = operation.ms;
      break;
    case "mlockall":
      throw new NotMeasurableError("mlockall cannot be measured", {
        why: "it would lock the probe's own memory too",
        todo: "Run this workload on the model only (--source model)",
      });
    case "exit":
    case "munmap":
    case "munlock":
    case "brk":
    case "fork":
    case "exec":
    case "swapin":
      head = code(KIND[operation.op], 0, 0, operation.process);
      break;
  }
  to[at] = head;
  to[at + 1] = addr;
  to[at + 2] = len;
  to[at + 3] = arg;
  to[at + 4] = arg2;
}
