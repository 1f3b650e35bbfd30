/**
 * How large glibc's heaps became, as far as operations show it: the break, and the arenas of threads, which lie at multiples of 64 MiB,
 * are mapped without access and made accessible as they grow (malloc/arena.c: HEAP_MAX_SIZE, grow_heap).
 */
import type { Operation } from "./operation.ts";

const ARENA = 64 * 1024 * 1024;

interface Break {
  readonly least: number;
  readonly most: number;
}

const bytesOf = (heap: Break | undefined): number => (heap === undefined ? 0 : heap.most - heap.least);

export class HeapGrowth {
  readonly #breaks = new Map<number, Break>();
  readonly #arenas = new Set<string>();
  #arenaBytes = 0;
  /** Of programs that another one has replaced since. */
  #pastBytes = 0;
  #known = true;

  take(operation: Operation): void {
    if (operation.op === "brk") {
      const { process = 0, addr } = operation;
      const known = this.#breaks.get(process) ?? { least: addr, most: addr };
      this.#breaks.set(process, { least: Math.min(known.least, addr), most: Math.max(known.most, addr) });
    } else if (operation.op === "mprotect") {
      const { process = 0, addr, len, prot } = operation;
      if (prot !== "rw") return;
      const arena = `${process} ${Math.floor(addr / ARENA)}`;
      if (addr % ARENA === 0) this.#arenas.add(arena);
      if (this.#arenas.has(arena)) this.#arenaBytes += len;
    } else if (operation.op === "exec") {
      // The next program's break is elsewhere.
      const { process = 0 } = operation;
      this.#pastBytes += bytesOf(this.#breaks.get(process));
      this.#breaks.delete(process);
    } else if (operation.op === "snapshot") {
      // It had a heap before, of which the operations do not tell.
      this.#known = false;
    }
  }

  /** Null: the program ran before. */
  bytes(): number | null {
    if (!this.#known) return null;
    return [...this.#breaks.values()].reduce((sum, heap) => sum + bytesOf(heap), this.#arenaBytes + this.#pastBytes);
  }
}
