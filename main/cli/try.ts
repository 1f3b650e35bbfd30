/** A trial from the command line: the program as it is and under settings, in turns, and what each changed. */
import { BadInputError } from "../../engine/error.ts";
import { formatCount, formatDuration, formatKb } from "../../engine/experiment/format.ts";
import {
  BASELINE_NAME,
  exitWords,
  judgeTrial,
  medianOf,
  parseSettings,
  REPEAT_MAX,
  rangeWords,
  SETTINGS_UNKNOWN,
  type Tried,
  triedIn,
} from "../../engine/experiment/trial.ts";
import type { Experiment } from "../contract.ts";
import { print, printJson, table, warn } from "./print.ts";
import { failures } from "./report.ts";
import { runToEnd, type Show } from "./run-to-end.ts";
import { type DbOption, withLab } from "./session.ts";

export interface TryOptions extends DbOption {
  readonly setting?: readonly string[];
  readonly repeat: number;
  readonly title?: string;
  readonly json?: boolean;
}

const showTurns: Show = async (session, { runs }) => {
  let done = 0;
  session.on("run.ended", (run) => {
    done++;
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${runs.length} runs (${run.label}) \u001b[K`);
  });
  return () => {
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  };
};

/** The settings in their order, the baseline first, each with its runs that came to their end. */
const tried = ({ sweep, runs }: Experiment): Tried[] => triedIn(sweep?.settings ?? [], runs);

/** The document of `--json`; without a baseline where what is stored of the trial names no settings. */
export function trialJson(experiment: Experiment) {
  const [baseline, ...settings] = tried(experiment) as [Tried?, ...Tried[]];
  const shown = ({ name, env, runs }: Tried) => ({ name, env, runs, median: medianOf(runs) });
  return {
    experiment: { id: experiment.id, program: experiment.workload, params: experiment.params },
    kernel: experiment.runs[0]?.facts.kernelRelease,
    baseline: baseline === undefined ? null : shown(baseline),
    settings: settings.map((setting) => ({ ...shown(setting), ...judgeTrial(baseline?.runs ?? [], setting.runs) })),
  };
}

export function trialText(experiment: Experiment): string {
  const [baseline, ...settings] = tried(experiment) as [Tried?, ...Tried[]];
  const title = `${experiment.title} (experiment ${experiment.id}, kernel ${experiment.runs[0]?.facts.kernelRelease ?? ""})`;
  if (baseline === undefined) return `${title}\n\n${SETTINGS_UNKNOWN}`;
  const row = ({ name, runs }: Tried, verdict: string): string[] => [
    name,
    verdict,
    rangeWords(runs, (run) => run.average_vmpte_kb, formatKb),
    rangeWords(runs, (run) => run.end_vmpte_kb, formatKb),
    rangeWords(runs, (run) => run.peak_vmpte_kb, formatKb),
    rangeWords(runs, (run) => run.average_rss_kb, formatKb),
    rangeWords(runs, (run) => run.wall_ms, formatDuration),
    rangeWords(runs, (run) => run.cpu_ms, formatDuration),
    rangeWords(runs, (run) => run.minor_faults, formatCount),
  ];
  const judged = settings.map((setting) => ({ setting, found: judgeTrial(baseline.runs, setting.runs) }));
  const head = [
    "setting",
    "",
    "VmPTE on average",
    "at the end",
    "at its peak",
    "RSS on average",
    "time",
    "CPU",
    "faults",
  ];
  const rows = [row(baseline, ""), ...judged.map(({ setting, found }) => row(setting, found?.verdict ?? "no run"))];
  return [
    title,
    "",
    table([head, ...rows], new Set([2, 3, 4, 5, 6, 7, 8])),
    "",
    ...judged.flatMap(({ setting: { name, env }, found }) => [
      `${name}: ${Object.entries(env)
        .map(([key, value]) => `${key}=${value}`)
        .join(" ")}`,
      `  ${found === null ? "no run came to its end" : `${found.verdict}: ${found.reason}`}`,
    ]),
  ].join("\n");
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

export async function tryProgram(command: readonly string[], options: TryOptions): Promise<void> {
  const settings = parseSettings(options.setting ?? []);
  const { repeat, title } = options;
  if (repeat < 1 || repeat > REPEAT_MAX)
    throw new BadInputError(`Each setting runs 1 to ${REPEAT_MAX} times`, {
      where: "--repeat",
      why: `${repeat} times were requested`,
    });
  await withLab(options, async (session) => {
    const spec = { command: [...command], cwd: process.cwd(), env: environment(), settings, repeat, title };
    const { experiment, cut } = await runToEnd(session, () => session.ask("trial.start", spec), showTurns);
    if (options.json) printJson(trialJson(experiment));
    else print(`${trialText(experiment)}\n\nSaved in ${session.where}; \`show ${experiment.id}\` shows it again.`);
    failures(experiment.runs).forEach(warn);
    const ended = experiment.runs.filter((run) => run.status === "done");
    const failing = ended.length > 0 && ended.every((run) => (run.summary?.trial?.exit_code ?? 0) !== 0);
    const odd = new Set(experiment.runs.flatMap((run) => run.summary?.trial?.exit_code || []));
    if (odd.size > 0)
      warn(
        failing
          ? `the program failed in ${ended.length === 1 ? "its run" : `each of its ${formatCount(ended.length)} runs`}, with ${[...odd].map(exitWords).join(", ")}: what was measured is of a program that fails`
          : `the program ended with ${[...odd].map(exitWords).join(", ")} in some of its runs`,
      );
    const none = !experiment.runs.some((run) => run.label === BASELINE_NAME && run.status === "done");
    if (cut) process.exitCode = 130;
    else if (none || failing || experiment.runs.some((run) => run.status !== "done")) process.exitCode = 1;
  });
}
