/** Random scripts, the kernel against the engine, an operation at a time; what differs is made small. */
import type { Mode } from "../../engine/experiment/types.ts";
import type { ConformOptions } from "../../engine/workload/conform.ts";
import { ProbeDiedError } from "../errors.ts";
import { type Answer, firstDifference } from "./answers.ts";
import { engineAnswers } from "./engine-answers.ts";
import { generateScript } from "./generate.ts";
import { KernelAnswers } from "./kernel-answers.ts";
import { khugepagedRound } from "./settings.ts";
import { shrinkScript } from "./shrink.ts";
import { HUGETLB_CLASS, KHUGEPAGED_CLASS, type ScriptClass, SWAP_CLASS } from "./vocabulary.ts";

export interface CompareOptions {
  readonly classes: readonly ScriptClass[];
  readonly modes: readonly Mode[];
  /** Of the first sequence; the following ones count up. */
  readonly seed: number;
  /** Operations a sequence. */
  readonly length: number;
  /** At least so many operations, in whole rounds of one sequence a class. */
  readonly operations: number;
  /** Ends after so many differences. */
  readonly differencesMax: number;
}

export interface Difference {
  readonly kind: ScriptClass;
  readonly seed: number;
  readonly mode: Mode;
  /** The smallest script found that still shows it; the last line is answered differently. */
  readonly script: readonly string[];
  readonly kernel: readonly Answer[];
  readonly engine: readonly Answer[];
  /** Runs the sequence that it came from again. */
  readonly replay: string;
}

export interface Comparison {
  readonly sequences: number;
  readonly operations: number;
  readonly differences: readonly Difference[];
  /** Sequences that the kernel answered differently the second time: background work of the system got in. */
  readonly unstable: number;
}

function replayCommand(kind: ScriptClass, seed: number, length: number, mode: Mode): string {
  return `npm run test:kernel -- --classes ${kind} --seed ${seed} --length ${length} --ops ${length} --mode ${mode}`;
}

/** The engine's equivalents of the settings of the system that a class of scripts runs with. */
function settingsOf(kind: ScriptClass): ConformOptions {
  if (kind === SWAP_CLASS) return { profile: { swap: true } };
  return kind === KHUGEPAGED_CLASS ? { profile: { khugepaged: true } } : {};
}

/** Compares one script; null where all answers agree. A difference that the kernel does not repeat is `unstable`. */
async function compareScript(
  script: readonly string[],
  kind: ScriptClass,
  mode: Mode,
  kernel: KernelAnswers,
): Promise<{ script: string[]; kernel: Answer[]; engine: Answer[] } | "unstable" | null> {
  const onSleep = kind === KHUGEPAGED_CLASS ? khugepagedRound : undefined;
  const byKernel = (lines: readonly string[]): Promise<Answer[]> => kernel.respond(lines, onSleep);
  const byEngine = (lines: readonly string[]): Answer[] => engineAnswers(lines, mode, settingsOf(kind));
  const differsAt = async (lines: readonly string[]): Promise<number> =>
    firstDifference(await byKernel(lines), byEngine(lines));
  const at = await differsAt(script);
  if (at < 0) return null;
  const cut = script.slice(0, at + 1);
  if ((await differsAt(cut)) !== at) return "unstable";
  const small = await shrinkScript(cut, async (lines) => (await differsAt(lines)) === lines.length - 1);
  return { script: small, kernel: await byKernel(small), engine: byEngine(small) };
}

/** The mode `none` of a kernel that has the series is DONTNEED in small pieces, which huge pages of the pool refuse and which enormous ranges have too many of. */
const modesOf = (kind: ScriptClass, modes: readonly Mode[]): readonly Mode[] =>
  kind === HUGETLB_CLASS || kind === "edge" ? modes.filter((mode) => mode !== "none") : modes;

/** Runs the comparison. `onSequence` is called after every sequence. Errors: ProbeDiedError, `where` says in which sequence. */
export async function compareWithKernel(
  options: CompareOptions,
  onSequence: (done: Comparison, latest: Difference | null) => void = () => undefined,
): Promise<Comparison> {
  const kernels = new Map<Mode, KernelAnswers>();
  const differences: Difference[] = [];
  let sequences = 0;
  let operations = 0;
  let unstable = 0;
  const soFar = (): Comparison => ({ sequences, operations, differences, unstable });
  if (options.classes.every((kind) => modesOf(kind, options.modes).length === 0)) return soFar();
  try {
    for (let round = 0; operations < options.operations; round++) {
      for (const kind of options.classes) {
        const seed = options.seed + round;
        const script = generateScript(kind, seed, options.length);
        for (const mode of modesOf(kind, options.modes)) {
          const kernel = kernels.get(mode) ?? new KernelAnswers(mode);
          kernels.set(mode, kernel);
          const found = await compareScript(script, kind, mode, kernel).catch((error: unknown) => {
            if (!(error instanceof ProbeDiedError)) throw error;
            const where = replayCommand(kind, seed, options.length, mode);
            throw new ProbeDiedError(error.message, { where, why: error.why });
          });
          sequences++;
          operations += script.length;
          let latest: Difference | null = null;
          if (found === "unstable") unstable++;
          else if (found !== null) {
            latest = { kind, seed, mode, ...found, replay: replayCommand(kind, seed, options.length, mode) };
            differences.push(latest);
          }
          onSequence(soFar(), latest);
          if (differences.length >= options.differencesMax) return soFar();
        }
      }
    }
    return soFar();
  } finally {
    await Promise.all([...kernels.values()].map((kernel) => kernel.close()));
  }
}

/** A difference as text: the script, each line with the kernel's answer, and where the engine's is another. */
export function describeDifference(difference: Difference): string {
  const { kind, seed, mode, script, kernel, engine, replay } = difference;
  const show = (answer: Answer | undefined): string =>
    answer === undefined ? "nothing" : `${answer.deltaKb}\t${answer.status}`;
  const lines = script.map((line, i) => {
    const same = show(kernel[i]) === show(engine[i]);
    return `${line}\t# ${show(kernel[i])}${same ? "" : `\t<- kernel; engine: ${show(engine[i])}`}`;
  });
  return [`# ${kind}, seed ${seed}, mode ${mode}; again: ${replay}`, ...lines].join("\n");
}
