/**
 * The operations a workload is made of: what one process (and its children) asks of the kernel's memory management.
 *
 * Addresses and lengths are bytes in plain numbers: exact, because they are below 2^53 or multiples of the page size.
 * The engine checks them as the kernel's system call would (EINVAL, ENOMEM, ...), so a workload may hold bad ones.
 * A workload file (`*.ops.jsonl`, JSON Lines) has one of these objects per line, after a header line.
 */

/** Protection of a mapping. `rx` and `rwx` exist in traces; page tables do not care about execute. */
export type Prot = "none" | "r" | "rw" | "rx" | "rwx" | "w" | "x" | "wx";

/** What backs a mapping. `file` is a private file mapping, `shared` anonymous shared memory (shmem). */
export type Backing = "anon" | "shared" | "file" | "sharedfile" | "hugetlb";

export type MmapFlag =
  | "populate"
  | "locked"
  | "noreserve"
  | "growsdown"
  | "stack"
  /** As if madvise(MADV_HUGEPAGE) or MADV_NOHUGEPAGE followed at once. */
  | "hugepage"
  | "nohugepage"
  /** Fail with EEXIST instead of replacing what is there. */
  | "noreplace"
  /** The kernel picks the address (`addr` is ignored); the result's value says which. */
  | "anywhere";

/** Advice of madvise(2), by the kernel's names in lower case. */
export type Advice =
  | "normal"
  | "random"
  | "sequential"
  | "willneed"
  | "dontneed"
  | "dontneed_locked"
  | "free"
  | "remove"
  | "dontfork"
  | "dofork"
  | "wipeonfork"
  | "keeponfork"
  | "hugepage"
  | "nohugepage"
  | "collapse"
  | "pt_reclaim"
  | "populate_read"
  | "populate_write"
  | "guard_install"
  | "guard_remove"
  | "cold"
  | "pageout"
  | "mergeable"
  | "unmergeable"
  | "dontdump"
  | "dodump"
  | "hwpoison"
  | "soft_offline";

interface Range {
  /** Start, in bytes. */
  addr: number;
  /** Length, in bytes. */
  len: number;
}

/** When it took effect, on the program's own clock. */
interface Clocked {
  /** Nanoseconds since the trace of the program begins; absent where nothing is known of its times. */
  at?: number;
  /** The functions that the call was made in, the outermost first; where the trace has call stacks. */
  stack?: readonly string[];
}

interface InProcess extends Clocked {
  /** Which process: 0 or absent is the first one, N the Nth forked child. */
  process?: number;
}

/** What a traced call answered, where it failed and yet may have acted. */
interface Answered {
  /**
   * The call failed so. It goes as far as it did then where this machine has a reason to fail too (a hole, a mapping that it is
   * refused for); where it has none, the reason was another (a limit, a feature that kernel lacks) and nothing is done.
   * EAGAIN is of MADV_COLLAPSE: one of the huge pages could not be made at that moment, which is not known.
   */
  answered?: "ENOMEM" | "EINVAL" | "EAGAIN";
}

export interface MmapOp extends Range, InProcess {
  op: "mmap";
  prot: Prot;
  backing: Backing;
  flags?: readonly MmapFlag[];
  /** Which file (a number the workload gives it); file mappings only (default: 0). */
  file?: number;
  /** Offset in the file, in bytes (default: 0). */
  offset?: number;
  /** The file lives in memory (memfd, tmpfs), where the kernel's other files are on a disk. The first mapping of a file decides. */
  shmem?: boolean;
}

export interface MunmapOp extends Range, InProcess {
  op: "munmap";
}

/** One access per page (or every `stride` bytes). */
export interface TouchOp extends Range, InProcess {
  op: "touch";
  access: "r" | "w";
  /** Bytes from one touched address to the next (default: the page size). */
  stride?: number;
}

export interface MadviseOp extends Range, InProcess, Answered {
  op: "madvise";
  advice: Advice;
  /** Issue the advice in consecutive chunks of this many bytes (the last may be shorter), one system call each. */
  step?: number;
  /** process_madvise: the status is then the number of bytes advised. `self`, or a forked child by its number. */
  via?: "self" | number;
}

export interface MprotectOp extends Range, InProcess, Answered {
  op: "mprotect";
  prot: Prot;
}

export interface MremapOp extends Range, InProcess {
  op: "mremap";
  /** New address (MREMAP_FIXED); absent: resize in place, or move where it may (`mayMove` gives the address it got). */
  to?: number;
  /** New length in bytes (default: `len`). */
  newLen?: number;
  dontUnmap?: boolean;
  /** MREMAP_MAYMOVE without MREMAP_FIXED: the mapping may move where it cannot grow in place. */
  mayMove?: boolean;
}

export interface MlockOp extends Range, InProcess, Answered {
  op: "mlock";
  /** mlock2(MLOCK_ONFAULT). */
  onFault?: boolean;
}

export interface MunlockOp extends Range, InProcess {
  op: "munlock";
}

/** mlockall(2): current mappings, and (`future`) later ones. Without either it is munlockall(2). */
export interface MlockallOp extends InProcess {
  op: "mlockall";
  current?: boolean;
  future?: boolean;
  /** MCL_ONFAULT. */
  onFault?: boolean;
}

export interface BrkOp extends InProcess {
  op: "brk";
  /** New end of the heap, in bytes. The first brk of a process that has no heap sets its start. */
  addr: number;
}

/** Which process of a trace one is, for what is said about it. */
interface Named {
  pid?: number;
  comm?: string;
}

export interface ForkOp extends InProcess, Named {
  op: "fork";
}

/** The process exits. Without `process`: the last living child. */
export interface ExitOp extends Clocked {
  op: "exit";
  process?: number;
}

/**
 * A fresh address space, as execve leaves it before its mappings are made. For a process that does not exist yet, the next one by
 * number, it creates it (vfork and exec; an already running process).
 */
export interface ExecOp extends InProcess, Named {
  op: "exec";
  /** The mappings and pages of a small program are made at once. */
  image?: boolean;
}

export interface UffdOp extends Range, InProcess {
  op: "uffd";
  /** register/unregister in write-protect mode; wp/unwp: UFFDIO_WRITEPROTECT; move: UFFDIO_MOVE from `from`. */
  action: "register" | "unregister" | "wp" | "unwp" | "move";
  /** Source address of a move, in bytes. */
  from?: number;
}

/** From now on registrations are synchronous (UFFD_FEATURE_SIGBUS: a write to a protected page raises SIGBUS) or asynchronous (the kernel resolves it). */
export interface UffdModeOp extends InProcess {
  op: "uffdmode";
  mode: "sync" | "async";
}

/**
 * A mapping of an already running process, as found when recording began, with its pages; the process has
 * no operations before it except `exec`. `pages` and `empty`: pairs of first page within the mapping and number of pages.
 */
export interface SnapshotOp extends Range, InProcess {
  op: "snapshot";
  prot: Prot;
  backing: Backing;
  flags?: readonly MmapFlag[];
  file?: number;
  offset?: number;
  shmem?: boolean;
  /** Pages that have an entry. */
  pages: readonly number[];
  /** Pages of tables that are there without an entry. */
  empty: readonly number[];
  /** Pages of tables that were used and given back, all of them at once, before anybody saw them in use. */
  released?: readonly number[];
  /** The mapping is there: these are further pages of it. */
  more?: boolean;
}

/** File operations on the file behind a mapping; `addr` is a file offset. */
export interface FallocatePunchOp extends Range, Clocked {
  op: "punch";
  file?: number;
}

export interface TruncateOp extends Clocked {
  op: "truncate";
  file?: number;
  /** New size of the file, in bytes. */
  size: number;
}

/** Memory pressure: swaps out what is present in the range, or swaps it in. */
export interface SwapOp extends Range, InProcess {
  op: "swapout" | "swapin";
}

/** Time passes: RCU grace periods end, khugepaged scans. */
export interface TickOp extends Clocked {
  op: "tick";
  /** Simulated milliseconds. */
  ms: number;
}

export type Operation =
  | MmapOp
  | MunmapOp
  | TouchOp
  | MadviseOp
  | MprotectOp
  | MremapOp
  | MlockOp
  | MunlockOp
  | MlockallOp
  | BrkOp
  | ForkOp
  | ExitOp
  | ExecOp
  | UffdOp
  | UffdModeOp
  | FallocatePunchOp
  | TruncateOp
  | SwapOp
  | SnapshotOp
  | TickOp;
