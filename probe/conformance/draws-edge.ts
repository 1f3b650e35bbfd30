/** Lines that ordinary scripts hardly ever hold: ranges that are empty, enormous or at the end of user space, and every mixture of words. */
import { type Draw, line } from "./draws.ts";
import { formatBytes, GIB, MIB, PAGE, type ScriptState } from "./script-state.ts";

const TIB = 1024 * GIB;
/** Offset of the end of user space with four levels of tables, TASK_SIZE: the last page below 2^47 is no one's. */
const TASK_END = 112 * TIB - PAGE;
/** The probe itself lies between these offsets. */
const PROBE_FROM = 64 * TIB;
const PROBE_END = 66 * TIB;
/** An advice that looks at every slot of its range is not given more. */
const WALKED_MAX = 256 * GIB;
/** Accesses of a touch over an enormous range. */
const ACCESSES_MAX = 48;

const FAR_ANCHORS = [
  0,
  512 * GIB - 2 * MIB,
  512 * GIB,
  TIB,
  16 * TIB - MIB,
  PROBE_FROM - 4 * MIB,
  PROBE_END,
  TASK_END - 4 * GIB,
  TASK_END - 4 * MIB,
  TASK_END - 2 * MIB + PAGE,
  TASK_END - 3 * PAGE,
  TASK_END - PAGE,
];
const FAR_LENGTHS = [0, 0, PAGE, 2 * PAGE, 2 * MIB, 8 * MIB, GIB, GIB + 2 * MIB, 512 * GIB, TIB, 20 * TIB];

/** Kept off the probe and within what a script may name: up to the end of the last page of 2^47 bytes. */
function keptOff(at: number, length: number): [number, number] {
  const from = Math.min(Math.max(0, at), TASK_END + PAGE);
  const inside = from >= PROBE_FROM && from < PROBE_END ? PROBE_END : from;
  const limit = inside < PROBE_FROM ? PROBE_FROM : TASK_END + PAGE;
  return [inside, Math.min(length, limit - inside)];
}

function farRange(script: ScriptState, longest = 64 * TIB): [number, number] {
  if (script.segments.length > 0 && script.chance(60)) {
    const [at, length] = script.range();
    const grown = script.chance(25) ? script.pick(FAR_LENGTHS) : length;
    return keptOff(at, Math.min(grown, longest));
  }
  const at = script.pick(FAR_ANCHORS) + script.pick([0, 0, 0, PAGE, -PAGE, 2 * MIB, -2 * MIB]);
  const length = script.chance(20) ? TASK_END - at : script.pick(FAR_LENGTHS);
  return keptOff(at, Math.min(Math.max(0, length), longest));
}

export const farMap =
  (words: readonly string[], longest = 64 * TIB): Draw =>
  (script) => {
    const [at, length] = farRange(script, longest);
    if (length > 0 && at + length <= TASK_END) script.mapped(at, at + length);
    return line("map", [at, length], script.pick(words));
  };

export const farUnmap: Draw = (script) => {
  const [at, length] = farRange(script);
  script.unmapped(at, at + length);
  return line("unmap", [at, length]);
};

export const onFarRange =
  (name: string, rest: readonly string[] = [""], longest = 64 * TIB): Draw =>
  (script) =>
    line(name, farRange(script, longest), script.pick(rest));

export const onWalkedRange = (name: string): Draw => onFarRange(name, [""], WALKED_MAX);
export const onResidentRange = (name: string, rest: readonly string[] = [""]): Draw => onFarRange(name, rest, 8 * MIB);

export const onLockedRange =
  (name: "mlock" | "mlock2"): Draw =>
  (script) => {
    script.locked = true;
    return onResidentRange(name)(script);
  };

/** How large it may become, so that what is locked still fits into memory. */
const growable = (script: ScriptState, from: number, to: number): number =>
  script.locked ? Math.min(to, from + 8 * MIB) : to;

export const farTouch: Draw = (script) => {
  const [at, length] = farRange(script);
  const access = script.pick(["", "r", "w"]);
  const stride = script.pick([3 * PAGE, 7 * PAGE, 2 * MIB - PAGE, 2 * MIB + PAGE, 4 * MIB, GIB, 5 * GIB + PAGE]);
  const least = Math.ceil(length / ACCESSES_MAX / PAGE) * PAGE;
  if (length > 16 * MIB) return line("touch", [at, length], `${access} stride=${formatBytes(Math.max(stride, least))}`);
  return line("touch", [at, length], script.chance(40) ? `${access} stride=${formatBytes(stride)}` : access);
};

/** A move onto itself, over itself, from or to nothing, and beyond the end. */
export const farMremap =
  (name: "mremap" | "mremap_du"): Draw =>
  (script) => {
    const [at, length] = farRange(script);
    const wanted = name === "mremap" && script.chance(35) ? script.pick([...FAR_LENGTHS, length + PAGE]) : length;
    const near = script.pick([0, PAGE, length - PAGE, length, -length, PAGE - length, length + 2 * MIB]);
    const target = script.chance(50) ? at + near : farRange(script)[0];
    const [to, room] = keptOff(target, growable(script, length, wanted));
    const [resized, from] = name === "mremap" ? [room, length] : [room, room];
    if (name === "mremap") script.unmapped(at, at + length);
    if (resized > 0 && to + resized <= TASK_END) script.mapped(to, to + resized);
    return `${line(name, [at, from], formatBytes(to))}${resized === from ? "" : ` ${formatBytes(resized)}`}`;
  };

export const farResize: Draw = (script) => {
  const [at, length] = farRange(script);
  // Not past the probe: with five levels of tables there is room for that, but the probe and its stack are in the way.
  const most = at < PROBE_FROM ? PROBE_FROM - at : length;
  const wanted = script.pick([0, PAGE, length + PAGE, Math.max(0, length - PAGE), most, GIB]);
  const to = growable(script, length, wanted);
  if (to > length && at + to <= TASK_END) script.mapped(at, at + to);
  return line("resize", [at, length], formatBytes(to));
};

const PROTS = ["rw", "rw", "rw", "rw", "ro", "r", "none"];
const BACKINGS = ["", "", "", " file", " file", " shared", " shared", " sharedfile"];
const FLAGS = ["populate", "locked", "hugepage", "nohugepage", "growsdown", "stack", "reserve", "noreplace"];

/** Words in any mixture, those that the kernel refuses too. */
export const mixedMap: Draw = (script) => {
  const at = script.place();
  const length = script.length();
  const flags = FLAGS.filter(() => script.chance(14)).map((flag) => ` ${flag}`);
  script.mapped(at, at + length);
  return line("map", [at, length], `${script.pick(PROTS)}${script.pick(BACKINGS)}${flags.join("")}`);
};

/** The file ends (or begins to reach) where something is mapped, or in the middle of it. */
export const nearTruncate: Draw = (script) => {
  if (script.segments.length === 0 || script.chance(30)) return "truncate 64T";
  const { start, end } = script.pick(script.segments);
  const inside = start + PAGE * script.random.below((end - start) / PAGE);
  const size = script.pick([start, end, inside, inside, Math.max(0, end - 2 * MIB), start + 2 * MIB, start + PAGE]);
  return `truncate ${formatBytes(size)}`;
};

/** A mapping of a page or a few, close to many others. */
export const tinyMap =
  (words: readonly string[]): Draw =>
  (script) => {
    const at = PAGE * script.random.below(1536);
    const length = PAGE * script.pick([1, 1, 1, 2, 3, 5, 16]);
    script.mapped(at, at + length);
    return line("map", [at, length], script.pick(words));
  };

/** A range over many of those. */
export const overTiny =
  (name: string, rest: readonly string[] = [""]): Draw =>
  (script) => {
    const at = PAGE * script.random.below(1536);
    return line(name, [at, PAGE * script.pick([1, 3, 64, 512, 1024])], script.pick(rest));
  };

export const moveTiny =
  (name: "mremap" | "mremap_du"): Draw =>
  (script) => {
    const at = PAGE * script.random.below(1536);
    const length = PAGE * script.pick([1, 2, 3, 64, 512, 700]);
    const to = PAGE * script.random.below(script.chance(50) ? 1536 : 4096);
    if (name === "mremap") script.unmapped(at, at + length);
    script.mapped(to, to + length);
    return line(name, [at, length], formatBytes(to));
  };
