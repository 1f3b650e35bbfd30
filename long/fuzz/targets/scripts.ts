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
