/** The calls about trials of programs. */

import type { Store } from "../../db/store.ts";
import { BadInputError } from "../../engine/error.ts";
import {
  ALLOCATORS,
  type Allocator,
  allocatorsOf,
  GO_ARENA,
  GO_NAME,
  TRIAL_SETTINGS,
} from "../../engine/experiment/allocator-settings.ts";
import { formatNumberOf } from "../../engine/experiment/format.ts";
import { DEFAULT_BASELINE, SERIES_POLICY } from "../../engine/experiment/policies.ts";
import { oneLine } from "../../engine/experiment/text-limits.ts";
import { BASELINE_NAME, parseSettings, type Setting } from "../../engine/experiment/trial.ts";
import type { RunSummary } from "../../engine/experiment/types.ts";
import { programNamed } from "../../probe/capture-means.ts";
import { detect } from "../../probe/detect.ts";
import { type Reading, runTrial, type TrialEnd } from "../../probe/trial.ts";
import { toLabError } from "../answer.ts";
import type { CheckedParams, Experiment, Handlers, LabCallName } from "../contract.ts";
import type { Emit } from "./emit.ts";
import type { Ending, Execution, OnBatch } from "./execution.ts";
import { hostFacts } from "./facts.ts";
import { Readings } from "./readings.ts";
import type { Runner } from "./runner.ts";
import { toExperiment, toStarted } from "./shapes.ts";
import { commandOf, environmentOf } from "./typed-command.ts";

type Names = Extract<LabCallName, `trial.${string}`>;

const INTERVAL_US = 5000;
/** So long is looked at what allocator a program uses; then it is ended. */
const LOOK_MS = 4000;

/** What every run of a trial shares. */
interface Job {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

function rowsOf(all: readonly Reading[]): Float64Array {
  const readings = new Readings();
  for (const each of all) readings.take(each);
  return readings.rows();
}

function summaryOf({ run, readings }: TrialEnd): RunSummary {
  return {
    operations: readings.length,
    wall_ms: run.wall_ms,
    final: {
      vmpte_kb: run.end_vmpte_kb,
      pte_tables: null,
      pmd_tables: null,
      pud_tables: null,
      empty_pte_tables: null,
      rss_kb: readings[readings.length - 1].rssKb,
      virt_kb: null,
    },
    peak: { vmpte_kb: run.peak_vmpte_kb, rss_kb: run.peak_rss_kb },
    reclaimed_pte_tables: null,
    slow_path: null,
    declined: null,
    average_vmpte_kb: run.average_vmpte_kb,
    program_ns: readings[readings.length - 1].atNs,
    trial: run,
  };
}

function startTrialRun(job: Job, setting: Setting, onBatch: OnBatch): Execution {
  const controller = new AbortController();
  const env = { ...job.env, ...setting.env };
  const going = async (): Promise<Ending> => {
    try {
      const end = await runTrial({ ...job, env, intervalUs: INTERVAL_US, signal: controller.signal });
      if (controller.signal.aborted) return { status: "cancelled", summary: null };
      const operations = end.readings.length;
      onBatch({
        rows: rowsOf(end.readings),
        progress: { operations, operationsTotal: operations, operationsPerSecond: 0 },
      });
      return { status: "done", summary: summaryOf(end) };
    } catch (error) {
      return { status: "failed", error: toLabError(error) };
    }
  };
  return { stop: () => controller.abort(), ended: going() };
}

/** Which allocators the program is seen to use, by running it for a moment. */
async function allocatorsSeen(job: Job): Promise<readonly Allocator[]> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), LOOK_MS);
  const names = new Set<string>();
  const look = (maps: string): void => {
    for (const line of maps.split("\n")) {
      const path = line.slice(73);
      if (path !== "") names.add(path.slice(path.lastIndexOf("/") + 1));
      const start = Number.parseInt(line, 16);
      if (start >= GO_ARENA.start && start < GO_ARENA.end) names.add(GO_NAME);
    }
  };
  try {
    await runTrial({ ...job, intervalUs: INTERVAL_US, signal: controller.signal }, look);
  } finally {
    clearTimeout(timer);
  }
  names.add(job.command[0].slice(job.command[0].lastIndexOf("/") + 1));
  return allocatorsOf(names);
}

/** The settings that are worth a trial, where none is given. Errors: BadInputError where nothing is known of the program. */
async function settingsFor(job: Job): Promise<Setting[]> {
  const seen = await allocatorsSeen(job);
  const settings = ALLOCATORS.filter((each) => seen.includes(each)).flatMap((each) => [...TRIAL_SETTINGS[each]]);
  if (settings.length > 0) return settings;
  throw new BadInputError("No allocator is recognised in the program", {
    where: job.command[0],
    why: `the known ones are ${ALLOCATORS.join(", ")}, detected by their libraries`,
    todo: "Give settings: --setting 'NAME: VAR=VALUE'",
  });
}

export function trialHandlers(store: Store, runner: Runner, emit: Emit): Handlers<Names> {
  async function start({
    command,
    cwd,
    env,
    settings: given,
    repeat,
    title,
  }: CheckedParams<"trial.start">): Promise<Experiment> {
    const [name, ...args] = command;
    const program = programNamed(name);
    const kernel = detect();
    if (!kernel.available)
      throw new BadInputError("Nothing can be measured here", { why: kernel.why, todo: kernel.todo });
    const job: Job = { command: [program, ...args], cwd, env };
    const settings = given.length > 0 ? given : await settingsFor(job);
    const points: readonly Setting[] = [{ name: BASELINE_NAME, env: {} }, ...settings];
    const mode = kernel.reclaims ? SERIES_POLICY : DEFAULT_BASELINE;
    const facts = hostFacts(kernel.reclaims);
    const short = [name, ...args].join(" ").slice(0, 200);
    const stored = store.together(() => {
      const { id } = store.createExperiment({
        kind: "sweep",
        title:
          title ??
          `Trial of ${oneLine(name.slice(name.lastIndexOf("/") + 1))}: ${formatNumberOf(settings.length, "setting")}`,
        workload: name.slice(name.lastIndexOf("/") + 1),
        workloadKind: "program",
        params: { command: short, repeat },
        seed: 0,
        levels: 4,
        detail: {
          parameter: "setting",
          values: points.map((point) => point.name),
          settings: points.map((point) => ({ ...point, env: { ...point.env } })),
        },
      });
      for (let turn = 1; turn <= repeat; turn++)
        for (const point of points)
          store.startRun(id, {
            source: "kernel",
            mode,
            facts,
            params: { command: short, setting: point.name, turn },
            label: point.name,
            status: "queued",
          });
      return store.getExperiment(id);
    });
    emit("experiment.started", toStarted(stored));
    emit("history.changed", { ids: [stored.id] });
    for (const run of stored.runs) {
      const setting = points.find((point) => point.name === run.label) ?? points[0];
      runner.add({
        runId: run.id,
        experimentId: stored.id,
        alone: true,
        begin: (onBatch) => startTrialRun(job, setting, onBatch),
      });
    }
    return toExperiment(store.getExperiment(stored.id));
  }

  return {
    "trial.start": start,
    "trial.run": ({ command, folder, settings, repeat }) => {
      const { words, cwd } = commandOf(command, folder);
      return start({ command: words, cwd, env: environmentOf(""), settings: parseSettings(settings), repeat });
    },
  };
}
