/** How many schedules an interleaving stands for: those that differ from it in the order of independent steps only. */

import type { Footprint } from "./program.ts";

/**
 * Counts the linear extensions of the partial order that dependent steps are in. `schedule`: the CPU of each step, at most four
 * CPUs; `footprints`: what each read and wrote. Exact up to 2^53, as good as a double above.
 */
export function countSchedules(schedule: readonly number[], footprints: readonly (Footprint | null)[]): number {
  const cpus = Math.max(0, ...schedule) + 1;
  const needs = happensBefore(schedule, footprints, cpus);
  // Cells are how far each CPU is; strides[c] is one step of CPU c.
  const strides: number[] = [];
  let cells = 1;
  for (let cpu = 0; cpu < cpus; cpu++) {
    strides.push(cells);
    cells *= needs[cpu].length + 1;
  }
  const ways = new Float64Array(cells);
  ways[0] = 1;
  const at = new Array<number>(cpus).fill(0);
  for (let cell = 0; cell < cells; cell++) {
    if (ways[cell] > 0) {
      for (let cpu = 0; cpu < cpus; cpu++) {
        const need = needs[cpu][at[cpu]];
        if (need?.every((steps, other) => other === cpu || steps <= at[other])) ways[cell + strides[cpu]] += ways[cell];
      }
    }
    // The next cell, counting like an odometer.
    for (let cpu = 0; cpu < cpus; cpu++) {
      if (at[cpu] < needs[cpu].length) {
        at[cpu]++;
        break;
      }
      at[cpu] = 0;
    }
  }
  return ways[cells - 1];
}

/** For each step of each CPU: how many steps of every CPU must come before it (a vector clock). */
function happensBefore(
  schedule: readonly number[],
  footprints: readonly (Footprint | null)[],
  cpus: number,
): number[][][] {
  const needs: number[][][] = Array.from({ length: cpus }, () => []);
  const now: number[][] = Array.from({ length: cpus }, () => new Array<number>(cpus).fill(0));
  const written = new Map<number, number[]>();
  const read = new Map<number, number[]>();
  for (const [step, cpu] of schedule.entries()) {
    const clock = now[cpu];
    const footprint = footprints[step] ?? [];
    for (const entry of footprint) {
      const write = entry % 2 === 1;
      const object = Math.floor(entry / 2);
      join(clock, written.get(object));
      if (write) join(clock, read.get(object));
    }
    needs[cpu].push([...clock]);
    clock[cpu] = needs[cpu].length;
    for (const entry of footprint) {
      const object = Math.floor(entry / 2);
      if (entry % 2 === 1) {
        written.set(object, [...clock]);
        read.delete(object);
      } else {
        const readers = read.get(object) ?? new Array<number>(cpus).fill(0);
        join(readers, clock);
        read.set(object, readers);
      }
    }
  }
  return needs;
}

function join(clock: number[], other: readonly number[] | undefined): void {
  if (other === undefined) return;
  for (let cpu = 0; cpu < clock.length; cpu++) if (other[cpu] > clock[cpu]) clock[cpu] = other[cpu];
}
