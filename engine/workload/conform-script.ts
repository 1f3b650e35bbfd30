/**
 * The script format of conformance: one operation a line, `#` comments, offsets relative to an arena. A parsed line is a step,
 * which prints one result line (conform.ts).
 *
 * Numbers are decimal or 0x, with K M G T or P (pages), and may be sums: `2M-4K`, `1G+8K`.
 */
import { BadInputError } from "../error.ts";
import { beyondBounds } from "./conform-bounds.ts";
import type { Advice, MmapFlag, Operation, Prot } from "./operation.ts";
import { GIB, KIB, MIB, PAGE, TIB } from "./sizes.ts";

/** The arena begins at 2^44 bytes: a PGD slot of its own in which nothing is mapped. */
export const ARENA_BASE = 2 ** 44;
/** User addresses end below 2^47 with four levels of tables. */
const USER_END = 2 ** 47;
/** Longer lines are refused: no operation needs so much. */
export const LINE_MAX = 4096;

export interface ConformStep {
  /** The operation as written, without comment. */
  readonly text: string;
  /** What is executed, in order, until one fails; empty for steps that only look. */
  readonly operations: readonly Operation[];
  /** How the status is made: see conform.ts. */
  readonly kind: "plain" | "touch" | "bytes" | "fork" | "childstat" | "child" | "scan" | "vmas" | "vmaslist";
}

const UNITS: Readonly<Record<string, number>> = { K: KIB, M: MIB, G: GIB, T: TIB, P: PAGE };

type Fail = (reason: string) => never;

function parseTerm(term: string, whole: string, fail: Fail): number {
  const match = /^(0[xX][0-9a-fA-F]+|[0-9]+)([KMGTP]?)$/.exec(term);
  if (match === null) return fail(`"${whole}" is not a number; write 4096, 0x1000, 4K, 2M-4K or 3P`);
  const value = Number(match[1]) * (match[2] === "" ? 1 : UNITS[match[2]]);
  if (!Number.isSafeInteger(value)) return fail(`"${whole}" is too large; the address space ends at 2^47`);
  return value;
}

/** A number of the script, in bytes. */
function parseNumber(text: string, fail: Fail): number {
  const terms = text.split(/(?=[+-])/);
  let sum = 0;
  terms.forEach((term, index) => {
    const signed = /^[+-]/.test(term);
    if (index === 0 && signed) fail(`"${text}" is negative or has no first term; offsets and lengths are 0 or more`);
    const value = parseTerm(signed ? term.slice(1) : term, text, fail);
    sum += term.startsWith("-") ? -value : value;
  });
  if (sum < 0) fail(`"${text}" is negative; offsets and lengths are 0 or more`);
  if (!Number.isSafeInteger(sum)) fail(`"${text}" is too large; the address space ends at 2^47`);
  return sum;
}

/** A step under construction: its words, and how to complain about them. */
interface Words {
  readonly name: string;
  readonly args: readonly string[];
  readonly fail: Fail;
}

function argument(w: Words, index: number, what: string): string {
  const text = w.args[index];
  return text === undefined ? w.fail(`${w.name} needs ${what} as argument ${index + 1}`) : text;
}

function aligned(w: Words, index: number, what: string): number {
  const text = argument(w, index, what);
  const value = parseNumber(text, w.fail);
  if (value % PAGE !== 0) w.fail(`${what} ${text} is not a multiple of the page size, ${PAGE}`);
  return value;
}

function limit(w: Words, count: number): void {
  if (w.args.length > count) w.fail(`${w.name} takes at most ${count} arguments; "${w.args[count]}" is one too many`);
}

/** Offset and length, checked against the user range. */
function range(w: Words, at = 0): { addr: number; len: number } {
  const offset = aligned(w, at, "offset");
  const len = aligned(w, at + 1, "length");
  const addr = ARENA_BASE + offset;
  if (addr + len > USER_END)
    w.fail(`offset ${w.args[at]} and length ${w.args[at + 1]} reach beyond the user range; the arena has 112 TiB`);
  return { addr, len };
}

function target(w: Words, index: number, len: number): number {
  const offset = aligned(w, index, "new offset");
  if (ARENA_BASE + offset + len > USER_END)
    w.fail(`new offset ${w.args[index]} reaches beyond the user range; the arena has 112 TiB`);
  return ARENA_BASE + offset;
}

const MAP_FLAGS: ReadonlySet<string> = new Set<MmapFlag>([
  "populate",
  "locked",
  "hugepage",
  "nohugepage",
  "noreplace",
  "stack",
  "growsdown",
]);
const PROTS: ReadonlyMap<string, Prot> = new Map([
  ["rw", "rw"],
  ["ro", "r"],
  ["r", "r"],
  ["none", "none"],
]);

function parseMap(w: Words): Operation[] {
  const { addr, len } = range(w);
  let prot: Prot = "rw";
  let backing: "anon" | "shared" | "file" | "sharedfile" | "hugetlb" = "anon";
  let reserve = false;
  const flags: MmapFlag[] = [];
  for (const word of w.args.slice(2)) {
    const asProt = PROTS.get(word);
    if (asProt !== undefined) prot = asProt;
    else if (word === "file" || word === "shared" || word === "sharedfile" || word === "hugetlb") backing = word;
    else if (word === "reserve") reserve = true;
    else if (MAP_FLAGS.has(word)) flags.push(word as MmapFlag);
    else
      w.fail(
        `map does not know "${word}"; it takes rw ro none, file shared sharedfile hugetlb, populate locked hugepage nohugepage noreplace reserve stack growsdown`,
      );
  }
  if (!reserve) flags.unshift("noreserve");
  const map: Operation = { op: "mmap", addr, len, prot, backing, flags };
  if (backing === "file" || backing === "sharedfile") return [{ ...map, file: 0, offset: addr - ARENA_BASE }];
  return [map];
}

function parseTouch(w: Words): Operation[] {
  const { addr, len } = range(w);
  let access: "r" | "w" = "w";
  let stride = PAGE;
  for (const word of w.args.slice(2)) {
    if (word === "r" || word === "w") access = word;
    else if (word.startsWith("stride=")) {
      stride = parseNumber(word.slice("stride=".length), w.fail);
      if (stride === 0 || stride % PAGE !== 0)
        w.fail(`${word}: a stride is a multiple of the page size, ${PAGE}, above 0`);
    } else w.fail(`touch does not know "${word}"; it takes r or w and stride=N`);
  }
  return [{ op: "touch", addr, len, access, stride }];
}

function parseUffdwp(w: Words): Operation[] {
  const { addr, len } = range(w);
  limit(w, 3);
  const word = argument(w, 2, "on, off, reg, unreg, wp or unwp");
  const uffd = (action: "register" | "unregister" | "wp" | "unwp"): Operation => ({ op: "uffd", addr, len, action });
  switch (word) {
    case "on":
      return [uffd("register"), uffd("wp")];
    case "reg":
      return [uffd("register")];
    case "wp":
      return [uffd("wp")];
    case "unwp":
      return [uffd("unwp")];
    case "off":
    case "unreg":
      return [uffd("unregister")];
    default:
      return w.fail(`uffdwp does not know "${word}"; it takes on, off, reg, unreg, wp or unwp`);
  }
}

/** Operations that are one advice over a range. */
const ADVICE: ReadonlyMap<string, Advice> = new Map<string, Advice>([
  ["dontneed", "dontneed"],
  ["dontneed_locked", "dontneed_locked"],
  ["free", "free"],
  ["populate", "populate_write"],
  ["populate_read", "populate_read"],
  ["collapse", "collapse"],
  ["hugepage", "hugepage"],
  ["nohugepage", "nohugepage"],
  ["dontfork", "dontfork"],
  ["dofork", "dofork"],
  ["wipeonfork", "wipeonfork"],
  ["keeponfork", "keeponfork"],
  ["guard_install", "guard_install"],
  ["guard_remove", "guard_remove"],
  ["pageout", "pageout"],
  ["cold", "cold"],
  ["remove", "remove"],
  ["normal", "normal"],
  ["random", "random"],
  ["sequential", "sequential"],
  ["willneed", "willneed"],
  ["mergeable", "mergeable"],
  ["unmergeable", "unmergeable"],
  ["dontdump", "dontdump"],
  ["dodump", "dodump"],
  ["pt_reclaim", "pt_reclaim"],
]);

type Parsed = Pick<ConformStep, "operations" | "kind">;

function plain(...operations: Operation[]): Parsed {
  return { operations, kind: "plain" };
}

function parseResize(w: Words): Parsed {
  limit(w, 3);
  const { addr, len } = range(w);
  return plain({ op: "mremap", addr, len, newLen: aligned(w, 2, "new length") });
}

function parseMremap(w: Words): Parsed {
  limit(w, 4);
  const { addr, len } = range(w);
  const newLen = w.args[3] === undefined ? len : aligned(w, 3, "new length");
  return plain({ op: "mremap", addr, len, newLen, to: target(w, 2, newLen), dontUnmap: w.name === "mremap_du" });
}

function parseProtect(w: Words): Parsed {
  limit(w, 3);
  const word = argument(w, 2, "none, ro or rw");
  const prot = PROTS.get(word);
  if (prot === undefined) return w.fail(`protect does not know "${word}"; it takes none, ro or rw`);
  return plain({ op: "mprotect", ...range(w), prot });
}

function parseSleep(w: Words): Parsed {
  limit(w, 1);
  return plain({ op: "tick", ms: parseNumber(argument(w, 0, "milliseconds"), w.fail) });
}

function parseUffdMode(w: Words): Parsed {
  limit(w, 1);
  const mode = argument(w, 0, "sync or async");
  if (mode !== "sync" && mode !== "async") return w.fail(`uffdmode does not know "${mode}"; it takes sync or async`);
  return plain({ op: "uffdmode", mode });
}

function parseVmas(w: Words): Parsed {
  limit(w, 1);
  if (w.args[0] !== undefined && w.args[0] !== "list") w.fail(`vmas does not know "${w.args[0]}"; it takes list`);
  return { operations: [], kind: w.args[0] === "list" ? "vmaslist" : "vmas" };
}

function parseStep(w: Words): Parsed {
  const advice = ADVICE.get(w.name);
  if (advice !== undefined) {
    limit(w, 2);
    return plain({ op: "madvise", ...range(w), advice });
  }
  switch (w.name) {
    case "map":
      return plain(...parseMap(w));
    case "unmap":
      limit(w, 2);
      return plain({ op: "munmap", ...range(w) });
    case "touch":
      return { operations: parseTouch(w), kind: "touch" };
    case "dontneed_step": {
      limit(w, 3);
      const step = aligned(w, 2, "step");
      if (step === 0) w.fail("step 0: a step is more than 0");
      return plain({ op: "madvise", ...range(w), advice: "dontneed", step });
    }
    case "pdontneed":
      limit(w, 2);
      return { operations: [{ op: "madvise", ...range(w), advice: "dontneed", via: "self" }], kind: "bytes" };
    case "pdontneed_child":
      limit(w, 2);
      return { operations: [{ op: "madvise", ...range(w), advice: "dontneed", via: 0 }], kind: "child" };
    case "protect":
      return parseProtect(w);
    case "mremap":
    case "mremap_du":
      return parseMremap(w);
    case "resize":
      return parseResize(w);
    case "mlock":
      limit(w, 2);
      return plain({ op: "mlock", ...range(w) });
    case "mlock2":
      limit(w, 2);
      return plain({ op: "mlock", ...range(w), onFault: true });
    case "munlock":
      limit(w, 2);
      return plain({ op: "munlock", ...range(w) });
    case "uffdmode":
      return parseUffdMode(w);
    case "uffdwp":
      return plain(...parseUffdwp(w));
    case "uffdmove": {
      limit(w, 3);
      const { addr, len } = range(w);
      return plain({ op: "uffd", addr, len, action: "move", from: target(w, 2, len) });
    }
    case "punch": {
      limit(w, 2);
      const { addr, len } = range(w);
      return plain({ op: "punch", addr: addr - ARENA_BASE, len, file: 0 });
    }
    case "truncate":
      limit(w, 1);
      return plain({ op: "truncate", file: 0, size: aligned(w, 0, "size") });
    case "fork":
      limit(w, 0);
      return { operations: [{ op: "fork" }], kind: "fork" };
    case "childstat":
      limit(w, 0);
      return { operations: [], kind: "childstat" };
    case "killchild":
      limit(w, 0);
      return plain({ op: "exit" });
    case "scan":
      limit(w, 0);
      return { operations: [], kind: "scan" };
    case "sleep":
      return parseSleep(w);
    case "vmas":
      return parseVmas(w);
    default:
      return w.fail(`unknown operation ${JSON.stringify(w.name.slice(0, 40))}`);
  }
}

/** The operation of a line as it is printed: without comment and outer blanks, tabs as blanks (a result's columns end at tabs); empty where it asks for nothing. */
export function scriptText(line: string): string {
  const hash = line.indexOf("#");
  return (hash < 0 ? line : line.slice(0, hash)).trim().replaceAll("\t", " ");
}

/**
 * Parses one line, which is not empty. `where`: file and line, for messages.
 * Errors: BadInputError.
 */
export function parseConformLine(line: string, where: string): ConformStep {
  const fail: Fail = (reason) => {
    throw new BadInputError("this is not an operation of a conformance script", {
      where,
      why: reason,
      todo: "The operations and their arguments are in docs/conformance-scripts.md",
    });
  };
  if (line.length > LINE_MAX) fail(`the line is ${line.length} characters long; at most ${LINE_MAX} are read`);
  const text = scriptText(line);
  const [name, ...args] = text.split(/\s+/);
  const step = parseStep({ name, args, fail });
  const tooMuch = beyondBounds(step.operations);
  if (tooMuch !== null) fail(tooMuch);
  return { text, ...step };
}
