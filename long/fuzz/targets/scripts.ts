/** Conformance scripts, run on the engine in both modes. */
import { ReclaimLabError } from "../../../engine/error.ts";
import type { Mode } from "../../../engine/experiment/types.ts";
import { runConformScript } from "../../../engine/workload/conform.ts";
import { corpusText } from "../corpus/index.ts";
import { mutateTextSome, someLines } from "../mutate.ts";
import type { Target } from "../target.ts";

interface Input {
  readonly text: string;
  readonly mode: Mode;
}

const corpus = corpusText("conform.ops");
const WORDS = [...new Set(corpus.split(/[\s#]+/))].filter((word) => word !== "");

/** More work than this is what a script asks for, not a fault of the program: a kernel would be as long at it. */
const WORK_MAX = 2 ** 24;

/** A number of a script, as far as it matters here: 16M, 2097151M, 1G+8K. */
function roughly(text: string): number {
  return text.split(/(?=[+-])/).reduce((sum, term) => {
    const [, digits, unit] = /^[+-]?(0x[0-9a-f]+|\d+)([KMGTP]?)$/i.exec(term) ?? [];
    const power = ["", "K", "M", "G", "T"].indexOf(unit ?? "");
    return sum + Number(digits ?? 0) * (unit === "P" ? 4096 : 1024 ** Math.max(0, power));
  }, 0);
}

/** Pages to touch, or pieces to give back, that a line asks for. */
function workOf(line: string): number {
  const [name, , length, step] = line.trim().split(/\s+/);
  if (length === undefined || !/^(touch|populate|populate_read|mlock|dontneed_step)$/.test(name ?? "")) return 0;
  return roughly(length) / (name === "dontneed_step" ? Math.max(1, roughly(step ?? "")) : 4096);
}

export const conformance: Target<Input> = {
  name: "conformance",
  inputs: 100_000,
  inputsShort: 1500,
  make: (random) => {
    const head = "map 0 64M\ntouch 0 2M\n";
    const text = (random.chance(0.6) ? head : "") + someLines(corpus, random, 12);
    return { text: mutateTextSome(text, random, WORDS), mode: random.pick(["sync", "none"]) };
  },
  async give({ text, mode }) {
    if (text.split("\n").some((line) => workOf(line) > WORK_MAX)) return "refused";
    try {
      for (const line of runConformScript(text.split("\n"), mode, "fuzz.ops")) {
        const [, delta, status] = line.split("\t");
        if (!/^-?\d+$/.test(delta ?? "")) throw new Error(`no number of kB in: ${line}`);
        if (!status) throw new Error(`no status in: ${line}`);
      }
      return "taken";
    } catch (error) {
      if (error instanceof ReclaimLabError) return "refused";
      throw error;
    }
  },
  show: ({ text, mode }) => `mode ${mode}\n${text}`,
};
