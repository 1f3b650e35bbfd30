import { hasClock } from "../../chart/view.ts";
import type { LinkedView } from "../../chart/view-link.ts";
import { formatNumberOf } from "../../engine/experiment/format.ts";
import { inPolicyOrder, POLICY_IDS } from "../../engine/experiment/policies.ts";
import type { SweepSpec } from "../../main/contract/sweeps.ts";
import type { CallParams, EventPayload, Experiment, ExperimentSpec, ExportFormat } from "../../main/contract.ts";
import { pointOf } from "../lib/point.ts";
import { sentence } from "../lib/sentence.ts";
import { rememberAxis } from "./chart-axis.ts";
import { current } from "./current.svelte.ts";
import { call, LabCallError } from "./lab.ts";
import { notifyDone, notifyError, notifyWarning } from "./notify.ts";
import { recording } from "./recording.svelte.ts";
import { settings } from "./settings.svelte.ts";
import { view } from "./view.svelte.ts";

/** The series' own experiment, as the first-run page and the palette start it. */
export const HEADLINE_PRESET = "commit-table";

/** Starts an experiment and opens it. Errors are thrown: the form shows them at the field. */
export async function startExperiment(spec: ExperimentSpec): Promise<void> {
  openStarted(await call("experiment.start", spec));
}

function openStarted(experiment: Experiment): void {
  current.started(experiment);
  view.go({ name: "experiment", id: experiment.id });
}

/** The 50 GB experiment under the default policies, in one step. */
export async function runHeadline(): Promise<void> {
  try {
    await startExperiment({ workload: { kind: "preset", name: HEADLINE_PRESET, params: {} } });
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** The same again: all of an experiment, or one point of a sweep as an experiment of its own. */
export async function runAgain(id: number, label?: string): Promise<void> {
  try {
    if (label !== undefined) return await runPoint(pointOf(await call("experiment.get", { id }), label));
    openStarted(await call("experiment.again", { id }));
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** A program of a trace under every policy. */
export async function runUnderAll(id: number): Promise<void> {
  try {
    openStarted(await call("experiment.again", { id, mode: [...POLICY_IDS] }));
  } catch (thrown) {
    notifyError(thrown);
  }
}

function runPoint({ workload, params, runs, seed, levels, title }: Experiment): Promise<void> {
  return startExperiment({
    workload: { kind: "preset", name: workload, params },
    mode: inPolicyOrder(runs.map((run) => run.mode)),
    seed,
    levels: levels === 5 ? 5 : 4,
    title,
  });
}

export async function cancelExperiment(id: number): Promise<void> {
  try {
    await call("experiment.cancel", { id });
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** Everything that is under way. */
export async function cancelAll(): Promise<void> {
  try {
    const count = await call("experiment.cancelAll");
    notifyDone(`${formatNumberOf(count, "run")} cancelled`);
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** What charts of an export hold: what the window shows of it, or all of the same metric and axis. */
export type ExportPart = "view" | "all";

/** What is exported, in which format. */
export type ExportChoice = CallParams<"export.save">;

const shownTheme = () => (settings.dark ? ("dark" as const) : ("light" as const));

/** An export with its charts as the window shows them. */
export function exportChoice(experimentId: number, format: ExportFormat, part: ExportPart): ExportChoice {
  const open = current.experiment?.id === experimentId ? current.experiment : undefined;
  return {
    experimentId,
    format,
    theme: shownTheme(),
    log: settings.remembered.log,
    view: open?.view(part === "all") ?? {},
  };
}

/** Formats of a view that is no chart, as a menu offers them; `shown`: what the view holds now, undefined where that is nothing yet. */
export function sheetFormats(shown: () => Pick<SheetChoice, "sheet" | "origin"> | undefined) {
  const choice = (format: SheetChoice["format"]) => (): ExportChoice | undefined => {
    const now = shown();
    return now && { ...now, format, theme: shownTheme() };
  };
  return [
    { label: "PNG", about: "as shown here, at twice the size", choice: choice("png") },
    { label: "SVG", about: "as shown here, to scale", choice: choice("svg") },
  ];
}
type SheetChoice = Extract<ExportChoice, { sheet: unknown }>;

/** Writes an export for a drag out of the window; gives its token, undefined where that failed. */
export async function stageExport(choice: ExportChoice): Promise<string | undefined> {
  try {
    return await call("export.stage", choice);
  } catch (thrown) {
    notifyError(thrown);
    return undefined;
  }
}

/** Begins the system's drag of a staged export. */
export async function dragExport(token: string): Promise<void> {
  try {
    await call("export.drag", { token });
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** Through the system's save dialog. */
export async function saveExport(choice: ExportChoice | undefined): Promise<void> {
  if (choice === undefined) return;
  try {
    const { file } = await call("export.save", choice);
    if (file !== null) notifyDone(`Exported ${file}`);
  } catch (thrown) {
    notifyError(thrown);
  }
}

export const exportExperiment = (id: number, format: ExportFormat, part: ExportPart = "view"): Promise<void> =>
  saveExport(exportChoice(id, format, part));

export const EXPORT_FORMATS: readonly {
  readonly value: ExportFormat;
  readonly label: string;
  readonly about: string;
  readonly keys?: string;
  /** It has a chart, of what is shown or of all. */
  readonly chart?: boolean;
}[] = [
  { value: "csv", label: "CSV", about: "every sample, in full precision", keys: "Ctrl+E" },
  { value: "json", label: "JSON", about: "runs, parameters and samples" },
  { value: "png", label: "PNG", about: "the chart, at twice the size", keys: "Ctrl+Shift+E", chart: true },
  { value: "svg", label: "SVG", about: "the chart, to scale", chart: true },
  { value: "html", label: "HTML report", about: "charts, numbers, how to reproduce", chart: true },
];

/** Changes what people say of an experiment. */
export async function describeExperiment(
  id: number,
  changes: { title?: string; tags?: string[]; notes?: string; pinned?: boolean; archived?: boolean },
): Promise<boolean> {
  try {
    await call("experiment.describe", { id, ...changes });
    return true;
  } catch (thrown) {
    notifyError(thrown);
    return false;
  }
}

export const setPinned = (id: number, pinned: boolean): Promise<boolean> => describeExperiment(id, { pinned });

/** Opens a trace or workload file by the system's dialog. */
export async function chooseTrace(): Promise<void> {
  try {
    const opened = await call("file.choose");
    if (opened) view.go({ name: "trace", opened });
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** The same for a capture's folder. */
export async function chooseCapture(): Promise<void> {
  try {
    const opened = await call("file.chooseFolder");
    if (opened) view.go({ name: "trace", opened });
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** Opens a folder of results by the system's dialog. */
export async function chooseResults(): Promise<void> {
  try {
    const opened = await call("atlas.choose");
    if (opened) view.go({ name: "atlas", opened });
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** Runs a row of results here and opens it; where its trace is not found, the system's dialog asks for it. */
export async function runResult(task: { token: string; digest: string; baseline: string }): Promise<void> {
  try {
    const ran = (await call("atlas.run", task)) ?? (await call("atlas.runWith", task));
    if (ran) openRerun(ran);
  } catch (thrown) {
    notifyError(thrown);
  }
}

function openRerun({ experiment, same }: { experiment: Experiment; same: boolean }): void {
  openStarted(experiment);
  notifyDone(
    same
      ? "The same task as the row's: it gives the same numbers"
      : "Another version made the row: the numbers may differ from the row's",
  );
}

/** Starts a trial of a program, once the user has agreed to run it, and opens it. Errors are thrown: the form shows them. */
export async function startTrial(trial: CallParams<"trial.launch">): Promise<void> {
  const experiment = await call("trial.launch", trial);
  if (experiment) view.go({ name: "experiment", id: experiment.id });
}

/** What was recorded is replayed: at once where its view waits for it, else it is said that it goes on. So is why nothing was recorded. */
export async function recorded(end: EventPayload<"record.ended">): Promise<void> {
  if (end.kind === "failed") {
    if (view.route.name === "record") recording.failed = end.error;
    else notifyError(new LabCallError(end.error));
    return;
  }
  const { opened, notes, cost } = end;
  for (const note of notes) notifyWarning(`${opened.name}: ${note}`);
  try {
    const started = await call("experiment.start", {
      workload: {
        kind: "file",
        token: opened.token,
        ...(opened.processes[0] ? { process: opened.processes[0].pid } : {}),
      },
    });
    // Kept with the experiment: its reports say it, too.
    const noted =
      cost === null ? started : await call("experiment.describe", { id: started.id, notes: sentence(cost) });
    if (view.route.name === "record") {
      openStarted(noted);
      notifyDone(`Recorded ${opened.name}`, cost === null ? undefined : sentence(cost));
    } else notifyDone(`${opened.name} was recorded: it is in the history`);
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** Opens a view that a link says: its experiment, and what of it is shown. */
export async function openLinked({ uid, view: shown, log }: LinkedView): Promise<void> {
  try {
    const [row] = await Promise.all(
      (["active", "archive"] as const).map((shelf) => call("history.list", { filter: `uid:${uid}`, shelf, limit: 1 })),
    ).then((pages) => pages.flatMap((page) => page.rows));
    if (!row)
      throw new LabCallError({
        name: "NotFoundError",
        message: "This history does not have the experiment of the link",
        todo: "Open the history that it was made in, or add it to this one (Add another history…)",
      });
    const { metric = "", baseline = "", axis, range, figure } = shown;
    settings.remember({ log, metric, baseline });
    if (axis) rememberAxis(hasClock(row), axis);
    const open = current.experiment;
    if (open?.id === row.id && open.label === undefined) {
      open.range = range;
      if (figure) open.figure = figure;
    } else current.linked = { id: row.id, range, figure };
    view.go({ name: "experiment", id: row.id });
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** Opens the page that a source names, in the browser. */
export async function openSource(url: string): Promise<void> {
  try {
    await call("app.openLink", { url });
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** Opens a recent file. */
export async function openRecent(id: string): Promise<void> {
  try {
    view.go({ name: "trace", opened: await call("file.openRecent", { id }) });
  } catch (thrown) {
    notifyError(thrown);
  }
}

export async function clearRecent(): Promise<void> {
  try {
    await call("file.clearRecent");
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** Opens a file that was dropped on the window. */
export async function openDropped(file: File): Promise<void> {
  try {
    const answer = await window.lab.openDropped(file);
    if ("error" in answer) throw new LabCallError(answer.error);
    view.go({ name: "trace", opened: answer.result });
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** The file that the program was started with, if it was. */
export async function openPending(): Promise<void> {
  try {
    const opened = await call("file.pending");
    if (opened) view.go({ name: "trace", opened });
  } catch (thrown) {
    notifyError(thrown);
  }
}

/** Starts a sweep and opens it. Errors are thrown: the form shows them. */
export async function startSweep(spec: SweepSpec): Promise<void> {
  const experiment = await call("sweep.start", spec);
  view.go({ name: "experiment", id: experiment.id });
}

/** Runs the points of a sweep that were cancelled, failed or interrupted. */
export async function resumeSweep(id: number): Promise<void> {
  try {
    await call("sweep.resume", { id });
  } catch (thrown) {
    notifyError(thrown);
  }
}
