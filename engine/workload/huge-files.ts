/**
 * Which tables of file mappings a kernel may do without: where the page cache holds a file in folios of 2 MiB, the first access
 * to an aligned 2 MiB of it maps them all by one PMD entry (mm/memory.c: do_set_pmd), and no table is made. A trace does not show
 * folios. It shows what follows: mapped small, further accesses fault, 64 KiB of pages at a time; mapped huge, none does. So the
 * tables of slots that were faulted on once may be missing; where a mapping has but a few of those it is sparsely used. Whether it was
 * is told by the first measured sample after the fault for which the model allows one value only: from there on it is known.
 */
import type { Operation } from "./operation.ts";
import { SLOT, TABLE_KB } from "./sizes.ts";

/** What one fault maps of a file (fault_around_bytes). */
const AROUND = 2 ** 16;
const SLOTS_MIN = 4;
/** Remembered at most, of mappings and of slots of one. */
const RANGES_MAX = 1000;
const SLOTS_MAX = 1 << 16;
/** The slot was populated as a whole. */
const WHOLE = -1;

interface FileRange {
  readonly start: number;
  readonly end: number;
  readonly writable: boolean;
  /** Slots faulted on once: which AROUND of the address space it was. */
  readonly slots: Map<number, number>;
  /** Of those, the ones that are known to be huge (true), or to have a table. */
  readonly known: Map<number, boolean>;
}

export class HugeFiles {
  #ranges: FileRange[] = [];
  /** How many slots were added since all were known. */
  #unknown = 0;

  clear(): void {
    this.#ranges = [];
  }

  /** kB of tables that may be missing. */
  get kb(): number {
    let kb = 0;
    for (const { slots, known } of this.#ranges)
      if (slots.size >= SLOTS_MIN) for (const slot of slots.keys()) if (known.get(slot) !== true) kb += TABLE_KB;
    return kb;
  }

  /** kB of tables that are known to be missing. */
  get missingKb(): number {
    let kb = 0;
    for (const { slots, known } of this.#ranges)
      for (const [slot, huge] of known) if (huge && slots.has(slot)) kb += TABLE_KB;
    return kb;
  }

  /** So many tables are missing: of the slots that nothing is known of yet, where these are as many at least. False: they are not. */
  learn(tables: number): boolean {
    const open = this.#open();
    if (open.length < tables) return false;
    for (const [i, { range, slot }] of open.entries()) range.known.set(slot, i < tables);
    return true;
  }

  /** None is missing but those that are known: all others have a table. */
  confirm(): void {
    if (this.#unknown === 0) return;
    this.#unknown = 0;
    for (const { range, slot } of this.#open()) range.known.set(slot, false);
  }

  #open(): { readonly range: FileRange; readonly slot: number }[] {
    return this.#ranges.flatMap((range) =>
      [...range.slots.keys()].filter((slot) => !range.known.has(slot)).map((slot) => ({ range, slot })),
    );
  }

  /** An operation was executed; `changeKb`: what it made of VmPTE. */
  note(operation: Operation, changeKb: number): void {
    if (operation.op === "mmap") {
      this.#cut(operation.addr, operation.len);
      this.#map(operation, changeKb);
    } else if (this.#ranges.length === 0) return;
    else if (operation.op === "touch") this.#fault(operation.addr, operation.access === "w", changeKb > 0);
    else if (operation.op === "munmap") this.#cut(operation.addr, operation.len);
    else if (operation.op === "madvise") {
      if (operation.advice === "dontneed") this.#forget(operation.addr, operation.addr + operation.len);
      else if (operation.advice.startsWith("populate") && changeKb > 0)
        this.#populate(operation.addr, operation.addr + operation.len);
    }
  }

  #map(operation: Operation & { op: "mmap" }, changeKb: number): void {
    const { addr, len, backing, offset = 0 } = operation;
    const isFile = backing === "file" || backing === "sharedfile";
    if (!isFile || len < SLOT || (offset - addr) % SLOT !== 0 || this.#ranges.length >= RANGES_MAX) return;
    const writable = backing === "file" && operation.prot.includes("w");
    this.#ranges.push({ start: addr, end: addr + len, writable, slots: new Map(), known: new Map() });
    if (changeKb > 0) this.#populate(addr, addr + len);
  }

  /** [addr, addr + len) is another mapping, or none: what is left of those that were there keeps what is known of it. */
  #cut(addr: number, len: number): void {
    const to = addr + len;
    if (!this.#ranges.some(({ start, end }) => start < to && end > addr)) return;
    this.#ranges = this.#ranges.flatMap((range) => {
      const { start, end, slots } = range;
      if (start >= to || end <= addr) return [range];
      const part = (from: number, until: number): FileRange[] => {
        const kept = [...slots].filter(([slot]) => slot * SLOT >= from && (slot + 1) * SLOT <= until);
        return until - from >= SLOT ? [{ ...range, start: from, end: until, slots: new Map(kept) }] : [];
      };
      return [...part(start, Math.min(addr, end)), ...part(Math.max(to, start), end)];
    });
  }

  #fault(addr: number, write: boolean, made: boolean): void {
    const slot = Math.floor(addr / SLOT);
    const around = Math.floor(addr / AROUND);
    for (const { start, end, writable, slots, known } of this.#ranges) {
      if (addr < start || addr >= end) continue;
      const whole = slot * SLOT >= start && (slot + 1) * SLOT <= end;
      // A private copy of a page splits what was huge.
      if (made && whole && !(write && writable) && slots.size < SLOTS_MAX) {
        slots.set(slot, around);
        known.delete(slot);
        this.#unknown++;
      } else if (slots.get(slot) !== around) slots.delete(slot);
      return;
    }
  }

  #populate(from: number, to: number): void {
    for (const { start, end, writable, slots } of this.#ranges) {
      const first = Math.ceil(Math.max(from, start) / SLOT);
      const last = Math.floor(Math.min(to, end) / SLOT);
      for (let slot = first; slot < last && !writable && slots.size < SLOTS_MAX; slot++)
        if (!slots.has(slot)) {
          slots.set(slot, WHOLE);
          this.#unknown++;
        }
    }
  }

  /** What was mapped there goes, table or none. */
  #forget(from: number, to: number): void {
    for (const { slots } of this.#ranges)
      for (const slot of slots.keys()) if (slot * SLOT >= from && (slot + 1) * SLOT <= to) slots.delete(slot);
  }
}
