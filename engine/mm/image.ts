/**
 * The start-up image of a small dynamically linked program: its mappings and the pages touched by loading it. Its tables
 * are 5 PTE, 3 PMD and 2 PUD tables, the 40 kB that such a process has on a real kernel.
 *
 * The libraries begin at a multiple of 1 GiB and mmap looks for room right below them, so a mapping of whole GiBs shares no
 * PMD table with the image: 50 GB take exactly 50.
 */

import { touchVmaRange } from "./fault.ts";
import { MappedFile } from "./file.ts";
import { PAGE_SIZE } from "./geometry.ts";
import { vmaAt } from "./mm-util.ts";
import { doBrk, mmapRegion } from "./mmap.ts";
import type { Operation } from "./operation.ts";
import type { Path } from "./sched.ts";
import type { KernelState, Mm } from "./state.ts";
import { VM_EXEC, VM_GROWSDOWN, VM_READ, VM_WRITE } from "./vma.ts";

const MIB = 256;
const GIB = 1024 * MIB;

/** Page numbers of the image. */
const PROGRAM = 0x5555_5555_4000 / PAGE_SIZE;
const HEAP = 0x5555_5558_0000 / PAGE_SIZE + 2 * MIB;
const LIBRARIES = 127 * 1024 * GIB + 900 * GIB;
const STACK_TOP = 128 * 1024 * GIB - 8 * GIB;

const R = VM_READ;
const RW = VM_READ | VM_WRITE;
const RX = VM_READ | VM_EXEC;

interface ImagePart {
  readonly start: number;
  readonly pages: number;
  readonly flags: number;
  /** Pages touched from the start on. */
  readonly touched: number;
  readonly write: boolean;
  readonly file: boolean;
}

const PARTS: readonly ImagePart[] = [
  { start: PROGRAM, pages: 8, flags: R, touched: 4, write: false, file: true },
  {
    start: PROGRAM + 8,
    pages: 24,
    flags: RX,
    touched: 20,
    write: false,
    file: true,
  },
  {
    start: PROGRAM + 32,
    pages: 2,
    flags: RW,
    touched: 2,
    write: true,
    file: true,
  },
  {
    start: LIBRARIES,
    pages: 400,
    flags: RX,
    touched: 300,
    write: false,
    file: true,
  },
  {
    start: LIBRARIES + 400,
    pages: 84,
    flags: R,
    touched: 60,
    write: false,
    file: true,
  },
  {
    start: LIBRARIES + 484,
    pages: 6,
    flags: RW,
    touched: 6,
    write: true,
    file: true,
  },
  {
    start: LIBRARIES + 560,
    pages: 13,
    flags: RW,
    touched: 6,
    write: true,
    file: false,
  },
];

const HEAP_PAGES = 33;
const HEAP_TOUCHED = 3;
const STACK_PAGES = 33;
const STACK_TOUCHED = 3;
/** Files of the image have numbers that a workload cannot use. */
const IMAGE_FILE = -1_000_000;

/** Numbers of the image's files as operations name them: out of the way of a workload's own. */
const IMAGE_OPERATION_FILE = 1000;

/** The same image as operations, for a process of a real kernel: first the mappings, then the touched pages of each. */
export function imageOperations(): Operation[] {
  const operations: Operation[] = [];
  PARTS.forEach((part, index) => {
    const addr = part.start * PAGE_SIZE;
    const prot = part.flags === RX ? "rx" : part.flags === RW ? "rw" : "r";
    const len = part.pages * PAGE_SIZE;
    const backing = part.file
      ? { backing: "file" as const, file: IMAGE_OPERATION_FILE + index }
      : { backing: "anon" as const };
    operations.push({ op: "mmap", addr, len, prot, ...backing });
    operations.push({ op: "touch", addr, len: part.touched * PAGE_SIZE, access: part.write ? "w" : "r" });
  });
  const heap = HEAP * PAGE_SIZE;
  operations.push({ op: "brk", addr: heap });
  operations.push({ op: "brk", addr: heap + HEAP_PAGES * PAGE_SIZE });
  operations.push({ op: "touch", addr: heap, len: HEAP_TOUCHED * PAGE_SIZE, access: "w" });
  const top = STACK_TOP * PAGE_SIZE;
  const len = STACK_PAGES * PAGE_SIZE;
  operations.push({ op: "mmap", addr: top - len, len, prot: "rw", backing: "anon", flags: ["growsdown"] });
  const touched = STACK_TOUCHED * PAGE_SIZE;
  operations.push({ op: "touch", addr: top - touched, len: touched, access: "w" });
  return operations;
}

/** Maps and touches the image in an empty address space. */
export function* loadImage(k: KernelState, mm: Mm): Path<void> {
  const counts = { segv: 0, bus: 0 };
  for (const [index, part] of PARTS.entries()) {
    const file = part.file ? new MappedFile(IMAGE_FILE - index, false, part.pages) : null;
    const end = part.start + part.pages;
    const pgoff = file === null ? part.start : 0;
    yield* mmapRegion(k, mm, {
      start: part.start,
      end,
      flags: part.flags,
      pgoff,
      file,
      uffd: null,
    });
    const vma = vmaAt(mm, part.start);
    yield* touchVmaRange(k, mm, vma, part.start, part.start + part.touched, part.write, counts);
  }
  yield* doBrk(k, mm, HEAP, RW);
  yield* doBrk(k, mm, HEAP + HEAP_PAGES, RW);
  yield* touchVmaRange(k, mm, vmaAt(mm, HEAP), HEAP, HEAP + HEAP_TOUCHED, true, counts);
  const stack = STACK_TOP - STACK_PAGES;
  const flags = RW | VM_GROWSDOWN;
  yield* mmapRegion(k, mm, {
    start: stack,
    end: STACK_TOP,
    flags,
    pgoff: stack,
    file: null,
    uffd: null,
  });
  yield* touchVmaRange(k, mm, vmaAt(mm, stack), STACK_TOP - STACK_TOUCHED, STACK_TOP, true, counts);
  mm.mmapBase = LIBRARIES;
}
