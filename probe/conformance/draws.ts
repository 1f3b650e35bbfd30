/** One line of a random script each: an operation with arguments that fit what the script has mapped. */
import { formatBytes, GIB, MIB, PAGE, type ScriptState } from "./script-state.ts";

const CHILDREN_MAX = 3;

/** Draws a line, and tells the script what it maps and unmaps. */
export type Draw = (script: ScriptState) => string;

export const line = (name: string, [at, length]: [number, number], rest = ""): string =>
  `${name} ${formatBytes(at)} ${formatBytes(length)}${rest && ` ${rest}`}`;

export const onRange =
  (name: string, rest: readonly string[] = [""]): Draw =>
  (script) =>
    line(name, script.range(), script.pick(rest));

export const onSmallRange =
  (name: string): Draw =>
  (script) =>
    line(name, script.smallRange());

export function map(words: readonly string[], hugeToo = true): Draw {
  return (script) => {
    const at = script.place();
    const length = hugeToo && script.chance(4) ? GIB + script.pick([0, 2 * MIB, PAGE]) : script.length();
    script.mapped(at, at + length);
    return line("map", [at, length], script.pick(words));
  };
}

export const unmap: Draw = (script) => {
  const [at, length] = script.range();
  script.unmapped(at, at + length);
  return line("unmap", [at, length]);
};

export const touch: Draw = (script) => {
  const [at, length] = script.range();
  const access = script.pick(["r", "w", "w"]);
  if (length > 16 * MIB) return line("touch", [at, length], `${access} stride=2M`);
  return line("touch", [at, length], script.chance(30) ? `${access} stride=512K` : access);
};

export const step: Draw = (script) => {
  const [at, length] = script.smallRange();
  return line("dontneed_step", [at, length], script.pick(["1M", "1M", "1M", "64K", "2M", "2M-4K", "3M"]));
};

export const protect: Draw = onRange("protect", ["none", "r", "rw", "rw"]);

export function mremap(name: string): Draw {
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

export const resize: Draw = (script) => {
  const [at, length] = script.range();
  const to = script.pick([PAGE, length + PAGE, length + 2 * MIB, script.length(), Math.max(PAGE, length - MIB)]);
  if (to > length) script.mapped(at, at + to);
  return line("resize", [at, length], formatBytes(to));
};

export const fork: Draw = (script) => {
  if (script.children >= CHILDREN_MAX) {
    script.children--;
    return "killchild";
  }
  script.children++;
  return "fork";
};
export const killchild: Draw = (script) => {
  if (script.children === 0) return fork(script);
  script.children--;
  return "killchild";
};
export const childstat: Draw = (script) => (script.children === 0 ? fork(script) : "childstat");

export const vmas: Draw = () => "vmas list";
export const uffd: Draw = (script) =>
  line("uffdwp", script.range(), script.pick(["reg", "reg", "on", "wp", "wp", "unwp", "off", "unreg"]));

export const truncate: Draw = (script) =>
  `truncate ${script.chance(50) ? "64T" : formatBytes(script.pick([0, script.place(), PAGE * script.random.below(4096)]))}`;

export const guardInstall = onSmallRange("guard_install");

export const PROTS = ["rw", "rw", "rw", "rw", "ro", "none"];
export const FILES = [
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
