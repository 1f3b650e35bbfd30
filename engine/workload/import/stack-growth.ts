/**
 * Accesses below a mapping that grows down: did it grow? The kernel records it (expand_downwards(): PERF_RECORD_MMAP2 right
 * after the fault) and refuses it beyond RLIMIT_STACK, which no trace shows. So once a trace has shown such a record, an access
 * counts when its record comes, and is a signal where the thread goes on without one. Before, and in traces without
 * records, every access counts at once.
 */
import type { TouchOp } from "../operation.ts";
import type { TraceEvent } from "./event.ts";

interface Access {
  readonly touch: TouchOp;
  readonly address: number;
  readonly line: number;
}

/** Accesses kept at once; a trace with more threads in a fault is damaged or hostile. */
const WAITING_MAX = 1 << 16;

export class StackGrowth {
  /** Growth is recorded in this trace. */
  #recorded = false;
  /** The last access of a thread that grew a mapping at once; -1: none. */
  #tid = -1;
  #page = -1;
  /** By thread. */
  readonly #waiting = new Map<number, Access>();

  /** An access below a mapping that grows. True: it is kept until the thread's next event; false: it counts now. */
  waits(fault: TraceEvent, touch: TouchOp): boolean {
    this.#tid = fault.tid;
    this.#page = touch.addr;
    if (!this.#recorded || this.#waiting.size >= WAITING_MAX) return false;
    this.#waiting.set(fault.tid, { touch, address: fault.address, line: fault.line });
    return true;
  }

  /** A mapping's record: the access that it shows to have grown the mapping, if it was kept. */
  recorded(record: TraceEvent): TouchOp | undefined {
    if (record.tid === this.#tid && record.address === this.#page) this.#recorded = true;
    const access = this.#waiting.get(record.tid);
    if (access === undefined || access.touch.addr !== record.address) return undefined;
    this.#waiting.delete(record.tid);
    return access.touch;
  }

  /** Another event of the thread: the access before it that was kept and has not grown anything, if there is one. */
  refusedBefore(tid: number): Access | undefined {
    if (this.#waiting.size === 0) return undefined;
    const access = this.#waiting.get(tid);
    this.#waiting.delete(tid);
    return access;
  }
}
