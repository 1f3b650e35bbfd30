/** Random scripts, the kernel against the engine, an operation at a time; what differs is made small. */
import type { Mode } from "../../engine/experiment/types.ts";
import type { KernelProfile } from "../../engine/mm/kernel-profile.ts";
import type { ConformOptions } from "../../engine/workload/conform.ts";
import { ProbeDiedError } from "../errors.ts";
import { type Dontneed, dontneedFor, modesOn } from "../modes.ts";
import { type Answer, firstDifference } from "./answers.ts";
import { engineAnswers } from "./engine-answers.ts";
import { generateScript } from "./generate.ts";
import { type ConformingProbe, KernelAnswers, startProbe } from "./kernel-answers.ts";
import { khugepagedRound } from "./settings.ts";
import { shrinkScript } from "./shrink.ts";
import { type Skip, withoutSkipped } from "./skips.ts";
import { HUGETLB_CLASS, HUGETLB_PAGES, KHUGEPAGED_CLASS, type ScriptClass, SWAP_CLASS } from "./vocabulary.ts";

export interface CompareOptions {
  readonly classes: readonly ScriptClass[];
  /** Those of them that the kernel can be held to are compared. */
  readonly modes: readonly Mode[];
  /** What the kernel was found to be: how it can be asked. */
  readonly found: KernelProfile;
  /** The profile that the engine uses (default: as found). */
  readonly profile?: KernelProfile;
  /** Does the engine run its paths point by point, as the explorer does? (Default: the plain form.) */
  readonly explored?: boolean;
  /** What is left out of the scripts. */
  readonly skips?: readonly Skip[];
  /** Starts what answers (default: a probe on the running kernel). */
  readonly start?: (dontneed: Dontneed) => ConformingProbe;
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

function replayCommand(kind: ScriptClass, seed: number, mode: Mode, { length, explored }: CompareOptions): string {
  const form = explored === true ? " --explored" : "";
  return `npm run test:kernel -- --classes ${kind} --seed ${seed} --length ${length} --ops ${length} --mode ${mode}${form}`;
}

/** The kernel that the engine is to be. */
interface Held {
  readonly profile: KernelProfile;
  readonly explored: boolean;
}

/** With the engine's equivalents of the settings of the system that a class of scripts runs with. */
function settingsOf(kind: ScriptClass, { profile, explored }: Held): ConformOptions {
  const held = {
    swap: kind === SWAP_CLASS ? true : profile.swap,
    khugepaged: kind === KHUGEPAGED_CLASS,
    hugetlbPages: HUGETLB_PAGES,
  };
  return { profile: { ...profile, ...held }, explored };
}

/** Compares one script; null where all answers agree. A difference that the kernel does not repeat is `unstable`. */
async function compareScript(
  script: readonly string[],
  kind: ScriptClass,
  mode: Mode,
  held: Held,
  kernel: KernelAnswers,
): Promise<{ script: string[]; kernel: Answer[]; engine: Answer[] } | "unstable" | null> {
  const onSleep = kind === KHUGEPAGED_CLASS ? khugepagedRound : undefined;
  const byKernel = (lines: readonly string[]): Promise<Answer[]> => kernel.respond(lines, onSleep);
  const byEngine = (lines: readonly string[]): Answer[] => engineAnswers(lines, mode, settingsOf(kind, held));
  const differsAt = async (lines: readonly string[]): Promise<number> =>
    firstDifference(await byKernel(lines), byEngine(lines));
  const at = await differsAt(script);
  if (at < 0) return null;
  const cut = script.slice(0, at + 1);
  if ((await differsAt(cut)) !== at) return "unstable";
  const small = await shrinkScript(cut, async (lines) => (await differsAt(lines)) === lines.length - 1);
  return { script: small, kernel: await byKernel(small), engine: byEngine(small) };
}

/** A script that somebody wrote. */
export interface GivenScript {
  readonly name: string;
  readonly lines: readonly string[];
}

/** Compares scripts as they are, in every mode that the kernel can be held to. Errors: ProbeDiedError, `where` names the script. */
export async function compareGiven(
  scripts: readonly GivenScript[],
  options: Pick<CompareOptions, "modes" | "found" | "profile" | "explored" | "skips" | "start" | "differencesMax">,
): Promise<Comparison> {
  const { found, profile = found, explored = false, skips = [], start = startProbe } = options;
  const differences: Difference[] = [];
  let sequences = 0;
  let operations = 0;
  let unstable = 0;
  for (const mode of modesOn(found, options.modes)) {
    const kernel = new KernelAnswers(start(dontneedFor(mode, found) ?? "whole"));
    try {
      for (const { name, lines } of scripts) {
        if (differences.length >= options.differencesMax) break;
        const script = withoutSkipped(lines, skips);
        const differing = await compareScript(script, "all", mode, { profile, explored }, kernel).catch(
          (error: unknown) => {
            if (!(error instanceof ProbeDiedError)) throw error;
            throw new ProbeDiedError(error.message, { where: name, why: error.why });
          },
        );
        sequences++;
        operations += script.length;
        if (differing === "unstable") unstable++;
        else if (differing !== null)
          differences.push({ kind: "all", seed: 0, mode, ...differing, replay: `the script ${name}` });
      }
    } finally {
      await kernel.close();
    }
  }
  return { sequences, operations, differences, unstable };
}

/** DONTNEED in small chunks is refused by hugetlb pages, and enormous ranges have too many chunks. */
const modesOf = (kind: ScriptClass, modes: readonly Mode[], found: KernelProfile): readonly Mode[] =>
  modesOn(found, modes).filter(
    (mode) => dontneedFor(mode, found) === "whole" || (kind !== HUGETLB_CLASS && kind !== "edge"),
  );

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
  const { found, profile = found, explored = false, skips = [], start = startProbe } = options;
  if (options.classes.every((kind) => modesOf(kind, options.modes, found).length === 0)) return soFar();
  try {
    for (let round = 0; operations < options.operations; round++) {
      for (const kind of options.classes) {
        const seed = options.seed + round;
        const script = withoutSkipped(generateScript(kind, seed, options.length), skips);
        for (const mode of modesOf(kind, options.modes, found)) {
          const kernel = kernels.get(mode) ?? new KernelAnswers(start(dontneedFor(mode, found) ?? "whole"));
          kernels.set(mode, kernel);
          const differing = await compareScript(script, kind, mode, { profile, explored }, kernel).catch(
            (error: unknown) => {
              if (!(error instanceof ProbeDiedError)) throw error;
              const where = replayCommand(kind, seed, mode, options);
              throw new ProbeDiedError(error.message, { where, why: error.why });
            },
          );
          sequences++;
          operations += script.length;
          let latest: Difference | null = null;
          if (differing === "unstable") unstable++;
          else if (differing !== null) {
            latest = { kind, seed, mode, ...differing, replay: replayCommand(kind, seed, mode, options) };
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

/** What is said of a kernel that the engine is wrong about. */
export const UNKNOWN_KERNEL = "this kernel differs from every known profile";

/** Differences as text, each with the smallest script that shows it; empty where there are none. */
export function describeDifferences(differences: readonly Difference[]): string {
  if (differences.length === 0) return "";
  return [`${UNKNOWN_KERNEL}; the smallest scripts that show it:`, ...differences.map(describeDifference)].join("\n\n");
}
