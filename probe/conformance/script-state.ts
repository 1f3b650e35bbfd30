/**
 * Where a random script is: what it has mapped, and where its next operation goes. Addresses come from where earlier mappings
 * begin and end and from the borders of tables at every level, because that is where page tables are shared, freed, moved and kept.
 */
import type { Random } from "../../engine/workload/random.ts";

const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
export const PAGE = 4 * KIB;

interface Segment {
  start: number;
  end: number;
}

/** Where the borders of PTE, PMD and PUD tables are, and some ordinary places. */
const ANCHORS = [
  0,
  MIB,
  2 * MIB,
  4 * MIB,
  8 * MIB,
  10 * MIB,
  16 * MIB,
  GIB - 8 * MIB,
  GIB - 2 * MIB,
  GIB,
  GIB + 4 * MIB,
  2 * GIB,
  3 * GIB,
  4 * GIB - 2 * MIB,
  512 * GIB - 4 * MIB,
  512 * GIB - 2 * MIB,
  512 * GIB,
];
/** The same, so close together that nearly everything meets. */
const DENSE_ANCHORS = [0, MIB, 2 * MIB, 4 * MIB, GIB - 2 * MIB, GIB];
const LENGTHS = [
  PAGE,
  2 * PAGE,
  3 * PAGE,
  512 * KIB,
  MIB,
  2 * MIB - PAGE,
  2 * MIB,
  2 * MIB + PAGE,
  3 * MIB,
  4 * MIB,
  6 * MIB,
  8 * MIB,
];
const MAPPED_MAX = 24;

/** Bytes as scripts write them. */
export function formatBytes(bytes: number): string {
  if (bytes === 0) return "0";
  if (bytes % GIB === 0) return `${bytes / GIB}G`;
  if (bytes % MIB === 0) return `${bytes / MIB}M`;
  return `${bytes / KIB}K`;
}

export class ScriptState {
  readonly random: Random;
  readonly segments: Segment[] = [];
  readonly anchors: readonly number[];
  children = 0;
  hugetlbMaps = 0;
  /** Something may be locked, so that it is populated where it grows. */
  locked = false;

  constructor(random: Random) {
    this.random = random;
    this.anchors = this.chance(50) ? ANCHORS : DENSE_ANCHORS;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.random.below(items.length)] as T;
  }

  chance(percent: number): boolean {
    return this.random.below(100) < percent;
  }

  /** A start that has to do with what is mapped, or with a border. */
  place(): number {
    const { random } = this;
    let at: number;
    if (this.segments.length > 0 && this.chance(55)) {
      const { start, end } = this.pick(this.segments);
      at = this.pick([start, end, start - this.length(), end - this.length(), start + 2 * MIB, end - 2 * MIB]);
    } else at = this.pick(this.anchors) + this.pick([0, 0, 0, 2 * MIB, 4 * MIB, 512 * KIB, MIB]);
    at += this.pick([0, 0, 0, 0, 0, -PAGE, PAGE, 7 * PAGE, random.below(64) * 64 * KIB]);
    return Math.max(0, at);
  }

  length(): number {
    const length = this.pick(LENGTHS);
    return this.chance(12) ? PAGE * (1 + this.random.below(1200)) : length;
  }

  /** A range: mostly one that is mapped, whole or in part, sometimes one that is only near it. */
  range(): [number, number] {
    if (this.segments.length === 0 || this.chance(12)) return [this.place(), this.length()];
    const { start, end } = this.pick(this.segments);
    const whole = end - start;
    if (this.chance(30)) return [start, whole];
    // Aligned to a table inside the mapping, or somewhere in it.
    const up = Math.ceil(start / (2 * MIB)) * 2 * MIB;
    const from = this.pick([start, start, up, up, start + PAGE, start + PAGE * this.random.below(whole / PAGE)]);
    const at = from < end ? from : start;
    const length = this.pick([PAGE, PAGE, 2 * MIB, 2 * MIB, this.length(), this.length(), end - at]);
    return [at, this.chance(70) ? Math.max(PAGE, Math.min(length, end - at)) : length];
  }

  /** A range that can be made resident without harm. */
  smallRange(): [number, number] {
    const [at, length] = this.range();
    return [at, Math.min(length, 8 * MIB + PAGE)];
  }

  unmapped(start: number, end: number): void {
    for (let i = this.segments.length - 1; i >= 0; i--) {
      const segment = this.segments[i] as Segment;
      if (segment.end <= start || segment.start >= end) continue;
      this.segments.splice(i, 1);
      if (segment.start < start) this.segments.push({ start: segment.start, end: start });
      if (segment.end > end) this.segments.push({ start: end, end: segment.end });
    }
  }

  mapped(start: number, end: number): void {
    this.unmapped(start, end);
    this.segments.push({ start, end });
    if (this.segments.length > MAPPED_MAX) this.segments.shift();
  }
}
