/**
 * A program with its releases (MADV_DONTNEED) changed. A kernel runs the program as it is beside it: what that has in use at a
 * moment is never released by a changed program. The operations that come out are run like any others.
 */
import type { WhatIf } from "../experiment/what-if.ts";
import { PAGE_SIZE, PMD_PAGES } from "../mm/geometry.ts";
import type { Kernel } from "../mm/kernel.ts";
import type { Mm } from "../mm/state.ts";
import type { MadviseOp, Operation, TouchOp } from "./operation.ts";
import { SLOT } from "./sizes.ts";
import { entriesIn, isHugeSlot, usedPages } from "./used-pages.ts";

/** Pages [start, end) that the program has released, and that are to be by `dueNs`. */
interface Waiting {
  start: number;
  end: number;
  dueNs: number;
  readonly stack: readonly string[] | undefined;
}

/** A release of a process by itself. */
function isRelease(operation: Operation): operation is MadviseOp {
  return operation.op === "madvise" && operation.advice === "dontneed" && operation.via === undefined;
}

/** Takes the operations of a program one after the other and gives those of the changed one. */
export class ChangedReleases {
  readonly #change: WhatIf;
  readonly #asItIs: Kernel;
  /** By process, in order of their pages, none touching another. */
  readonly #waiting = new Map<number, Waiting[]>();
  /** When the next one is due. */
  #dueNs = Number.POSITIVE_INFINITY;
  #lastNs = 0;
  #clocked = false;

  /** `asItIs`: a kernel that has run nothing, of the kind that the changed program is run on. */
  constructor(change: WhatIf, asItIs: Kernel) {
    this.#change = change;
    this.#asItIs = asItIs;
  }

  /** What the changed program does instead of `operation`. */
  take(operation: Operation): Operation[] {
    const out: Operation[] = [];
    this.#clocked = operation.at !== undefined;
    this.#lastNs = Math.max(this.#lastNs, operation.at ?? this.#asItIs.timeNs);
    if (this.#dueNs <= this.#lastNs) this.#releaseDue(out);
    if (isRelease(operation)) this.#release(operation, out);
    else if (operation.op === "touch") this.#touch(operation, out);
    else this.#other(operation, out);
    return out;
  }

  /** What still waits at the end of the program. */
  finish(): Operation[] {
    const out: Operation[] = [];
    for (const [process, waiting] of this.#waiting)
      for (const each of waiting) this.#give(process, each, this.#lastNs, out);
    this.#waiting.clear();
    this.#dueNs = Number.POSITIVE_INFINITY;
    return out;
  }

  #mm(process: number | undefined): Mm {
    return this.#asItIs.state.processes[process ?? 0];
  }

  #release(operation: MadviseOp, out: Operation[]): void {
    const { addr, len, process = 0, stack } = operation;
    const { status } = this.#asItIs.execute(operation);
    const start = addr / PAGE_SIZE;
    const end = start + Math.ceil(len / PAGE_SIZE);
    // At a hole it fails, and has acted on what is mapped.
    const acted = status === "ok" || status === "ENOMEM";
    if (!acted || operation.answered !== undefined) out.push(operation);
    else if (end === start) return;
    else if (this.#change.kind === "whole") this.#releaseWhole(operation, start, end, out);
    else {
      const dueNs = this.#lastNs + this.#change.ms * 1e6;
      this.#wait(process, { start, end, dueNs, stack });
    }
  }

  /** The 2 MiB that the release has made free, of those that lie in one mapping. */
  #releaseWhole(operation: MadviseOp, start: number, end: number, out: Operation[]): void {
    const { state } = this.#asItIs;
    const mm = this.#mm(operation.process);
    let first = -1;
    let until = -1;
    const give = (): void => {
      if (first < 0) return;
      const { step: _step, ...rest } = operation;
      out.push({ ...rest, addr: first * PAGE_SIZE, len: (until - first) * PAGE_SIZE });
      first = -1;
    };
    for (let page = Math.floor(start / PMD_PAGES) * PMD_PAGES; page < end; page += PMD_PAGES) {
      const vma = mm.vmas.lookup(page);
      const isFree = vma !== undefined && vma.end >= page + PMD_PAGES && entriesIn(state, mm, page / PMD_PAGES) === 0;
      if (!isFree) give();
      else if (first < 0) first = page;
      until = page + PMD_PAGES;
    }
    give();
  }

  /** Adds one to those that wait, as one with those that it touches; the first of them says when. */
  #wait(process: number, fresh: Waiting): void {
    const waiting = this.#waiting.get(process) ?? [];
    this.#waiting.set(process, waiting);
    const from = waiting.findIndex(({ end }) => end >= fresh.start);
    let to = from;
    const merged = { ...fresh };
    if (from >= 0)
      for (; to < waiting.length && waiting[to].start <= merged.end; to++) {
        merged.start = Math.min(merged.start, waiting[to].start);
        merged.end = Math.max(merged.end, waiting[to].end);
        merged.dueNs = Math.min(merged.dueNs, waiting[to].dueNs);
      }
    if (from < 0) waiting.push(merged);
    else waiting.splice(from, to - from, merged);
    this.#dueNs = Math.min(this.#dueNs, merged.dueNs);
  }

  #releaseDue(out: Operation[]): void {
    this.#dueNs = Number.POSITIVE_INFINITY;
    const due: { readonly process: number; readonly each: Waiting }[] = [];
    for (const [process, waiting] of this.#waiting) {
      const left = waiting.filter((each) => each.dueNs > this.#lastNs);
      for (const each of waiting) {
        if (each.dueNs <= this.#lastNs) due.push({ process, each });
        else this.#dueNs = Math.min(this.#dueNs, each.dueNs);
      }
      this.#waiting.set(process, left);
    }
    due.sort((a, b) => a.each.dueNs - b.each.dueNs);
    for (const { process, each } of due) this.#give(process, each, each.dueNs, out);
  }

  /** Releases what of it the program has not in use again. */
  #give(process: number, { start, end, stack }: Waiting, ns: number, out: Operation[]): void {
    const { state } = this.#asItIs;
    const about = {
      ...(process === 0 ? {} : { process }),
      ...(this.#clocked ? { at: Math.round(ns) } : {}),
      ...(stack === undefined ? {} : { stack }),
    };
    let from = start;
    const give = (to: number): void => {
      if (to <= from) return;
      const range = { addr: from * PAGE_SIZE, len: (to - from) * PAGE_SIZE };
      out.push({ op: "madvise", ...range, advice: "dontneed", ...about });
    };
    for (const used of usedPages(state, this.#mm(process), start, end)) {
      give(used.start);
      from = used.end;
    }
    give(end);
  }

  /** Those of a range no longer wait: with `release` they are released now. */
  #settle(process: number, start: number, end: number, out: Operation[] | null): void {
    const waiting = this.#waiting.get(process);
    if (waiting === undefined || waiting.length === 0) return;
    const left: Waiting[] = [];
    for (const each of waiting) {
      if (each.end <= start || each.start >= end) {
        left.push(each);
        continue;
      }
      const within = { ...each, start: Math.max(start, each.start), end: Math.min(end, each.end) };
      if (out !== null) this.#give(process, within, this.#lastNs, out);
      if (each.start < start) left.push({ ...each, end: start });
      if (each.end > end) left.push({ ...each, start: end });
    }
    this.#waiting.set(process, left);
  }

  /**
   * An access. Where one fault maps more than its page (a huge page, pages around it in a file), no later access to these shows in
   * a trace: the changed program, which may have something there still, maps them too.
   */
  #touch(operation: TouchOp, out: Operation[]): void {
    const { state } = this.#asItIs;
    const mm = this.#mm(operation.process);
    const page = Math.floor(operation.addr / PAGE_SIZE);
    const slot = Math.floor(page / PMD_PAGES);
    const single = operation.len <= PAGE_SIZE;
    const before = single ? entriesIn(state, mm, slot) : 0;
    const hugeBefore = single ? null : new Set(this.#hugeSlots(mm, operation));
    this.#asItIs.execute(operation);
    out.push(operation);
    const more = (from: number, to: number): void => {
      const access = mm.vmas.lookup(from)?.file === null ? operation.access : "r";
      out.push({ ...operation, addr: from * PAGE_SIZE, len: (to - from) * PAGE_SIZE, stride: PAGE_SIZE, access });
    };
    if (hugeBefore !== null) {
      for (const huge of this.#hugeSlots(mm, operation))
        if (!hugeBefore.has(huge)) more(huge * PMD_PAGES, (huge + 1) * PMD_PAGES);
    } else if (entriesIn(state, mm, slot) - before > 1) {
      const around = usedPages(state, mm, slot * PMD_PAGES, (slot + 1) * PMD_PAGES).find(({ end }) => end > page);
      if (around) more(around.start, around.end);
    }
  }

  #hugeSlots(mm: Mm, { addr, len }: TouchOp): number[] {
    const { state } = this.#asItIs;
    const slots: number[] = [];
    for (let slot = Math.floor(addr / SLOT); slot * SLOT < addr + len; slot++)
      if (isHugeSlot(state, mm, slot)) slots.push(slot);
    return slots;
  }

  /** What is unmapped need not be released; what is moved, locked, copied or advised otherwise is released before. */
  #other(operation: Operation, out: Operation[]): void {
    const process = ("process" in operation && operation.process) || 0;
    const all = [0, Number.POSITIVE_INFINITY] as const;
    const range = (addr: number, len: number): readonly [number, number] => [
      Math.floor(addr / PAGE_SIZE),
      Math.ceil((addr + len) / PAGE_SIZE),
    ];
    const mm = this.#mm(process);
    const brk = mm?.brk ?? -1;
    switch (operation.op) {
      case "mremap":
      case "mlock":
      case "munlock":
      case "uffd":
      case "swapout":
      case "swapin":
      case "madvise":
        this.#settle(process, ...range(operation.addr, operation.len), out);
        break;
      case "mlockall":
      case "fork":
        this.#settle(process, ...all, out);
        break;
    }
    const { status, value } = this.#asItIs.execute(operation);
    out.push(operation);
    if (status !== "ok") return;
    switch (operation.op) {
      case "munmap":
        this.#settle(process, ...range(operation.addr, operation.len), null);
        break;
      case "mmap":
        this.#settle(process, ...range(value, operation.len), null);
        break;
      case "mremap":
        this.#settle(process, ...range(operation.to ?? operation.addr, operation.newLen ?? operation.len), null);
        break;
      case "brk":
        if (brk > mm.brk) this.#settle(process, mm.brk, brk, null);
        break;
      case "exec":
      case "exit":
        this.#settle(operation.process ?? 0, ...all, null);
        break;
    }
  }
}

/** The operations of the changed program, in batches as they come. */
export async function* changedReleases(
  batches: AsyncIterable<Iterable<Operation>>,
  change: WhatIf,
  asItIs: Kernel,
): AsyncGenerator<Operation[]> {
  const changed = new ChangedReleases(change, asItIs);
  for await (const batch of batches) {
    const out: Operation[] = [];
    for (const operation of batch) for (const each of changed.take(operation)) out.push(each);
    yield out;
  }
  yield changed.finish();
}
