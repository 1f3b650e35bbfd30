/** Numbers of the x86_64 system-call interface (include/uapi/asm-generic/mman*.h, linux/sched.h) and what they mean here. */
import type { Advice, Backing, MmapFlag, Prot } from "../operation.ts";
import type { Call } from "./event.ts";

/** System calls by their number (arch/x86/entry/syscalls/syscall_64.tbl). */
export const CALL_NUMBERS = {
  mmap: 9,
  mprotect: 10,
  munmap: 11,
  brk: 12,
  ioctl: 16,
  mremap: 25,
  madvise: 28,
  shmat: 30,
  clone: 56,
  fork: 57,
  vfork: 58,
  execve: 59,
  exit: 60,
  shmdt: 67,
  mlock: 149,
  munlock: 150,
  mlockall: 151,
  munlockall: 152,
  prctl: 157,
  io_setup: 206,
  io_destroy: 207,
  remap_file_pages: 216,
  exit_group: 231,
  execveat: 322,
  userfaultfd: 323,
  mlock2: 325,
  pkey_mprotect: 329,
  clone3: 435,
  process_madvise: 440,
} as const satisfies Record<Call, number>;

/** The other way round. */
export const CALL_BY_NUMBER: ReadonlyMap<number, Call> = new Map(
  Object.entries(CALL_NUMBERS).map(([call, number]) => [number, call as Call]),
);

/** User addresses end here with five levels of tables; anything above is no address. */
export const ADDRESS_END = 2 ** 56;

export const MAP_SHARED = 0x01;
export const MAP_SHARED_VALIDATE = 0x03;
const MAP_TYPE = 0x0f;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_GROWSDOWN = 0x100;
export const MAP_LOCKED = 0x2000;
export const MAP_NORESERVE = 0x4000;
export const MAP_POPULATE = 0x8000;
export const MAP_NONBLOCK = 0x10000;
export const MAP_STACK = 0x20000;
export const MAP_HUGETLB = 0x40000;
export const MAP_FIXED_NOREPLACE = 0x100000;
export const MREMAP_DONTUNMAP = 4;
export const MLOCK_ONFAULT = 1;
export const MCL_CURRENT = 1;
export const MCL_FUTURE = 2;
export const MCL_ONFAULT = 4;
export const PR_SET_THP_DISABLE = 41;
export const PR_SET_VMA = 0x53564d41;
export const CLONE_VM = 0x100;
export const CLONE_VFORK = 0x4000;
export const CLONE_THREAD = 0x10000;

/** What a call returns that failed: minus the errno (include/uapi/asm-generic/errno-base.h). */
export const ERRNO = { EPERM: -1, EAGAIN: -11, ENOMEM: -12, EFAULT: -14, EINVAL: -22 } as const;

/** The ioctls of a userfaultfd that act on memory (include/uapi/linux/userfaultfd.h). */
export const UFFD_IOCTLS: Readonly<Record<number, string>> = {
  3223366144: "UFFDIO_REGISTER",
  2148575745: "UFFDIO_UNREGISTER",
  3223890435: "UFFDIO_COPY",
  3223366148: "UFFDIO_ZEROPAGE",
  3223890437: "UFFDIO_MOVE",
  3222841862: "UFFDIO_WRITEPROTECT",
  3223366151: "UFFDIO_CONTINUE",
  3223366152: "UFFDIO_POISON",
};

/** By their PROT_ bits. */
export const PROTS = ["none", "r", "w", "rw", "x", "rx", "wx", "rwx"] as const satisfies readonly Prot[];

/** Protection from PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4. */
export function protOf(bits: number): Prot {
  return PROTS[bits & 7];
}

/** Advice by its number (madvise(2)). */
export const ADVICE: Readonly<Record<number, Advice>> = {
  0: "normal",
  1: "random",
  2: "sequential",
  3: "willneed",
  4: "dontneed",
  8: "free",
  9: "remove",
  10: "dontfork",
  11: "dofork",
  12: "mergeable",
  13: "unmergeable",
  14: "hugepage",
  15: "nohugepage",
  16: "dontdump",
  17: "dodump",
  18: "wipeonfork",
  19: "keeponfork",
  20: "cold",
  21: "pageout",
  22: "populate_read",
  23: "populate_write",
  24: "dontneed_locked",
  25: "collapse",
  100: "hwpoison",
  101: "soft_offline",
  102: "guard_install",
  103: "guard_remove",
};

/** What backs a mapping made with these flags. */
export function backingOf(flags: number): Backing {
  if (flags & MAP_HUGETLB) return "hugetlb";
  const type = flags & MAP_TYPE;
  const shared = type === MAP_SHARED || type === MAP_SHARED_VALIDATE;
  if (flags & MAP_ANONYMOUS) return shared ? "shared" : "anon";
  return shared ? "sharedfile" : "file";
}

/** The flags that change page tables or which VMAs merge. */
export function mmapFlagsOf(flags: number): MmapFlag[] {
  const out: MmapFlag[] = [];
  if (flags & MAP_POPULATE && !(flags & MAP_NONBLOCK)) out.push("populate");
  if (flags & MAP_LOCKED) out.push("locked");
  if (flags & MAP_NORESERVE) out.push("noreserve");
  if (flags & MAP_GROWSDOWN) out.push("growsdown");
  if (flags & MAP_STACK) out.push("stack");
  return out;
}
