import { existsSync } from "node:fs";
import { BadInputError } from "../../engine/error.ts";
import { withoutKnobs } from "../../engine/experiment/knobs.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";
import { parseWhatIf } from "../../engine/experiment/what-if.ts";
import type { TraceFormat } from "../../engine/workload/import/index.ts";
import { findPreset, PRESETS } from "../../engine/workload/presets/index.ts";
import { namedProfile } from "../../probe/named-profile.ts";
import type { ExperimentSpec } from "../contract.ts";
import { requireBaselineAmong } from "./policy-option.ts";
import { print, printJson, warn } from "./print.ts";
import { showProgress } from "./progress.ts";
import { failures, reportJson, reportText } from "./report.ts";
import { runToEnd } from "./run-to-end.ts";
import { type DbOption, type Session, withLab } from "./session.ts";
import { type ChangedExperiment, whatIfJson, whatIfText } from "./what-if.ts";

interface RunOptions extends DbOption {
  readonly mode: PolicyId[];
  readonly baseline?: PolicyId;
  readonly source: "model" | "kernel" | "both";
  readonly set?: Readonly<Record<string, string>>;
  readonly seed?: number;
  readonly levels: "4" | "5";
  readonly kernel?: string;
  readonly title?: string;
  readonly pid?: number;
  readonly format?: TraceFormat;
  readonly touchOnMap?: boolean;
  readonly service?: boolean;
  readonly whatIf?: readonly string[];
  readonly json?: boolean;
}

/** A preset is no file of another program's: what is said of one has no effect on it. */
function requireNoneOfFiles(preset: string, { pid, format, touchOnMap, service, whatIf }: RunOptions): void {
  const given = { "--pid": pid, "--format": format, "--touch-on-map": touchOnMap, "--service": service };
  for (const [option, value] of Object.entries(given))
    if (value !== undefined)
      throw new BadInputError(`${option} is for traces and workload files`, {
        where: preset,
        why: "it is a preset",
        todo: "Omit it",
      });
  if (whatIf !== undefined)
    throw new BadInputError("--what-if is for traces and workload files", {
      where: preset,
      why: "a preset's releases are among its parameters",
      todo: "`presets` lists them",
    });
}

/** A preset by its name; else a file, which is opened, and said of it what there is to know. */
async function workloadOf(session: Session, name: string, options: RunOptions): Promise<ExperimentSpec["workload"]> {
  const { set = {}, format, pid, touchOnMap, service } = options;
  const params = { ...withoutKnobs(set).own };
  const looksLikeFile = /[/.]/.test(name) || existsSync(name);
  if (findPreset(name) !== undefined) {
    requireNoneOfFiles(name, options);
    return { kind: "preset", name, params };
  }
  if (!looksLikeFile)
    throw new BadInputError(`There is no preset "${name.slice(0, 60)}", and no file or folder of that name`, {
      todo: `The presets are ${PRESETS.map((each) => each.name).join(", ")}`,
    });
  const [none] = Object.keys(params);
  if (none !== undefined)
    throw new BadInputError(`A file has no parameter "${none.slice(0, 60)}"`, {
      where: name,
      todo: "It accepts --pid, --service, --touch-on-map, and with --set the knobs that `reclaim-lab policies` lists",
    });
  if (service && pid !== undefined)
    throw new BadInputError("--pid is one process and --service is all of them", { todo: "Give one of the two" });
  const opened = await session.ask("file.open", { path: name, format });
  const say = (text: string) => warn(`${opened.name}: ${text}`);
  for (const problem of opened.problems) say(problem);
  const [busiest] = opened.processes;
  if (busiest !== undefined && opened.processes.length > 1 && pid === undefined && !service)
    say(
      `${opened.processes.length} processes; taking the busiest, ${busiest.pid} (${busiest.comm}); choose with --pid, or all together with --service`,
    );
  if (!opened.hasFaults && !touchOnMap)
    say(
      `${opened.format} shows no page faults, so nothing is used; --touch-on-map takes memory as used once it may be`,
    );
  return { kind: "file", token: opened.token, process: pid, touchOnMap, service };
}

export async function run(workload: string, options: RunOptions): Promise<void> {
  requireBaselineAmong(options.baseline, options.mode, "--mode names");
  // What is asked twice is run once.
  const changes = [...new Set(options.whatIf ?? [])].map(parseWhatIf);
  await withLab(options, async (session) => {
    const workloadSpec = await workloadOf(session, workload, options);
    const start = (changed: ExperimentSpec["workload"]) => {
      const spec: ExperimentSpec = {
        workload: changed,
        mode: options.mode,
        knobs: { ...withoutKnobs(options.set ?? {}).knobs },
        source: options.source,
        seed: options.seed,
        levels: options.levels === "5" ? 5 : 4,
        ...(options.kernel === undefined ? {} : { kernelProfile: { ...namedProfile(options.kernel) } }),
        title: options.title,
      };
      return runToEnd(session, () => session.ask("experiment.start", spec), showProgress);
    };
    const { experiment, cut: cutAsItIs } = await start(workloadSpec);
    const changed: ChangedExperiment[] = [];
    let cut = cutAsItIs;
    for (const change of changes) {
      if (cut || workloadSpec.kind !== "file") break;
      const ended = await start({ ...workloadSpec, whatIf: change });
      cut = ended.cut;
      changed.push({ change, experiment: ended.experiment });
    }
    const runs = [experiment, ...changed.map((each) => each.experiment)].flatMap((each) => each.runs);
    if (options.json) {
      printJson({ ...reportJson(experiment, options.baseline), ...whatIfJson(experiment, changed) });
      failures(runs).forEach(warn);
    } else {
      print([reportText(experiment, options.baseline), ...whatIfText(experiment, changed)].join("\n"));
      const whole = runs.every((each) => each.status !== "failed");
      const ids = [experiment.id, ...changed.map((each) => each.experiment.id)];
      const again = ids.map((id) => `\`show ${id}\``).join(", ");
      const compare = ids.length > 1 ? `; \`compare ${ids.join(" ")}\` holds them side by side` : "";
      print(
        whole
          ? `\nSaved in ${session.where}; ${again} show${ids.length > 1 ? "" : "s"} it again${compare}.`
          : `\n${again} show${ids.length > 1 ? "" : "s"} the stored result.`,
      );
    }
    if (cut) process.exitCode = 130;
    else if (runs.some((each) => each.status !== "done")) process.exitCode = 1;
  });
}
