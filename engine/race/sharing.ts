/** Which objects several CPUs touch, as far as a search has seen, and which steps therefore concern one CPU alone. */
import { createRandom } from "../workload/random.ts";
import { Cursor } from "./cursor.ts";
import type { Footprint, Program } from "./program.ts";

/** Masks of CPUs, four bits each: who reads an object, who writes it. */
const WRITERS = 4;
const ALL = 0b1111;
/** Runs that a search begins with, to see what is shared. */
const LEARNING_RUNS = 48;

/** An access by `cpu` in those masks. */
function maskOf(cpu: number, access: number): number {
  return 1 << (cpu + (access & 1) * WRITERS);
}

export class Sharing {
  /** Object -> readers | writers << 4. */
  private readonly seen: number[] = [];
  /** Object -> CPUs whose reads (| writes << 4) of it have been taken to be nobody else's business. */
  private relied: number[] = [];
  /** Something was relied on that has turned out wrong: the search must begin again. */
  mistaken = false;

  /** Takes note of what a step of `cpu` read and wrote. */
  record(cpu: number, footprint: Footprint): void {
    for (let i = 0; i < footprint.length; i++) {
      const object = footprint[i] >> 1;
      const before = this.seen[object] ?? 0;
      const now = before | maskOf(cpu, footprint[i]);
      if (now === before) continue;
      this.seen[object] = now;
      if (this.conflict(this.relied[object] ?? 0, now)) this.mistaken = true;
    }
  }

  /** Does an access of `now` conflict with one in `relied` by another CPU? */
  private conflict(relied: number, now: number): boolean {
    for (let cpu = 0; cpu < WRITERS; cpu++) {
      const others = ALL & ~(1 << cpu);
      const writers = (now >> WRITERS) & others;
      if ((relied & (1 << cpu)) !== 0 && writers !== 0) return true;
      if ((relied & (1 << (cpu + WRITERS))) !== 0 && (writers | (now & others)) !== 0) return true;
    }
    return false;
  }

  /** Does this step of `cpu` conflict with nothing that another CPU has ever done? If so the search may rely on it. */
  private(cpu: number, footprint: Footprint): boolean {
    for (let i = 0; i < footprint.length; i++)
      if (this.conflict(maskOf(cpu, footprint[i]), this.seen[footprint[i] >> 1] ?? 0)) return false;
    for (let i = 0; i < footprint.length; i++) {
      const object = footprint[i] >> 1;
      this.relied[object] = (this.relied[object] ?? 0) | maskOf(cpu, footprint[i]);
    }
    return true;
  }

  /** Begins anew with what has been seen. */
  forget(): void {
    this.relied = [];
    this.mistaken = false;
  }
}

/** A few runs whose CPUs take turns of lengths that vary, to see what is shared before the search begins. */
export function learnSharing(program: Program): Sharing {
  const sharing = new Sharing();
  const random = createRandom(1);
  for (let run = 0; run < LEARNING_RUNS; run++) {
    const cursor = new Cursor(program);
    let cpu = run % program.cpus;
    let violated = false;
    for (let step = 0; step < 2_000 && !violated; step++) {
      const enabled = cursor.enabledMask();
      if (enabled === 0) break;
      // Whole CPUs one after the other at first, then more and more switches.
      if ((enabled & (1 << cpu)) === 0 || random.below(64) < run)
        cpu = (cpu + 1 + random.below(program.cpus)) % program.cpus;
      while ((enabled & (1 << cpu)) === 0) cpu = (cpu + 1) % program.cpus;
      violated = cursor.step(cpu) !== null;
      sharing.record(cpu, cursor.execution.footprint());
    }
  }
  return sharing;
}
