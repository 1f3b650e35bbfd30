import type { Operation } from "../operation.ts";
import { GIB, KIB, MIB, PAGE } from "../sizes.ts";
import { arenaFor, bytesParam, choice, countParam, num, type Preset } from "./preset.ts";

/** A service whose stacks have guard pages. */
export const guardPages: Preset = {
  name: "guard-pages",
  title: "A service with guard pages",
  description:
    "Thread or coroutine stacks, each with a guard page below it, are used, and released when idle. A guard made by mprotect " +
    "splits the mapping, one made by MADV_GUARD_INSTALL is an entry that must stay: both keep their table.",
  params: [
    countParam("stacks", "Stacks", "How many stacks there are.", { min: 1, max: 1_000_000, default: 4096 }),
    bytesParam("stack", "Stack", "Address space of one stack, its guard included.", {
      min: 2 * PAGE,
      max: GIB,
      default: 2 * MIB,
    }),
    bytesParam("used", "Used", "How much of a stack is used, from its top down.", {
      min: PAGE,
      max: GIB,
      default: 128 * KIB,
      atMost: "stack",
    }),
    {
      name: "guard",
      label: "Guard",
      description: "How the guard page is made.",
      type: "choice",
      choices: [
        { value: "mprotect", label: "mprotect(PROT_NONE)" },
        { value: "install", label: "MADV_GUARD_INSTALL" },
        { value: "none", label: "no guard" },
      ],
      default: "mprotect",
    },
    countParam("rounds", "Rounds", "How often every stack is used and released.", { min: 1, max: 1000, default: 3 }),
  ],
  sources: [
    {
      title: "Rust, std::thread: stack size",
      reference: "https://doc.rust-lang.org/std/thread/index.html#stack-size",
      used: "Threads have stacks of 2 MiB by default.",
    },
    {
      title: "glibc, nptl/allocatestack.c: setup_stack_prot, advise_stack_range",
      reference: "https://sourceware.org/git/?p=glibc.git;a=blob;f=nptl/allocatestack.c",
      used: "A guard page at the low end of each stack; an exiting thread's stack is released by MADV_DONTNEED and kept.",
    },
    {
      title: "madvise(2): MADV_GUARD_INSTALL (since Linux 6.13)",
      reference: "https://man7.org/linux/man-pages/man2/madvise.2.html",
      used: "A guard is a marker entry that MADV_DONTNEED leaves in place.",
    },
  ],
  operationCount(params) {
    const stacks = num(params, "stacks");
    const made = choice(params, "guard") === "none" ? 1 : 2;
    return stacks * made + num(params, "rounds") * 2 * stacks;
  },
  *operations(params): Generator<Operation> {
    const stacks = num(params, "stacks");
    const stack = num(params, "stack");
    const used = num(params, "used");
    const guard = choice(params, "guard");
    const base = arenaFor(stacks * stack);
    for (let i = 0; i < stacks; i++) {
      const addr = base + i * stack;
      yield { op: "mmap", addr, len: stack, prot: "rw", backing: "anon", flags: ["noreserve", "stack"] };
      if (guard === "mprotect") yield { op: "mprotect", addr, len: PAGE, prot: "none" };
      else if (guard === "install") yield { op: "madvise", addr, len: PAGE, advice: "guard_install" };
    }
    for (let round = 0; round < num(params, "rounds"); round++) {
      for (let i = 0; i < stacks; i++) {
        yield { op: "touch", addr: base + (i + 1) * stack - used, len: used, access: "w" };
      }
      for (let i = 0; i < stacks; i++) {
        yield { op: "madvise", addr: base + i * stack, len: stack, advice: "dontneed" };
      }
    }
  },
};
