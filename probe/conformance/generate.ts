/**
 * Random conformance scripts: sequences of operations that keep running into each other, drawn from a seed. Addresses
 * come from where earlier mappings begin and end and from the borders of tables at every level, because that is where
 * page tables are shared, freed, moved and kept.
 */
import { createRandom, type Random } from "../../engine/workload/random.ts";

export const CLASSES = [
  "core",
  "ext",
  "file",
  "fork",
  "uffd",
  "mremap",
  "thp",
  "lock",
  "flags",
  "stack",
  "move",
  "anon",
  "all",
] as const;
/** Of the classes above none needs a setting of the system; this one needs a pool of huge pages. */
export const HUGETLB_CLASS = "hugetlb";
/** Free pages in that pool with which no script of the class runs out of them. */
export const HUGETLB_PAGES = 400;
export type ScriptClass = (typeof CLASSES)[number] | typeof HUGETLB_CLASS;

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const PAGE = 4 * KIB;

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
const CHILDREN_MAX = 3;

/** Bytes as scripts write them. */
export function formatBytes(bytes: number): string {
  if (bytes === 0) return "0";
  if (bytes % GIB === 0) return `${bytes / GIB}G`;
  if (bytes % MIB === 0) return `${bytes / MIB}M`;
  return `${bytes / KIB}K`;
}

type Draw = (script: ScriptState) => string;

class ScriptState {
  readonly random: Random;
  readonly segments: Segment[] = [];
  readonly anchors: readonly number[];
  children = 0;
  hugetlbMaps = 0;

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

const line = (name: string, [at, length]: [number, number], rest = ""): string =>
  `${name} ${formatBytes(at)} ${formatBytes(length)}${rest && ` ${rest}`}`;

const onRange =
  (name: string, rest: readonly string[] = [""]): Draw =>
  (script) =>
    line(name, script.range(), script.pick(rest));

const onSmallRange =
  (name: string): Draw =>
  (script) =>
    line(name, script.smallRange());

function map(words: readonly string[], hugeToo = true): Draw {
  return (script) => {
    const at = script.place();
    const length = hugeToo && script.chance(4) ? GIB + script.pick([0, 2 * MIB, PAGE]) : script.length();
    script.mapped(at, at + length);
    return line("map", [at, length], script.pick(words));
  };
}

const unmap: Draw = (script) => {
  const [at, length] = script.range();
  script.unmapped(at, at + length);
  return line("unmap", [at, length]);
};

const touch: Draw = (script) => {
  const [at, length] = script.range();
  const access = script.pick(["r", "w", "w"]);
  if (length > 16 * MIB) return line("touch", [at, length], `${access} stride=2M`);
  return line("touch", [at, length], script.chance(30) ? `${access} stride=512K` : access);
};

const step: Draw = (script) => {
  const [at, length] = script.smallRange();
  return line("dontneed_step", [at, length], script.pick(["1M", "1M", "1M", "64K", "2M", "2M-4K", "3M"]));
};

const protect: Draw = onRange("protect", ["none", "r", "rw", "rw"]);

function mremap(name: string): Draw {
  return (script) => {
    const [at, length] = script.range();
    const same = Math.floor(at / (2 * MIB)) * 2 * MIB;
    const to = script.chance(40) ? script.place() : script.pick(script.anchors) + 32 * MIB + (at - same);
    const resized = name === "mremap" && script.chance(15) ? script.length() : length;
    if (name === "mremap") script.unmapped(at, at + length);
    script.mapped(to, to + resized);
    return `${line(name, [at, length], formatBytes(to))}${resized === length ? "" : ` ${formatBytes(resized)}`}`;
  };
}

const resize: Draw = (script) => {
  const [at, length] = script.range();
  const to = script.pick([PAGE, length + PAGE, length + 2 * MIB, script.length(), Math.max(PAGE, length - MIB)]);
  if (to > length) script.mapped(at, at + to);
  return line("resize", [at, length], formatBytes(to));
};

const fork: Draw = (script) => {
  if (script.children >= CHILDREN_MAX) {
    script.children--;
    return "killchild";
  }
  script.children++;
  return "fork";
};
const killchild: Draw = (script) => {
  if (script.children === 0) return fork(script);
  script.children--;
  return "killchild";
};
const childstat: Draw = (script) => (script.children === 0 ? fork(script) : "childstat");

const vmas: Draw = () => "vmas list";
const uffd: Draw = (script) =>
  line("uffdwp", script.range(), script.pick(["reg", "reg", "on", "wp", "wp", "unwp", "off", "unreg"]));

const truncate: Draw = (script) =>
  `truncate ${script.chance(50) ? "64T" : formatBytes(script.pick([0, script.place(), PAGE * script.random.below(4096)]))}`;

const guardInstall = onSmallRange("guard_install");

const PROTS = ["rw", "rw", "rw", "rw", "ro", "none"];
const FILES = [
  "rw file",
  "rw file",
  "ro file",
  "none file",
  "rw shared",
  "rw shared",
  "ro shared",
  "none shared",
  "rw sharedfile",
  "ro sharedfile",
];

type Weighted = readonly (readonly [number, Draw])[];

const CORE: Weighted = [
  [16, map(PROTS)],
  [7, unmap],
  [26, touch],
  [12, onRange("dontneed")],
  [5, step],
  [4, onRange("free")],
  [9, protect],
  [8, mremap("mremap")],
  [2, vmas],
];
const EXT: Weighted = [
  [5, map(["rw hugepage", "rw hugepage", "ro hugepage", "none hugepage", "rw nohugepage"])],
  [3, map(["rw populate", "ro populate", "none populate", "rw locked", "ro locked", "rw populate hugepage"], false)],
  [3, onRange("hugepage")],
  [2, onRange("nohugepage")],
  [3, onSmallRange("collapse")],
  [2, onRange("dontneed_locked")],
  [2, onSmallRange("populate")],
  [1, onSmallRange("populate_read")],
  [3, guardInstall],
  [3, onRange("guard_remove")],
  [1, onSmallRange("mlock")],
  [1, onSmallRange("mlock2")],
  [1, onRange("munlock")],
  [1, onRange("pdontneed")],
  [1, onRange("cold")],
];
const FILE: Weighted = [
  [10, map(FILES)],
  [2, map(["rw shared hugepage", "rw file populate", "rw shared populate", "ro file populate"], false)],
  [1, onRange("remove")],
  [1, onRange("punch")],
  [1, truncate],
  [1, onRange("pageout")],
];
const FORK: Weighted = [
  [6, fork],
  [4, killchild],
  [6, childstat],
  [1, onRange("dontfork")],
  [1, onRange("dofork")],
  [1, onRange("wipeonfork")],
  [1, onRange("keeponfork")],
  [1, onRange("pdontneed_child")],
];
const UFFD: Weighted = [
  [18, uffd],
  [1, (script) => `uffdmode ${script.pick(["sync", "async", "async"])}`],
];
const MREMAP: Weighted = [
  [14, mremap("mremap")],
  [6, mremap("mremap_du")],
  [5, resize],
  [3, vmas],
];

const THP: Weighted = [
  [
    14,
    map(["rw hugepage", "rw hugepage", "rw hugepage", "ro hugepage", "rw shared hugepage", "rw file hugepage"], false),
  ],
  [6, onSmallRange("collapse")],
  [4, onRange("hugepage")],
  [2, onRange("nohugepage")],
  [4, guardInstall],
  [3, onRange("guard_remove")],
  [3, mremap("mremap_du")],
  [3, fork],
  [2, killchild],
  [2, childstat],
  [2, onRange("pageout")],
  [2, onSmallRange("populate")],
];
const LOCK: Weighted = [
  [
    6,
    map(["rw locked", "ro locked", "none locked", "rw shared locked", "rw file locked", "rw locked hugepage"], false),
  ],
  [5, onSmallRange("mlock")],
  [4, onSmallRange("mlock2")],
  [4, onRange("munlock")],
  [4, onRange("dontneed_locked")],
  [4, resize],
  [3, mremap("mremap_du")],
  [2, fork],
  [2, killchild],
  [2, onSmallRange("guard_install")],
];

/** Flags that only merging, forking and faulting ahead depend on. */
const FLAGS: Weighted = [
  [
    14,
    map(
      [
        "rw reserve",
        "rw reserve",
        "ro reserve",
        "none reserve",
        "rw reserve file",
        "ro reserve file",
        "rw reserve shared",
        "rw stack",
        "ro stack reserve",
        "rw hugepage reserve",
      ],
      false,
    ),
  ],
  [2, onRange("mergeable")],
  [2, onRange("unmergeable")],
  [1, onRange("dontdump")],
  [1, onRange("dodump")],
  [1, onRange("random")],
  [1, onRange("sequential")],
  [1, onRange("normal")],
  [1, onRange("willneed")],
  [2, onRange("dontfork")],
  [1, onRange("dofork")],
  [2, onRange("wipeonfork")],
  [1, onRange("keeponfork")],
];
const STACK: Weighted = [
  [10, map(["rw growsdown", "rw growsdown", "ro growsdown", "rw growsdown reserve", "rw growsdown locked"], false)],
  [
    12,
    (script) => {
      const { start } = script.pick(script.segments.length > 0 ? script.segments : [{ start: 4 * MIB, end: 5 * MIB }]);
      const below = PAGE * script.pick([1, 2, 7, 200, 255, 256, 257, 512, 1024, 2047, 2048, 3000]);
      if (start < below) return "vmas list";
      const at = start - below;
      if (script.chance(50)) script.mapped(at, start);
      return line("touch", [at, PAGE], script.pick(["r", "w", "w"]));
    },
  ],
];
const MOVE: Weighted = [
  [8, uffd],
  [
    14,
    (script) => {
      const [at, length] = script.range();
      const [from] = script.range();
      return line("uffdmove", [at, Math.min(length, 6 * MIB)], formatBytes(script.chance(50) ? from : script.place()));
    },
  ],
];

/** The same with anonymous private memory in place of files and shared memory. */
const withoutFiles = (words: Weighted): Weighted =>
  words.map(([weight, draw]) => [weight, (script) => draw(script).replaceAll(/ (file|shared|sharedfile)(?= |$)/g, "")]);

const withoutGuards = (words: Weighted): Weighted =>
  words.map(([weight, draw]) => [weight, (script) => draw(script).replace(/^guard_install/, "guard_remove")]);

const mapHugetlb: Draw = (script) => {
  const slot = 2 * MIB;
  const at = Math.floor(script.place() / slot) * slot + (script.chance(4) ? PAGE : 0);
  const length = slot * script.pick([1, 1, 2, 3, 4]) - (script.chance(10) ? script.pick([PAGE, MIB]) : 0);
  const words = script.pick(["rw", "rw", "rw", "ro", "none", "rw populate", "ro populate", "rw locked"]);
  if (script.hugetlbMaps++ > 16) return line("unmap", script.range());
  script.mapped(at, at + length);
  return line("map", [at, length], `${words} hugetlb`);
};

const VOCABULARY: Record<ScriptClass, Weighted> = {
  core: CORE,
  ext: [...CORE, ...EXT],
  file: [...CORE, ...FILE],
  fork: [...CORE, ...EXT, ...FILE, ...FORK],
  uffd: [...CORE, ...FILE, ...UFFD],
  mremap: [...CORE, ...MREMAP],
  thp: [...CORE, ...THP],
  lock: [...CORE, ...LOCK],
  flags: [...CORE, ...FLAGS, ...FORK, ...MREMAP],
  stack: [...CORE, ...STACK, ...FORK, [2, mremap("mremap_du")], [2, resize]],
  move: withoutFiles([...CORE, ...MOVE, ...THP]),
  hugetlb: [...CORE, ...EXT, ...FORK, ...MREMAP, [24, mapHugetlb]],
  // Everything that needs no file, guards and userfaultfd markers together.
  anon: withoutFiles([...CORE, ...EXT, ...FORK, ...UFFD, ...MOVE, ...MREMAP, ...THP, ...LOCK, ...FLAGS, ...STACK]),
  // Without guards: the kernel tries for ever to put them where uffd-wp markers of file memory are.
  all: withoutGuards([
    ...[...CORE, ...EXT, ...FILE, ...FORK, ...UFFD],
    ...[...MOVE, ...MREMAP, ...THP, ...LOCK, ...FLAGS, ...STACK],
  ]),
};

/** `length` operations of a class, one script line each; the same seed draws the same. */
export function generateScript(kind: ScriptClass, seed: number, length: number): string[] {
  const script = new ScriptState(createRandom(seed));
  const words = VOCABULARY[kind];
  const total = words.reduce((sum, [weight]) => sum + weight, 0);
  return Array.from({ length }, () => {
    let at = script.random.below(total);
    for (const [weight, draw] of words) {
      at -= weight;
      if (at < 0) return draw(script);
    }
    throw new Error("weights do not add up");
  });
}
