/** The rest of an explored kernel's shared state, watched: readers, interrupts, pages, TLBs, lists of VMAs. */

import { OBJ_RCU, OBJ_TLB, schedObject } from "../mm/sched.ts";
import type { KernelState, Mm, TlbMap } from "../mm/state.ts";
import { tlbKeyParts } from "../mm/tlb.ts";
import {
  CPUS_MAX,
  OBJ_CONTENTS,
  OBJ_IRQ,
  OBJ_READER,
  OBJ_REFS,
  OBJ_TLB_ENTRY,
  OBJ_VMAS,
  ONE_BY_ONE_MAX,
  type Trace,
} from "./trace.ts";
import { TracedTables } from "./traced-tables.ts";

/** A set of CPUs (readers, interrupts off) that records who looks at it. */
class TracedCpus extends Set<number> {
  private readonly trace: Trace;
  private readonly kind: number;
  private readonly k: KernelState;

  constructor(k: KernelState, trace: Trace, kind: typeof OBJ_READER | typeof OBJ_IRQ) {
    super();
    this.k = k;
    this.trace = trace;
    this.kind = kind;
  }

  override add(cpu: number): this {
    this.trace.write(schedObject(this.kind, cpu));
    return super.add(cpu);
  }

  override delete(cpu: number): boolean {
    this.trace.write(schedObject(this.kind, cpu));
    // Whoever leaves last frees the tables that wait: who that is depends on the order.
    if (this.k.rcuPending > 0) this.trace.write(schedObject(OBJ_RCU, 0));
    return super.delete(cpu);
  }

  override [Symbol.iterator](): SetIterator<number> {
    for (let cpu = 0; cpu < CPUS_MAX; cpu++) this.trace.read(schedObject(this.kind, cpu));
    return super[Symbol.iterator]();
  }
}

/** Contents of pages by identity, recording. */
class TracedPages extends Map<number, number> {
  private readonly trace: Trace;

  constructor(trace: Trace) {
    super();
    this.trace = trace;
  }

  override get(id: number): number | undefined {
    this.trace.read(schedObject(OBJ_CONTENTS, id));
    return super.get(id);
  }

  override has(id: number): boolean {
    this.trace.read(schedObject(OBJ_CONTENTS, id));
    return super.has(id);
  }

  override set(id: number, value: number): this {
    // The constructor of Map may call set before the field is there.
    this.trace?.write(schedObject(OBJ_CONTENTS, id));
    return super.set(id, value);
  }

  override delete(id: number): boolean {
    this.trace.write(schedObject(OBJ_CONTENTS, id));
    return super.delete(id);
  }
}

/** References of tables by row, recording. */
class TracedRefs extends Map<number, number> {
  private readonly trace: Trace;

  constructor(trace: Trace) {
    super();
    this.trace = trace;
  }

  override has(row: number): boolean {
    this.trace.read(schedObject(OBJ_REFS, row));
    return super.has(row);
  }

  override set(row: number, refs: number): this {
    this.trace.write(schedObject(OBJ_REFS, row));
    return super.set(row, refs);
  }

  override delete(row: number): boolean {
    this.trace.write(schedObject(OBJ_REFS, row));
    return super.delete(row);
  }
}

/** The TLBs of all CPUs, recording. An invalidation concerns every CPU, whether it has the entry or not. */
class TracedTlb extends Map<number, number> implements TlbMap {
  private readonly trace: Trace;

  constructor(trace: Trace) {
    super();
    this.trace = trace;
  }

  override get(key: number): number | undefined {
    const [cpu, page] = tlbKeyParts(key);
    this.trace.read(tlbEntry(cpu, page));
    this.trace.read(schedObject(OBJ_TLB, cpu));
    return super.get(key);
  }

  override set(key: number, pte: number): this {
    const [cpu, page] = tlbKeyParts(key);
    this.trace.write(tlbEntry(cpu, page));
    this.trace.read(schedObject(OBJ_TLB, cpu));
    return super.set(key, pte);
  }

  invalidating(start: number, end: number): void {
    for (let cpu = 0; cpu < CPUS_MAX; cpu++) {
      if (end - start > ONE_BY_ONE_MAX) this.trace.write(schedObject(OBJ_TLB, cpu));
      else for (let page = start; page < end; page++) this.trace.write(tlbEntry(cpu, page));
    }
  }
}

/** The TLB entry of one page on one CPU. Pages of scenarios are below 2^28. */
function tlbEntry(cpu: number, page: number): number {
  return schedObject(OBJ_TLB_ENTRY + cpu, 0, page);
}

/** The list of a process's VMAs: looked up by faults without the lock that its changes are made under. */
export function vmaListObject(mm: Mm): number {
  return schedObject(OBJ_VMAS, mm.id);
}

/** Records changes of a process's list of VMAs. A VMA's own fields change under its lock. */
export function watchVmas(mm: Mm, trace: Trace): void {
  const { vmas } = mm;
  const object = vmaListObject(mm);
  const insert = vmas.insert.bind(vmas);
  const remove = vmas.remove.bind(vmas);
  const cut = vmas.cut.bind(vmas);
  vmas.insert = (vma) => {
    trace.write(object);
    insert(vma);
  };
  vmas.remove = (vma) => {
    trace.write(object);
    remove(vma);
  };
  vmas.cut = (index, count) => {
    trace.write(object);
    return cut(index, count);
  };
}

/** Replaces a fresh kernel's state by watched state. Call before it has any process. */
export function watch(k: KernelState, trace: Trace): TracedTables {
  const tables = new TracedTables(k, trace);
  Object.assign(k, {
    tables,
    rcuReaders: new TracedCpus(k, trace, OBJ_READER),
    irqsOff: new TracedCpus(k, trace, OBJ_IRQ),
    tableRefs: new TracedRefs(trace),
    pages: new TracedPages(trace),
    tlb: new TracedTlb(trace),
    rcuWaiting: new Map<number, number>(),
  });
  return tables;
}
