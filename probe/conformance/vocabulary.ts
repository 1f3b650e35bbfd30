/** Which operations a class of random scripts is made of, and how often each comes. */
import {
  childstat,
  type Draw,
  FILES,
  fork,
  guardInstall,
  killchild,
  line,
  map,
  mremap,
  onRange,
  onSmallRange,
  PROTS,
  protect,
  resize,
  step,
  touch,
  truncate,
  uffd,
  unmap,
  vmas,
} from "./draws.ts";
import * as edge from "./draws-edge.ts";
import { formatBytes, MIB, PAGE } from "./script-state.ts";

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
  "edge",
  "mixed",
  "truncate",
  "many",
  "folio",
] as const;
/** Of the classes above none needs a setting of the system; these need a pool of huge pages, swap space, and khugepaged held. */
export const HUGETLB_CLASS = "hugetlb";
export const SWAP_CLASS = "swap";
export const KHUGEPAGED_CLASS = "khugepaged";
/** Free pages in that pool with which no script of the class runs out of them. */
export const HUGETLB_PAGES = 400;
export type ScriptClass = (typeof CLASSES)[number] | typeof HUGETLB_CLASS | typeof SWAP_CLASS | typeof KHUGEPAGED_CLASS;
/** Every class, those that need a setting last. */
export const ALL_CLASSES: readonly ScriptClass[] = [...CLASSES, HUGETLB_CLASS, SWAP_CLASS, KHUGEPAGED_CLASS];

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

const EDGE: Weighted = [
  [16, edge.farMap(["rw", "rw", "rw", "ro", "none", "rw hugepage", "rw noreplace"])],
  [4, edge.farMap(["rw shared", "ro shared", "rw file", "rw sharedfile", "rw shared noreplace"], 32 * 1024 * MIB)],
  [9, edge.farUnmap],
  [22, edge.farTouch],
  [12, edge.onFarRange("dontneed")],
  [2, edge.onFarRange("dontneed_locked")],
  [2, edge.onFarRange("pdontneed")],
  [1, edge.onFarRange("pdontneed_child")],
  [2, edge.onResidentRange("dontneed_step", ["1M", "2M", "4K", "3M-4K"])],
  [3, edge.onFarRange("free")],
  [8, edge.onFarRange("protect", ["none", "ro", "rw", "rw"])],
  [8, edge.farMremap("mremap")],
  [3, edge.farMremap("mremap_du")],
  [5, edge.farResize],
  [2, edge.onFarRange("hugepage")],
  [2, edge.onFarRange("nohugepage")],
  [2, edge.onWalkedRange("collapse")],
  [1, edge.onFarRange("munlock")],
  [1, edge.onFarRange("cold")],
  [1, edge.onFarRange("pageout")],
  [1, edge.onFarRange("remove")],
  [1, edge.onFarRange("punch")],
  [1, edge.onFarRange("wipeonfork")],
  [1, edge.onFarRange("dontfork")],
  [2, edge.onFarRange("guard_remove")],
  [2, edge.onResidentRange("guard_install")],
  [1, edge.onResidentRange("populate")],
  [1, edge.onResidentRange("populate_read")],
  [1, edge.onLockedRange("mlock")],
  [1, edge.onLockedRange("mlock2")],
  [2, fork],
  [1, killchild],
  [1, childstat],
  [3, vmas],
];
const TRUNCATE: Weighted = [
  [24, map([...FILES, "rw shared hugepage", "rw sharedfile hugepage", "rw file hugepage"])],
  [14, edge.nearTruncate],
  [5, onRange("punch")],
  [4, onRange("remove")],
  [5, onSmallRange("collapse")],
  [3, onSmallRange("populate")],
  [3, onSmallRange("populate_read")],
  [2, onSmallRange("mlock")],
  [2, guardInstall],
  [2, onRange("guard_remove")],
  [3, mremap("mremap_du")],
  [4, resize],
];
const MANY: Weighted = [
  [
    30,
    edge.tinyMap([
      "rw",
      "rw",
      "rw",
      "ro",
      "none",
      "rw nohugepage",
      "rw reserve",
      "rw growsdown",
      "rw file",
      "rw shared",
    ]),
  ],
  [8, edge.overTiny("touch", ["w", "r", "w stride=64K"])],
  [8, edge.overTiny("dontneed")],
  [6, edge.overTiny("protect", ["rw", "ro", "none"])],
  [3, edge.overTiny("unmap")],
  [3, edge.overTiny("hugepage")],
  [3, edge.overTiny("nohugepage")],
  [2, edge.overTiny("free")],
  [2, edge.overTiny("mlock")],
  [2, edge.overTiny("munlock")],
  [2, edge.overTiny("guard_install")],
  [2, edge.overTiny("guard_remove")],
  [2, edge.overTiny("dontneed_locked")],
  [2, edge.overTiny("wipeonfork")],
  [2, edge.overTiny("keeponfork")],
  [2, edge.overTiny("populate")],
  [2, edge.overTiny("collapse")],
  [4, edge.moveTiny("mremap")],
  [2, edge.moveTiny("mremap_du")],
  [3, vmas],
];

/** Huge folios of files: made by a collapse, mapped whole and in part, cut by advice and by holes. */
const FOLIO: Weighted = [
  [
    10,
    map(["rw shared", "rw file", "ro file", "rw shared populate", "rw file populate", "rw sharedfile populate"], false),
  ],
  [14, onSmallRange("collapse")],
  [8, onRange("pageout")],
  [6, onRange("cold")],
  [4, onSmallRange("populate_read")],
  [2, onSmallRange("populate")],
  [1, onRange("punch")],
  [1, onRange("remove")],
  [2, onRange("nohugepage")],
  [2, onRange("hugepage")],
  [3, mremap("mremap_du")],
  [4, uffd],
  [1, onSmallRange("mlock")],
  [1, onRange("munlock")],
];

/** What meets entries of swap, and how they come about. */
const SWAP: Weighted = [
  [24, onRange("pageout")],
  [6, onRange("free")],
  [3, onRange("cold")],
  [6, onSmallRange("collapse")],
  [5, map(["rw hugepage", "rw", "rw locked", "rw populate"], false)],
  [3, onRange("hugepage")],
  [2, onRange("nohugepage")],
  [2, onSmallRange("populate")],
  [2, onSmallRange("populate_read")],
  [2, onSmallRange("mlock")],
  [1, onRange("munlock")],
  [2, onRange("willneed")],
  [2, onRange("dontneed_locked")],
  [2, guardInstall],
  [2, onRange("guard_remove")],
  [3, mremap("mremap_du")],
  [2, resize],
];

const sleepABit: Draw = () => "sleep 10";
/** khugepaged, and what makes a slot fit for it or not. */
const KHUGEPAGED: Weighted = [
  [14, sleepABit],
  [8, onRange("hugepage")],
  [2, onRange("nohugepage")],
  [8, map(["rw hugepage", "rw hugepage", "ro hugepage", "rw hugepage locked", "rw nohugepage"], false)],
  [3, onSmallRange("populate")],
  [2, onSmallRange("populate_read")],
  [2, onSmallRange("collapse")],
  [2, guardInstall],
  [2, onRange("guard_remove")],
  [2, onRange("cold")],
  [2, onSmallRange("mlock")],
  [1, onRange("munlock")],
  [2, mremap("mremap_du")],
  [3, fork],
  [3, killchild],
  [3, childstat],
];

export const VOCABULARY: Record<ScriptClass, Weighted> = {
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
  edge: EDGE,
  mixed: [...CORE, [24, edge.mixedMap], ...EXT, ...FILE, ...FORK, ...MREMAP, ...LOCK, ...THP, ...FLAGS],
  truncate: [...CORE, ...FILE, ...FORK, ...TRUNCATE],
  many: [...MANY, ...FORK],
  folio: [...CORE, ...FOLIO, ...FORK],
  swap: [...CORE, ...SWAP, ...FILE, ...FORK],
  khugepaged: [...CORE, ...KHUGEPAGED, [4, map(FILES)]],
};
