/**
 * Trials of a program: runs of it as it is and under settings of its environment, on the running kernel, one after the other
 * in turns. What is told of a setting is told only where the difference is larger than that between alike runs.
 */
import { BadInputError } from "../error.ts";
import { fromTo, leastOf, mostOf, spanOf } from "./extremes.ts";
import { median } from "./median.ts";

/** A setting: variables of the environment, by a name. */
export interface Setting {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The name of the runs with the program's environment as it is. */
export const BASELINE_NAME = "as it is";
/** Signals of x86-64 Linux that end a program unless it handles them. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  10: "SIGUSR1",
  11: "SIGSEGV",
  12: "SIGUSR2",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
  24: "SIGXCPU",
  25: "SIGXFSZ",
  26: "SIGVTALRM",
  27: "SIGPROF",
  31: "SIGSYS",
};

/** An exit status of a program in words; 128 + N where signal N ended it, or where a shell says so of what it ran. */
export function exitWords(status: number): string {
  const signal = SIGNALS[status - 128];
  return signal === undefined ? String(status) : `${status} (${signal})`;
}

export const REPEAT_MAX = 100;
export const SETTINGS_MAX = 20;
const NAME_LENGTH_MAX = 80;

/** What one run of the program came to; sizes of all its processes together. */
export interface TrialRun {
  readonly peak_vmpte_kb: number;
  readonly end_vmpte_kb: number;
  readonly average_vmpte_kb: number;
  readonly peak_rss_kb: number;
  readonly average_rss_kb: number;
  readonly wall_ms: number;
  readonly cpu_ms: number;
  readonly minor_faults: number;
  readonly major_faults: number;
  /** 128 + N where signal N ended it. */
  readonly exit_code: number;
}

export type TrialFigure = Exclude<keyof TrialRun, "exit_code">;
const TRIAL_FIGURES = [
  "peak_vmpte_kb",
  "end_vmpte_kb",
  "average_vmpte_kb",
  "peak_rss_kb",
  "average_rss_kb",
  "wall_ms",
  "cpu_ms",
  "minor_faults",
  "major_faults",
] as const satisfies readonly TrialFigure[];

/** Words of a shell's line: blanks part them, quotes and backslashes keep them together. Null: a quote does not end. */
export function shellWords(text: string): string[] | null {
  const words: string[] = [];
  const part = /\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"|([^\s\\'"]+)|(\s+)/gsy;
  let word: string | null = null;
  let at = 0;
  while (at < text.length) {
    part.lastIndex = at;
    const match = part.exec(text);
    if (match === null) return null;
    at = part.lastIndex;
    const [, escaped, single, double, plain, blank] = match;
    if (blank === undefined)
      word = (word ?? "") + (escaped ?? single ?? double?.replaceAll(/\\(.)/g, "$1") ?? plain ?? "");
    else if (word !== null) {
      words.push(word);
      word = null;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

/**
 * A setting as it is typed: `NAME: VAR=VALUE ...`, or the variables alone, which are then its name too. Values with blanks are
 * quoted as for a shell. Errors: BadInputError.
 */
export function parseSetting(text: string): Setting {
  const refuse = (message: string, todo: string): never => {
    throw new BadInputError(message, { where: `--setting ${JSON.stringify(text.slice(0, 100))}`, todo });
  };
  const named = /^\s*([^=]*?):\s+(\S[\s\S]*)$/.exec(text);
  const rest = named?.[2] ?? text.trim();
  const name = (named?.[1] ?? rest).trim();
  const todo = "Write it as NAME: VAR=VALUE VAR=VALUE, values with blanks in quotes";
  const words = shellWords(rest);
  if (words === null) return refuse("A quote does not end", todo);
  if (words.length === 0) return refuse("There is no variable in it", todo);
  const env: Record<string, string> = {};
  for (const word of words) {
    const equals = word.indexOf("=");
    if (equals < 1) return refuse(`${JSON.stringify(word.slice(0, 60))} is not VAR=VALUE`, todo);
    const variable = word.slice(0, equals);
    if (variable.includes(":")) return refuse(`${JSON.stringify(variable)} has a colon and no blank behind it`, todo);
    if (variable.includes("\0") || word.includes("\0")) return refuse("A variable holds a zero byte", todo);
    if (Object.hasOwn(env, variable)) return refuse(`${variable} is set twice`, "Set each variable once");
    env[variable] = word.slice(equals + 1);
  }
  if (name === "") return refuse("It has no name", todo);
  if (name === BASELINE_NAME) return refuse(`"${name}" names the runs without a setting`, "Choose another name");
  return { name: name.slice(0, NAME_LENGTH_MAX), env };
}

/** Settings as they are typed. Errors: BadInputError for an invalid setting, a name given twice, or too many settings. */
export function parseSettings(texts: readonly string[]): Setting[] {
  const settings = texts.map(parseSetting);
  const seen = new Set<string>();
  for (const { name } of settings) {
    if (seen.has(name))
      throw new BadInputError(`Two settings are called "${name}"`, { todo: "Give each its own name" });
    seen.add(name);
  }
  if (settings.length > SETTINGS_MAX)
    throw new BadInputError(`${settings.length} settings are too many`, {
      todo: `Try at most ${SETTINGS_MAX} at a time`,
    });
  return settings;
}

/** Said of a trial whose settings are not stored, or not in a way that can be read. */
export const SETTINGS_UNKNOWN = "Nothing is known of the settings that were tried: the history does not name them.";

/** A setting with its runs that came to their end. */
export interface Tried extends Setting {
  readonly runs: readonly TrialRun[];
}

/** The settings of a trial in their order, the baseline first. */
export function triedIn(
  settings: readonly Setting[],
  runs: readonly {
    readonly label: string;
    readonly status: string;
    readonly summary: { readonly trial?: TrialRun } | null;
  }[],
): Tried[] {
  return settings.map(({ name, env }) => ({
    name,
    env,
    runs: runs.flatMap(({ label, status, summary }) =>
      label === name && status === "done" && summary?.trial ? [summary.trial] : [],
    ),
  }));
}

/** Values of alike runs, the least and the most where they differ: "1.2 MiB to 1.4 MiB". */
export function rangeWords(
  runs: readonly TrialRun[],
  of: (run: TrialRun) => number,
  show: (value: number) => string,
): string {
  return fromTo(runs.map(of), show);
}

export type TrialMedian = Readonly<Record<TrialFigure, number>>;

/** Figure by figure. Null without a run. */
export function medianOf(runs: readonly TrialRun[]): TrialMedian | null {
  if (runs.length === 0) return null;
  return Object.fromEntries(TRIAL_FIGURES.map((name) => [name, median(runs.map((run) => run[name]))])) as TrialMedian;
}

/** How far a figure must move to count, beyond the noise: a share of the baseline, and an amount. */
const LEAST: Readonly<Partial<Record<TrialFigure, { readonly share: number; readonly amount: number }>>> = {
  peak_vmpte_kb: { share: 0.05, amount: 16 },
  end_vmpte_kb: { share: 0.05, amount: 16 },
  average_vmpte_kb: { share: 0.05, amount: 16 },
  peak_rss_kb: { share: 0.05, amount: 1024 },
  average_rss_kb: { share: 0.05, amount: 1024 },
  wall_ms: { share: 0.15, amount: 50 },
  cpu_ms: { share: 0.15, amount: 50 },
};
/** With one run of each nothing is known of the noise: only what is far larger counts. */
const SINGLE_SHARE = 0.5;

/** How far apart two kinds of runs must lie, in ranges of the runs of one kind; the fewer there are, the further. */
function apartBy(runs: number): number {
  return runs >= 5 ? 0.5 : runs >= 3 ? 1 : 1.5;
}

/** Do the runs of the two kinds lie apart by more than alike runs do? */
function areApart(before: readonly number[], after: readonly number[]): boolean {
  const gap = Math.max(leastOf(after) - mostOf(before), leastOf(before) - mostOf(after));
  const range = Math.max(spanOf(before), spanOf(after));
  return gap > 0 && gap >= range * apartBy(Math.min(before.length, after.length));
}

export interface TrialDifference {
  readonly figure: TrialFigure;
  /** Medians, the setting's minus the baseline's. */
  readonly difference: number;
  /** Of the baseline's; null where that is 0. */
  readonly share: number | null;
  /** Larger than the difference between alike runs. */
  readonly beyond_noise: boolean;
}

function differenceOf(figure: TrialFigure, base: readonly TrialRun[], tried: readonly TrialRun[]): TrialDifference {
  const [before, after] = [base, tried].map((runs) => runs.map((run) => run[figure]));
  const from = median(before);
  const difference = median(after) - from;
  const least = LEAST[figure];
  const needed = Math.max(base.length < 2 || tried.length < 2 ? SINGLE_SHARE : 0, least?.share ?? 0.05);
  const large = Math.abs(difference) >= from * needed && Math.abs(difference) >= (least?.amount ?? 1);
  return {
    figure,
    difference,
    share: from === 0 ? null : difference / from,
    beyond_noise: areApart(before, after) && large,
  };
}

export interface TrialVerdict {
  /** `helps`: less page-table memory or RSS, and no cost as large; `harms`: more of them, or a cost that nothing pays for. */
  readonly verdict: "helps" | "same" | "harms";
  /** Why, in a sentence. */
  readonly reason: string;
  readonly differences: readonly TrialDifference[];
}

const WORDS: Readonly<Record<TrialFigure, string>> = {
  peak_vmpte_kb: "VmPTE at its peak",
  end_vmpte_kb: "VmPTE at the end",
  average_vmpte_kb: "VmPTE on average",
  peak_rss_kb: "RSS at its peak",
  average_rss_kb: "RSS on average",
  wall_ms: "time",
  cpu_ms: "CPU time",
  minor_faults: "page faults",
  major_faults: "major page faults",
};

const BENEFITS = ["average_vmpte_kb", "end_vmpte_kb", "peak_vmpte_kb", "average_rss_kb"] as const;
const COSTS = ["average_rss_kb", "peak_rss_kb", "wall_ms", "cpu_ms"] as const;

const said = ({ figure, share, difference }: TrialDifference): string =>
  `${WORDS[figure]} ${share === null ? "" : `${Math.abs(share * 100).toFixed(0)} % `}${difference < 0 ? "less" : "more"}`;

const UNKNOWN_NOISE =
  "no difference of half or more; one run does not show how much identical runs differ, use --repeat 3";

const SAME =
  "no difference in memory or time that is both large enough to count and larger than between identical runs";

/** The verdict on a setting. Null where a side has no run to its end. */
export function judgeTrial(base: readonly TrialRun[], tried: readonly TrialRun[]): TrialVerdict | null {
  if (base.length === 0 || tried.length === 0) return null;
  const differences = TRIAL_FIGURES.map((figure) => differenceOf(figure, base, tried));
  if (base.every((run) => run.exit_code === 0) && tried.every((run) => run.exit_code !== 0))
    return {
      verdict: "harms",
      reason: `the program exits with ${exitWords(tried[0].exit_code)} under it`,
      differences,
    };
  const moved = (names: readonly TrialFigure[], sign: number) =>
    differences.filter(
      (each) => each.beyond_noise && names.includes(each.figure) && Math.sign(each.difference) === sign,
    );
  const largest = (found: readonly TrialDifference[]): number =>
    Math.max(0, ...found.map(({ share }) => Math.abs(share ?? 1)));
  const better = moved(BENEFITS, -1);
  const worse = [...new Set([...moved(BENEFITS, 1), ...moved(COSTS, 1)])];
  const single = base.length < 2 || tried.length < 2;
  const list = (found: readonly TrialDifference[]): string =>
    `${found.map(said).join(", ")}${single ? " (one run: chance is not known, use --repeat 3)" : ""}`;
  if (better.length > 0 && largest(better) > largest(worse))
    return { verdict: "helps", reason: list([...better, ...worse]), differences };
  if (worse.length > 0) return { verdict: "harms", reason: list([...worse, ...better]), differences };
  return {
    verdict: "same",
    reason: single ? UNKNOWN_NOISE : SAME,
    differences,
  };
}
