/**
 * Conformance scripts: one operation a line, offsets relative to an arena that has a PGD entry of its own. Each
 * operation is answered by VmPTE above the start and a status, which is what a real kernel is asked too.
 *
 *     N <tab> VmPTE delta kB <tab> status <tab> operation
 */
import { BadInputError } from "../error.ts";
import type { Mode } from "../experiment/types.ts";
import { createKernel, type Kernel, type KernelOptions } from "../mm/kernel.ts";
import { VM_READ, VM_SHARED, VM_WRITE } from "../mm/vma.ts";
import type { Advice, Backing, MmapFlag, Operation, Prot, UffdOp } from "./operation.ts";

/** Offsets of a script begin here; what begins below ARENA_END belongs to the arena. */
export const ARENA_BASE = 2 ** 44;
const ARENA_END = 2 ** 45;
const PAGE = 4096;

export interface ConformAnswer {
  /** VmPTE above the start, in kB. */
  readonly deltaKb: number;
  /** `ok`, an errno, `ok=BYTES`, `segv=N,bus=M`, `child=KB`, `vmas=N ...`. */
  readonly status: string;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40, P: PAGE };
const NUMBER = /^(?:0[xX][0-9a-fA-F]+|\d+)[KMGTP]?(?:[+-](?:0[xX][0-9a-fA-F]+|\d+)[KMGTP]?)*$/;
const TERM = /([+-]?)(0[xX][0-9a-fA-F]+|\d+)([KMGTP]?)/g;

/** 4096, 0x1000, 4K, 1P (a page), and sums: 2M-4K, 1G+8K. NaN where it is none. */
export function parseScriptNumber(text: string): number {
  if (!NUMBER.test(text)) return Number.NaN;
  let total = 0;
  for (const [, sign, digits, unit] of text.matchAll(TERM)) {
    const value = Number(digits) * (UNITS[unit ?? ""] ?? Number.NaN);
    total += sign === "-" ? -value : value;
  }
  return total;
}

const PROT_WORDS: Readonly<Record<string, Prot>> = {
  none: "none",
  r: "r",
  ro: "r",
  rw: "rw",
  w: "w",
  x: "x",
  rx: "rx",
  wx: "wx",
  rwx: "rwx",
};
const BACKING_WORDS: Readonly<Record<string, Backing>> = {
  file: "file",
  shared: "shared",
  sharedfile: "sharedfile",
  hugetlb: "hugetlb",
};
const FLAG_WORDS: Readonly<Record<string, MmapFlag>> = {
  populate: "populate",
  locked: "locked",
  noreserve: "noreserve",
  growsdown: "growsdown",
  stack: "stack",
  hugepage: "hugepage",
  nohugepage: "nohugepage",
  noreplace: "noreplace",
};
const ADVICE_WORDS: Readonly<Record<string, Advice>> = Object.fromEntries(
  (
    [
      "dontneed",
      "dontneed_locked",
      "free",
      "remove",
      "dontfork",
      "dofork",
      "wipeonfork",
      "keeponfork",
      "hugepage",
      "nohugepage",
      "collapse",
      "populate_read",
      "populate_write",
      "guard_install",
      "guard_remove",
      "cold",
      "pageout",
      "normal",
      "random",
      "sequential",
      "willneed",
      "mergeable",
      "unmergeable",
      "dontdump",
      "dodump",
    ] as const
  ).map((advice): [string, Advice] => [advice, advice]),
);
const UFFD_WORDS: Readonly<Record<string, readonly UffdOp["action"][]>> = {
  reg: ["register"],
  unreg: ["unregister"],
  wp: ["wp"],
  unwp: ["unwp"],
  on: ["register", "wp"],
  off: ["unregister"],
};

/** What one line asks for. */
type Step =
  | { readonly kind: "operations"; readonly operations: readonly Operation[] }
  | { readonly kind: "process_madvise"; readonly operation: Operation }
  | { readonly kind: "child_madvise"; readonly addr: number; readonly len: number }
  | { readonly kind: "fork" | "killchild" | "childstat" }
  | { readonly kind: "vmas"; readonly list: boolean };

class LineError extends Error {}

/** The words of one line, taken one after the other. */
class Words {
  readonly #words: readonly string[];
  #at = 1;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  get more(): boolean {
    return this.#at < this.#words.length;
  }

  word(what: string): string {
    const word = this.#words[this.#at++];
    if (word === undefined) throw new LineError(`${what} is missing`);
    return word;
  }

  number(what: string): number {
    const word = this.word(what);
    const value = parseScriptNumber(word);
    if (Number.isNaN(value)) throw new LineError(`${what} is no number: ${word}`);
    return value;
  }

  /** An offset in the arena, as an address. */
  address(): number {
    return ARENA_BASE + this.number("the offset");
  }

  length(): number {
    return this.number("the length");
  }
}

function one(operation: Operation): Step {
  return { kind: "operations", operations: [operation] };
}

function parseMap(words: Words): Step {
  const addr = words.address();
  const len = words.length();
  let prot: Prot = "rw";
  let backing: Backing = "anon";
  const flags: MmapFlag[] = ["noreserve"];
  while (words.more) {
    const word = words.word("a flag");
    const flag = FLAG_WORDS[word];
    if (Object.hasOwn(PROT_WORDS, word)) prot = PROT_WORDS[word];
    else if (Object.hasOwn(BACKING_WORDS, word)) backing = BACKING_WORDS[word];
    else if (Object.hasOwn(FLAG_WORDS, word)) flags.push(flag);
    else throw new LineError(`unknown word in a map: ${word}`);
  }
  const offset = addr - ARENA_BASE;
  return one({ op: "mmap", addr, len, prot, backing, flags, offset });
}

function parseTouch(words: Words): Step {
  const addr = words.address();
  const len = words.length();
  let access: "r" | "w" = "w";
  let stride: number | undefined;
  while (words.more) {
    const word = words.word("r, w or stride=N");
    if (word === "r" || word === "w") access = word;
    else if (word.startsWith("stride=")) stride = parseScriptNumber(word.slice(7));
    else throw new LineError(`unknown word in a touch: ${word}`);
    if (stride !== undefined && !(stride > 0)) throw new LineError(`a stride is a number above 0: ${word}`);
  }
  return one({ op: "touch", addr, len, access, ...(stride === undefined ? {} : { stride }) });
}

function oneOf<T>(table: Readonly<Record<string, T>>, word: string): T {
  if (!Object.hasOwn(table, word)) throw new LineError(`${word} is none of ${Object.keys(table).join(", ")}`);
  return table[word];
}

function parseStep(name: string, words: Words): Step {
  switch (name) {
    case "map":
      return parseMap(words);
    case "unmap":
      return one({ op: "munmap", addr: words.address(), len: words.length() });
    case "touch":
      return parseTouch(words);
    case "protect":
      return one({
        op: "mprotect",
        addr: words.address(),
        len: words.length(),
        prot: oneOf(PROT_WORDS, words.word("the protection")),
      });
    case "mremap":
    case "mremap_du": {
      const addr = words.address();
      const len = words.length();
      const to = words.address();
      const newLen = words.more ? words.number("the new length") : len;
      return one({ op: "mremap", addr, len, to, newLen, ...(name === "mremap" ? {} : { dontUnmap: true }) });
    }
    case "resize":
      return one({
        op: "mremap",
        addr: words.address(),
        len: words.length(),
        newLen: words.number("the new length"),
      });
    case "mlock":
      return one({ op: "mlock", addr: words.address(), len: words.length() });
    case "mlock2":
      return one({ op: "mlock", addr: words.address(), len: words.length(), onFault: true });
    case "munlock":
      return one({ op: "munlock", addr: words.address(), len: words.length() });
    case "dontneed_step": {
      const addr = words.address();
      const len = words.length();
      const step = words.number("the step");
      if (!(step > 0)) throw new LineError(`a step is a number above 0: ${step}`);
      return one({ op: "madvise", addr, len, advice: "dontneed", step });
    }
    case "pdontneed":
      return {
        kind: "process_madvise",
        operation: { op: "madvise", addr: words.address(), len: words.length(), advice: "dontneed", via: "self" },
      };
    case "pdontneed_child":
      return { kind: "child_madvise", addr: words.address(), len: words.length() };
    case "populate":
      return one({ op: "madvise", addr: words.address(), len: words.length(), advice: "populate_write" });
    case "uffdmode": {
      const mode = words.word("sync or async");
      if (mode !== "sync" && mode !== "async") throw new LineError(`a uffdmode is sync or async, not ${mode}`);
      return one({ op: "uffdmode", mode });
    }
    case "uffdwp": {
      const addr = words.address();
      const len = words.length();
      const actions = oneOf(UFFD_WORDS, words.word("reg, unreg, wp, unwp, on or off"));
      return { kind: "operations", operations: actions.map((action) => ({ op: "uffd", addr, len, action })) };
    }
    case "punch":
      return one({ op: "punch", addr: words.number("the offset"), len: words.length() });
    case "truncate":
      return one({ op: "truncate", size: words.number("the size") });
    case "sleep":
      return one({ op: "tick", ms: words.number("the milliseconds") });
    case "fork":
    case "killchild":
    case "childstat":
      return { kind: name };
    case "vmas":
      return { kind: "vmas", list: words.more && words.word("list") === "list" };
    default:
      if (!Object.hasOwn(ADVICE_WORDS, name)) throw new LineError(`unknown operation: ${name}`);
      return one({ op: "madvise", addr: words.address(), len: words.length(), advice: ADVICE_WORDS[name] });
  }
}

/** The line without comment and outer blanks; empty where it asks for nothing. */
export function scriptText(line: string): string {
  const comment = line.indexOf("#");
  return (comment < 0 ? line : line.slice(0, comment)).replaceAll(/[\t\r]/g, " ").trimEnd();
}

/** Runs scripts on a kernel of their own. */
export class Conformance {
  readonly #kernel: Kernel;
  readonly #startKb: number;
  readonly #children: number[] = [];

  constructor(mode: Mode, options: Omit<KernelOptions, "mode" | "image"> = {}) {
    this.#kernel = createKernel({ ...options, mode, image: "empty" });
    this.#startKb = this.#kernel.vmpteKb();
  }

  /** Performs the operation of one line. Errors: BadInputError (`where` names the line) where it is none. */
  perform(text: string, where: string): ConformAnswer {
    let step: Step;
    try {
      const words = text.trim().split(/ +/);
      step = parseStep(words[0], new Words(words));
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      throw new BadInputError(`${text} is not an operation of a conformance script`, {
        where,
        why: error.message,
        todo: "The operations and their arguments are in docs/conformance-scripts.md",
      });
    }
    const status = this.#execute(step);
    return { deltaKb: this.#kernel.vmpteKb() - this.#startKb, status };
  }

  #execute(step: Step): string {
    const kernel = this.#kernel;
    switch (step.kind) {
      case "operations": {
        for (const operation of step.operations) {
          const { status, segv, bus } = kernel.execute(operation);
          if (status !== "ok") return status;
          if (segv > 0 || bus > 0) return `segv=${segv},bus=${bus}`;
        }
        return "ok";
      }
      case "process_madvise": {
        const { status, value } = kernel.execute(step.operation);
        return status === "ok" ? `ok=${value}` : status;
      }
      case "child_madvise": {
        const via = this.#children.at(-1);
        if (via === undefined) return "ESRCH";
        const { status, value } = kernel.execute({
          op: "madvise",
          addr: step.addr,
          len: step.len,
          advice: "dontneed",
          via,
        });
        return status === "ok" ? `ok=${value}` : status;
      }
      case "fork": {
        const { status, value } = kernel.execute({ op: "fork" });
        if (status !== "ok") return status;
        this.#children.push(value);
        return `child=${kernel.vmpteKb(value)}`;
      }
      case "childstat": {
        const child = this.#children.at(-1);
        return child === undefined ? "ESRCH" : `child=${kernel.vmpteKb(child)}`;
      }
      case "killchild": {
        const child = this.#children.pop();
        return child === undefined ? "ESRCH" : kernel.execute({ op: "exit", process: child }).status;
      }
      case "vmas":
        return this.#vmas(step.list);
    }
  }

  #vmas(list: boolean): string {
    const vmas = this.#kernel.state.processes[0].vmas.list.filter(
      ({ start }) => start >= ARENA_BASE / PAGE && start < ARENA_END / PAGE,
    );
    if (!list) return `vmas=${vmas.length}`;
    const page = (at: number): string => (at - ARENA_BASE / PAGE).toString(16);
    const parts = vmas.map(({ start, end, flags }) => {
      const access = `${flags & VM_READ ? "r" : "-"}${flags & VM_WRITE ? "w" : "-"}${flags & VM_SHARED ? "s" : "p"}`;
      return ` ${page(start)}-${page(end)}:${access}`;
    });
    return `vmas=${vmas.length}${parts.join("")}`;
  }
}

/**
 * Runs a whole script and yields its result lines. `name`: the script's, for errors.
 * Errors: BadInputError where a line is no operation.
 */
export function* runConformScript(
  lines: Iterable<string>,
  mode: Mode,
  name: string,
  options: Omit<KernelOptions, "mode" | "image"> = {},
): Generator<string> {
  const conformance = new Conformance(mode, options);
  let lineNumber = 0;
  let operations = 0;
  for (const line of lines) {
    lineNumber++;
    const text = scriptText(line);
    if (text.trim() === "") continue;
    const { deltaKb, status } = conformance.perform(text, `${name}:${lineNumber}`);
    yield `${++operations}\t${deltaKb}\t${status}\t${text}`;
  }
}
