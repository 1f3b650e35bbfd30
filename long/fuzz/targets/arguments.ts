/** Command lines, through the program that reads the real ones, in a folder of their own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandLine } from "../../../main/cli/program.ts";
import { corpusText } from "../corpus/index.ts";
import { mutateText } from "../mutate.ts";
import type { Target } from "../target.ts";

const VALID: readonly (readonly string[])[] = [
  ["--version"],
  ["--help"],
  ["presets", "--json"],
  ["list", "--json", "--db", "h.sqlite", "--limit", "5"],
  ["list", "--search", "commit", "--shelf", "trash", "--db", "h.sqlite"],
  ["show", "1", "--db", "h.sqlite", "--json"],
  ["compare", "1", "2", "--db", "h.sqlite"],
  ["delete", "1", "--db", "h.sqlite"],
  ["restore", "1", "--db", "h.sqlite"],
  ["export", "1", "--format", "csv", "--out", "out.csv", "--db", "h.sqlite"],
  ["export", "1", "--format", "json", "--db", "h.sqlite"],
  ["run", "commit-table", "--set", "size=4M", "--set", "chunk=2M", "--db", "h.sqlite", "--json", "--seed", "3"],
  ["run", "commit-table", "--mode", "none", "--levels", "5", "--set", "size=4M", "--title", "x", "--db", "h.sqlite"],
  ["conform", "conform.ops", "--mode", "none"],
  ["import", "strace.txt", "--format", "strace", "--out", "out.ops.jsonl"],
  ["import", "ops.jsonl"],
  ["check", "strace.txt", "--against", "conform.ops", "--json"],
  ["race", "nonsense", "--without", "9fix", "--json"],
  ["nonsense"],
];
const WORDS = [...new Set(VALID.flat()), "-", "--", "--json", "--set", "=", "--out", "-1", "1e3", "0x1", ""];
/** What would take long (a whole exploration, 50 GB) or leave the folder is not what is tried here. */
const TOO_MUCH = /^(race|run|doctor)$/;
const OUTSIDE = /^~|^\/|\.\.|\0/;

const PROGRAMMERS = /TypeError|RangeError|ReferenceError|is not a function|Cannot read prop|undefined/;

let folder: string | undefined;
let before: string | undefined;

function enter(): void {
  if (folder !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), "reclaim-lab-fuzz-"));
  before = process.cwd();
  process.env.RECLAIM_LAB_DATA = join(folder, "data");
  mkdirSync(join(folder, "data"));
  process.chdir(folder);
  for (const name of ["conform.ops", "strace.txt", "ops.jsonl"]) writeFileSync(join(folder, name), corpusText(name));
}

/** What the program writes while `body` runs. */
async function listening<T>(body: () => Promise<T>): Promise<{ value: T; out: string; err: string }> {
  const real = { out: process.stdout.write, err: process.stderr.write };
  let out = "";
  let err = "";
  const take = (add: (text: string) => void) =>
    ((chunk: string | Uint8Array, ...more: unknown[]) => {
      add(String(chunk));
      for (const each of more) if (typeof each === "function") each();
      return true;
    }) as typeof process.stdout.write;
  process.stdout.write = take((text) => {
    out = (out + text).slice(-10_000);
  });
  process.stderr.write = take((text) => {
    err = (err + text).slice(-10_000);
  });
  try {
    return { value: await body(), out, err };
  } finally {
    process.stdout.write = real.out;
    process.stderr.write = real.err;
  }
}

export const commandLines: Target<readonly string[]> = {
  name: "arguments",
  inputs: 40_000,
  inputsShort: 500,
  make(random) {
    const args = [...random.pick(VALID)];
    for (let left = random.between(1, 4); left > 0; left--) {
      const at = random.below(args.length + 1);
      const edit = random.below(5);
      if (edit === 0) args.splice(at, 1);
      else if (edit === 1) args.splice(at, 0, random.pick(WORDS));
      else if (edit === 2) args[at % Math.max(1, args.length)] = random.pick(WORDS);
      else if (args.length > 0) args[at % args.length] = mutateText(args[at % args.length] ?? "", random);
    }
    const safe = args.map((each) => (OUTSIDE.test(each) ? "x" : each.slice(0, 5000)));
    // A run or an exploration that would be whole is made one that is refused.
    const big =
      safe.some((each) => TOO_MUCH.test(each)) && !safe.some((each) => /^size=[1-9]\d{0,6}$|^size=4M$/.test(each));
    return big && random.chance(0.98) ? [...safe, "--no-such-option"] : big ? ["presets"] : safe;
  },
  async give(args) {
    enter();
    const { value, out, err } = await listening(() => commandLine(args));
    if (![0, 1, 2].includes(value)) throw new Error(`exit status ${value}`);
    if (/^\s+at .*:\d+:\d+\)?$/m.test(err)) throw new Error(`a stack trace:\n${err.slice(0, 2000)}`);
    if (!args.some((each) => PROGRAMMERS.test(each)) && PROGRAMMERS.test(err))
      throw new Error(`words that are for programmers:\n${err.slice(0, 2000)}`);
    if (value !== 0 && err.trim() === "" && out.trim() === "") throw new Error(`status ${value} without a word`);
    return value === 0 ? "taken" : "refused";
  },
  show: (args) => JSON.stringify(args),
  tidy() {
    if (folder === undefined) return;
    process.chdir(before ?? "/");
    rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  },
};
