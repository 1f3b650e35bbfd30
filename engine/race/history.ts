/**
 * A hash of what has happened: equal for schedules that differ only in the order of independent actions ("happens-before
 * caching", Musuvathi and Qadeer 2007). Two schedules with the same hash lead to the same state, CPUs' locals included.
 */

import type { Footprint } from "./program.ts";

/** Not symmetrical: an object's last write may well be the CPU's own last step. */
function mix(hash: number, value: number): number {
  let mixed = (Math.imul(hash, 0x9e3779b1) + value + 0x7f4a7c15) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca77);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae3d);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** What is known of an object: the hash of its last write, and a sum over its reads since (in two lanes). */
interface ObjectHistory {
  writeA: number;
  writeB: number;
  readsA: number;
  readsB: number;
}

export class History {
  private readonly objects = new Map<number, ObjectHistory>();
  private readonly laneA: Uint32Array;
  private readonly laneB: Uint32Array;

  constructor(cpus: number) {
    this.laneA = new Uint32Array(cpus);
    this.laneB = new Uint32Array(cpus);
    for (let cpu = 0; cpu < cpus; cpu++) {
      this.laneA[cpu] = cpu + 1;
      this.laneB[cpu] = cpu + 101;
    }
  }

  /** `cpu` has taken a step that read and wrote `footprint`. */
  record(cpu: number, footprint: Footprint): void {
    this.laneA[cpu] = mix(this.laneA[cpu], 1);
    this.laneB[cpu] = mix(this.laneB[cpu], 1);
    for (const each of footprint) this.see(cpu, Math.floor(each / 2), each % 2 === 1);
    for (const each of footprint) this.leave(cpu, Math.floor(each / 2), each % 2 === 1);
  }

  private of(object: number): ObjectHistory {
    let history = this.objects.get(object);
    if (history === undefined) {
      history = { writeA: 7, writeB: 11, readsA: 0, readsB: 0 };
      this.objects.set(object, history);
    }
    return history;
  }

  private see(cpu: number, object: number, write: boolean): void {
    const history = this.of(object);
    this.laneA[cpu] = mix(this.laneA[cpu], history.writeA);
    this.laneB[cpu] = mix(this.laneB[cpu] + 1, history.writeB);
    if (!write) return;
    this.laneA[cpu] = mix(this.laneA[cpu], history.readsA);
    this.laneB[cpu] = mix(this.laneB[cpu] + 1, history.readsB);
  }

  private leave(cpu: number, object: number, write: boolean): void {
    const history = this.of(object);
    if (write) {
      history.writeA = this.laneA[cpu];
      history.writeB = this.laneB[cpu];
      history.readsA = history.readsB = 0;
    } else {
      history.readsA = (history.readsA + this.laneA[cpu]) >>> 0;
      history.readsB = (history.readsB + this.laneB[cpu]) >>> 0;
    }
  }

  /** The hash: 53 bits, a whole number. */
  key(): number {
    let a = 1;
    let b = 2;
    for (let cpu = 0; cpu < this.laneA.length; cpu++) {
      a = mix(a, this.laneA[cpu]);
      b = mix(b, this.laneB[cpu]);
    }
    return a * 0x200000 + (b >>> 11);
  }
}
