/** How many schedules an interleaving stands for: those that differ from it in the order of independent steps only. */

import type { Footprint } from "./program.ts";

/** Counts for one program; what it works in is kept from one interleaving to the next. */
export class ScheduleCounter {
  private readonly cpus: number;
  /** Vector clocks (how many steps of each CPU have been): of each CPU, and of the last write and the reads since of each object. */
  private readonly now: Uint16Array;
  private written = new Uint16Array(0);
  private read = new Uint16Array(0);
  /** How many steps of `other` must come before step n of `cpu`: at (cpu * steps + n) * cpus + other. */
  private needs = new Uint16Array(0);
  /** By how far each CPU is: the number of orders in which that is reached. */
  private ways = new Float64Array(0);

  /** `cpus`: at most four. */
  constructor(cpus: number) {
    this.cpus = cpus;
    this.now = new Uint16Array(cpus * cpus);
  }

  /**
   * Counts the linear extensions of the partial order that dependent steps are in. `schedule`: the CPU of each step, fewer than
   * 2^16; `footprints`: what each read and wrote. Exact up to 2^53, as good as a double above.
   */
  count(schedule: readonly number[], footprints: readonly (Footprint | null)[]): number {
    const { cpus } = this;
    this.findNeeds(schedule, footprints);
    // Cells are how far each CPU is; strides[c] is one step of CPU c. A row of cells differs in CPU 0 only.
    const strides: number[] = [];
    const lengths: number[] = [];
    let cells = 1;
    for (let cpu = 0; cpu < cpus; cpu++) {
      lengths.push(this.now[cpu * cpus + cpu]);
      strides.push(cells);
      cells *= lengths[cpu] + 1;
    }
    if (this.ways.length < cells) this.ways = new Float64Array(cells);
    const { ways } = this;
    ways.fill(0, 0, cells);
    ways[0] = 1;
    const at = new Array<number>(cpus).fill(0);
    // How far CPU 0 can be where the others are there.
    let end = 0;
    for (let row = 0; row < cells; row += lengths[0] + 1) {
      while (end < lengths[0] && this.met(end * cpus, 0, at)) end++;
      // The last step was another CPU's, or CPU 0's.
      for (let cpu = 1; cpu < cpus; cpu++) {
        if (at[cpu] === 0) continue;
        const need = (cpu * schedule.length + at[cpu] - 1) * cpus;
        if (!this.met(need, cpu, at)) continue;
        const before = row - strides[cpu];
        for (let i = this.needs[need]; i <= end; i++) ways[row + i] += ways[before + i];
      }
      for (let i = 0; i < end; i++) ways[row + i + 1] += ways[row + i];
      // The next row, counting like an odometer. The others having gone on, CPU 0 can be as far as before.
      for (let cpu = 1; cpu < cpus; cpu++) {
        if (at[cpu] < lengths[cpu]) {
          at[cpu]++;
          break;
        }
        at[cpu] = 0;
        end = 0;
      }
    }
    return ways[cells - 1];
  }

  /** Are the CPUs, those but 0 and `cpu` itself, as far as the step of `cpu` whose needs are at `need` wants them? */
  private met(need: number, cpu: number, at: readonly number[]): boolean {
    for (let other = 1; other < this.cpus; other++)
      if (other !== cpu && this.needs[need + other] > at[other]) return false;
    return true;
  }

  /** Fills `needs`, and `now` with the clocks of the end. */
  private findNeeds(schedule: readonly number[], footprints: readonly (Footprint | null)[]): void {
    const { cpus, now } = this;
    if (this.needs.length < schedule.length * cpus * cpus) this.needs = new Uint16Array(schedule.length * cpus * cpus);
    now.fill(0);
    this.written.fill(0);
    this.read.fill(0);
    for (let step = 0; step < schedule.length; step++) {
      const footprint = footprints[step] ?? [];
      const clock = schedule[step] * cpus;
      const own = clock + schedule[step];
      for (let i = 0; i < footprint.length; i++) {
        const object = (footprint[i] >> 1) * cpus;
        if (object >= this.written.length) this.grow(object + cpus);
        join(now, clock, this.written, object, cpus);
        if ((footprint[i] & 1) === 1) join(now, clock, this.read, object, cpus);
      }
      const need = (schedule[step] * schedule.length + now[own]) * cpus;
      for (let cpu = 0; cpu < cpus; cpu++) this.needs[need + cpu] = now[clock + cpu];
      now[own]++;
      for (let i = 0; i < footprint.length; i++) {
        const object = (footprint[i] >> 1) * cpus;
        // A write has joined the reads before it: whoever joins it joins them.
        join((footprint[i] & 1) === 1 ? this.written : this.read, object, now, clock, cpus);
      }
    }
  }

  private grow(least: number): void {
    const longer = (old: Uint16Array) => {
      const fresh = new Uint16Array(least * 2);
      fresh.set(old);
      return fresh;
    };
    this.written = longer(this.written);
    this.read = longer(this.read);
  }
}

/** The clock at `to` is joined with the one at `from`: the later of each CPU's. */
function join(into: Uint16Array, to: number, other: Uint16Array, from: number, cpus: number): void {
  for (let cpu = 0; cpu < cpus; cpu++) if (other[from + cpu] > into[to + cpu]) into[to + cpu] = other[from + cpu];
}
