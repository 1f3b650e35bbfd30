/** What system calls did to the address space of the followed process, told at their end, with the value that they returned. */
import { PAGE, wholePages } from "../sizes.ts";
import {
  ADDRESS_END,
  ADVICE,
  backingOf,
  ERRNO,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MCL_CURRENT,
  MCL_FUTURE,
  MCL_ONFAULT,
  MLOCK_ONFAULT,
  MREMAP_DONTUNMAP,
  mmapFlagsOf,
  protOf,
} from "./abi.ts";
import type { CallUnderWay } from "./call-under-way.ts";
import type { TraceEvent } from "./event.ts";
import { notePrctl, noteProcessMadvise } from "./hidden-calls.ts";
import { inMemory, POPULATED_MAX, type TracedSpace, validRange } from "./traced-space.ts";

const { EAGAIN, ENOMEM, EFAULT, EINVAL } = ERRNO;
/** More than this is not taken as used because it may be accessed: reservations of address space are that large. */
const ASSUMED_MAX = 2 ** 34;

/** mprotect, mlock and munlock act on the VMAs before the one that they answer ENOMEM for; mlock on that one too. */
const mayHaveActed = (ret: number): boolean => ret === 0 || ret === ENOMEM;
const answered = (ret: number): { answered?: "ENOMEM" } => (ret === ENOMEM ? { answered: "ENOMEM" } : {});

export class CallEffects {
  readonly #space: TracedSpace;
  /** Take every page that becomes accessible as touched at once: for traces without page faults. */
  readonly #touchOnMap: boolean;
  #heapStart = -1;
  #heapEnd = -1;

  constructor(space: TracedSpace, touchOnMap: boolean) {
    this.#space = space;
    this.#touchOnMap = touchOnMap;
  }

  /** Those of a child, which has a copy of the address space. */
  copied(space: TracedSpace): CallEffects {
    const copy = new CallEffects(space, this.#touchOnMap);
    copy.#heapStart = this.#heapStart;
    copy.#heapEnd = this.#heapEnd;
    return copy;
  }

  /** An exec: the heap is another. */
  clear(): void {
    this.#heapStart = -1;
    this.#heapEnd = -1;
  }

  /** A call other than brk, execve and those that make tasks has ended. */
  apply(under: CallUnderWay, event: TraceEvent): void {
    const { args } = under;
    const { ret } = event;
    switch (under.call) {
      case "mmap":
        if (!(ret < 0)) this.#mmap(under, event);
        return;
      case "munmap":
        if (ret === 0 && !under.applied) this.#space.munmap(under, event);
        return;
      case "mremap":
        if (!(ret < 0)) this.#mremap(under, event);
        return;
      case "mprotect":
      case "pkey_mprotect":
        if (mayHaveActed(ret) && this.#space.checkRange(under, event)) {
          const [addr, len, prot] = args;
          this.#space.emit({ op: "mprotect", addr, len, prot: protOf(prot), ...answered(ret) }, event);
          if (ret === 0 && this.#touchOnMap && args[2] & 3) this.#touchAll(args[0], args[1], args[2], event);
        }
        return;
      case "madvise":
        this.#madvise(under, event);
        return;
      case "mlock":
      case "mlock2":
        if (mayHaveActed(ret) && this.#space.checkRange(under, event)) {
          const onFault = under.call === "mlock2" && (args[2] & MLOCK_ONFAULT) !== 0;
          this.#space.emit(
            { op: "mlock", addr: args[0], len: args[1], ...(onFault ? { onFault } : {}), ...answered(ret) },
            event,
          );
        }
        return;
      case "munlock":
        if (mayHaveActed(ret) && this.#space.checkRange(under, event))
          this.#space.emit({ op: "munlock", addr: args[0], len: args[1] }, event);
        return;
      case "mlockall":
      case "munlockall":
        if (ret === 0) this.#mlockall(under, event);
        return;
      case "remap_file_pages":
        if (ret === 0) this.#remapFilePages(under, event);
        return;
      case "shmat":
        if (!(ret < 0)) this.#attachFile(under, event, "shared memory of a length that the trace does not show");
        return;
      case "io_setup":
        if (ret === 0) this.#attachFile(under, event, "a ring of a length that the trace does not show");
        return;
      case "shmdt":
      case "io_destroy":
        if (ret === 0) this.#space.detach(args[0], event);
        return;
      case "process_madvise":
        if (ret > 0) noteProcessMadvise(under, event, this.#space.report, this.#space.sink);
        return;
      case "userfaultfd":
        if (!(ret < 0)) this.#space.report.problem("hidden_ranges", under.line, "userfaultfd");
        return;
      case "prctl":
        if (ret === 0) notePrctl(under, this.#space.report);
        return;
      default:
        return;
    }
  }

  #mmap(under: CallUnderWay, event: TraceEvent): void {
    const [, len, protBits, flagBits, fd, offset] = under.args;
    const addr = event.ret;
    // The kernel answers with a page's address; anything else is damage.
    if (!validRange(addr, len) || addr % PAGE !== 0 || len === 0 || Number.isNaN(protBits + flagBits)) {
      this.#space.badNumber(event, under.line);
      return;
    }
    const end = addr + wholePages(len);
    if ((flagBits & (MAP_FIXED | MAP_FIXED_NOREPLACE)) === 0) this.#space.settle(addr, end, event);
    const populated = (flagBits & (MAP_POPULATE | MAP_LOCKED)) !== 0;
    if (populated && len > POPULATED_MAX) {
      this.#space.badNumber(event, under.line);
      return;
    }
    const flags = mmapFlagsOf(flagBits);
    const backing = backingOf(flagBits);
    const file =
      flagBits & MAP_ANONYMOUS
        ? {}
        : {
            file: this.#space.fileNumber(under.mapping?.fileKey || this.#space.descriptor(fd)),
            offset: offset >= 0 && offset <= ADDRESS_END ? offset : 0,
            ...inMemory(under.mapping?.name ?? ""),
          };
    const withFlags = flags.length > 0 ? { flags } : {};
    this.#space.emit({ op: "mmap", addr, len, prot: protOf(protBits), backing, ...withFlags, ...file }, event);
    if (flagBits & MAP_GROWSDOWN) this.#space.map.addGrowing(addr, end);
    else this.#space.map.add(addr, end);
    if (this.#touchOnMap && backing === "anon" && protBits & 3 && !(flagBits & MAP_NORESERVE)) {
      this.#touchAll(addr, len, protBits, event);
    }
  }

  #touchAll(addr: number, len: number, protBits: number, event: TraceEvent): void {
    if (len > ASSUMED_MAX) {
      this.#space.report.problem("not_touched", event.line, `${event.call} of ${len} bytes`);
      return;
    }
    this.#space.emit({ op: "touch", addr, len, access: protBits & 2 ? "w" : "r" }, event);
  }

  #mremap(under: CallUnderWay, event: TraceEvent): void {
    const [addr, len, newLen, flags] = under.args;
    const to = event.ret;
    if (!validRange(addr, len) || !validRange(to, newLen) || newLen === 0) {
      this.#space.badNumber(event, under.line);
      return;
    }
    const dontUnmap = (flags & MREMAP_DONTUNMAP) !== 0;
    if (to !== addr) this.#space.settle(to, to + wholePages(newLen), event);
    this.#space.emit(
      { op: "mremap", addr, len, newLen, ...(to === addr ? {} : { to }), ...(dontUnmap ? { dontUnmap } : {}) },
      event,
    );
    this.#space.map.move(addr, wholePages(len), to, wholePages(newLen), dontUnmap);
  }

  #madvise(under: CallUnderWay, event: TraceEvent): void {
    const [addr, len, behavior] = under.args;
    const { ret } = event;
    const advice = ADVICE[behavior];
    if (advice === undefined) {
      this.#space.report.problem("not_modelled", under.line, `madvise with advice ${behavior}`);
      return;
    }
    // It acts on the VMAs it can before (EINVAL, EFAULT) or besides (ENOMEM) the one that it fails at; a collapse, on every
    // huge page that it can, whatever the last one that it cannot fails with.
    const zaps = advice === "dontneed" || advice === "dontneed_locked" || advice === "free";
    const populates = advice === "populate_read" || advice === "populate_write";
    const asFar = ret === EINVAL && !zaps ? { answered: "EINVAL" as const } : {};
    const again = ret === EAGAIN && advice === "collapse" ? { answered: "EAGAIN" as const } : {};
    const acted =
      ret === 0 || ret === ENOMEM || ret === EINVAL || (ret === EFAULT && populates) || advice === "collapse";
    if (!acted || !this.#space.checkRange(under, event)) return;
    if (populates && len > POPULATED_MAX) {
      this.#space.badNumber(event, under.line);
      return;
    }
    this.#space.emit({ op: "madvise", addr, len, advice, ...asFar, ...again }, event);
  }

  /** The heap of a process that ran already. */
  foundHeap(start: number, end: number, event: TraceEvent): void {
    this.#space.emit({ op: "brk", addr: start }, event);
    this.#space.emit({ op: "brk", addr: end }, event);
    this.#heapStart = start;
    this.#heapEnd = end;
  }

  /** A brk has ended: its value says all. */
  brk(event: TraceEvent): void {
    const { ret } = event;
    if (!(ret > 0 && ret < ADDRESS_END)) {
      this.#space.badNumber(event);
      return;
    }
    const end = wholePages(ret);
    if (this.#heapStart < 0) {
      this.#heapStart = end;
    } else if (end > this.#heapEnd) {
      this.#space.map.add(this.#heapEnd, end);
    } else if (end < this.#heapEnd && end >= this.#heapStart) {
      this.#space.map.remove(end, this.#heapEnd);
    }
    this.#space.emit({ op: "brk", addr: ret }, event);
    if (this.#touchOnMap && this.#heapEnd > 0 && end > this.#heapEnd) {
      this.#touchAll(this.#heapEnd, end - this.#heapEnd, 3, event);
    }
    this.#heapEnd = end;
  }

  #mlockall(under: CallUnderWay, event: TraceEvent): void {
    const flags = under.call === "munlockall" ? 0 : under.args[0];
    const current = (flags & MCL_CURRENT) !== 0 ? { current: true } : {};
    const future = (flags & MCL_FUTURE) !== 0 ? { future: true } : {};
    const onFault = (flags & MCL_ONFAULT) !== 0 ? { onFault: true } : {};
    this.#space.emit({ op: "mlockall", ...current, ...future, ...onFault }, event);
  }

  /** mm/mmap.c: remap_file_pages() is a shared mapping of the same file over a part of it, populated at once. */
  #remapFilePages(under: CallUnderWay, event: TraceEvent): void {
    if (under.mapping === null) {
      this.#space.report.problem("not_modelled", under.line, "remap_file_pages of a file that the trace does not name");
      return;
    }
    this.#space.mapRecorded(under.mapping, event, (under.args[4] & MAP_NONBLOCK) === 0);
  }

  #attachFile(under: CallUnderWay, event: TraceEvent, otherwise: string): void {
    const { mapping } = under;
    if (mapping === null) {
      this.#space.report.problem("not_modelled", under.line, `${under.call}: ${otherwise}`);
      return;
    }
    this.#space.settle(mapping.address, mapping.address + mapping.length, event);
    this.#space.mapRecorded(mapping, event);
    this.#space.attach(mapping.address, mapping.length);
  }
}
