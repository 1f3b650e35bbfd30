import type { Experiment, ExperimentSpec } from "../contract.ts";
import { print, printJson } from "./print.ts";
import { showProgress } from "./progress.ts";
import { reportJson, reportText } from "./report.ts";
import { type DbOption, type Session, withLab } from "./session.ts";

interface RunOptions extends DbOption {
  readonly mode: "both" | "sync" | "none";
  readonly source: "model" | "kernel" | "both";
  readonly set?: Readonly<Record<string, string>>;
  readonly seed?: number;
  readonly levels: "4" | "5";
  readonly title?: string;
  readonly json?: boolean;
}

/** Starts an experiment and waits until all its runs have ended; Ctrl-C cancels them and keeps their samples. */
async function runToEnd(session: Session, spec: ExperimentSpec): Promise<{ experiment: Experiment; cut: boolean }> {
  const over = new Set<number>();
  let wake = () => {};
  session.on("run.ended", (run) => {
    over.add(run.id);
    wake();
  });
  const started = await session.ask("experiment.start", spec);
  const clear = await showProgress(session, started);
  let cut = false;
  const interrupt = () => {
    cut = true;
    void session.ask("experiment.cancel", { id: started.id });
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  while (!started.runs.every((run) => over.has(run.id)))
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  process.off("SIGINT", interrupt);
  process.off("SIGTERM", interrupt);
  clear();
  return { experiment: await session.ask("experiment.get", { id: started.id }), cut };
}

export async function run(preset: string, options: RunOptions): Promise<void> {
  const spec: ExperimentSpec = {
    workload: { kind: "preset", name: preset, params: options.set ?? {} },
    mode: options.mode,
    source: options.source,
    seed: options.seed,
    levels: options.levels === "5" ? 5 : 4,
    title: options.title,
  };
  await withLab(options, async (session) => {
    const { experiment, cut } = await runToEnd(session, spec);
    if (options.json) printJson(reportJson(experiment));
    else {
      print(reportText(experiment));
      print(`\nSaved in ${session.where}; \`show ${experiment.id}\` shows it again.`);
    }
    if (cut) process.exitCode = 130;
    else if (experiment.runs.some((each) => each.status !== "done")) process.exitCode = 1;
  });
}
