/** An experiment as a file: the same bytes for the same runs, from the window and from the command line. */
import { PALETTES } from "../../chart/palette.ts";
import { type ChartView, defaultAxis } from "../../chart/view.ts";
import { isSameFile } from "../../db/files.ts";
import type { StoredExperiment } from "../../db/records.ts";
import { BadInputError } from "../../engine/error.ts";
import { type BlameEntry, blameOf, foldedStacks, speedscope } from "../../engine/experiment/blame.ts";
import { chosenRuns } from "./chosen-runs.ts";
import { csvParts, type ReadSamples } from "./csv.ts";
import { resultWords } from "./describe.ts";
import { type ChartLook, chartRuns, experimentChart, shownWords } from "./experiment-chart.ts";
import { jsonParts } from "./json.ts";
import { chartPng, chartSvg } from "./picture.ts";
import { reportParts } from "./report.ts";
import { type SheetOptions, sheetParts } from "./sheet.ts";
import { ExportError, writeWhole } from "./write-file.ts";

export { exportName } from "./name.ts";

export const EXPORT_FORMATS = ["csv", "json", "png", "svg", "html", "folded", "speedscope"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportOptions {
  readonly format: ExportFormat;
  /** Of charts. */
  readonly theme?: "light" | "dark";
  /** Of charts: logarithmic y axis. */
  readonly log?: boolean;
  /** What charts show (default: VmPTE over operations, the whole run). */
  readonly view?: ChartView;
  /** Of CSV and JSON: these runs alone (default: all). */
  readonly runs?: readonly number[] | undefined;
}

/** What an export reads; the store is one. */
export interface ExportSource {
  /** The history, which an export may not take the place of. */
  readonly file: string;
  readonly getExperiment: (id: number) => StoredExperiment;
  readonly samples: ReadSamples;
}

/** The file in parts, made while they are taken. Throws NotFoundError where there is no such experiment. */
export function exportParts(
  source: ExportSource,
  experimentId: number,
  options: ExportOptions,
): Iterable<string | Uint8Array> {
  const experiment = source.getExperiment(experimentId);
  const look: ChartLook = {
    theme: options.theme ?? "light",
    scale: options.log ? "log" : "linear",
    view: { ...options.view, axis: options.view?.axis ?? defaultAxis(experiment) },
  };
  switch (options.format) {
    case "csv":
      return csvParts(experiment, chosenRuns(experiment, options.runs), source.samples, options.view?.baseline);
    case "json":
      return jsonParts(experiment, chosenRuns(experiment, options.runs), source.samples, options.view?.baseline);
    case "folded":
      return [foldedStacks(requireBlame(experiment))];
    case "speedscope":
      return [`${JSON.stringify(speedscope(requireBlame(experiment), experiment.title, "reclaim-lab"))}\n`];
    case "html":
      return reportParts(experiment, source.samples, look);
    case "png":
    case "svg": {
      const drawn = chartRuns(experiment, source.samples, look.view);
      const config = experimentChart(experiment, drawn, look);
      const { surface } = PALETTES[look.theme];
      if (options.format === "png") return [chartPng(config, surface)];
      const description = [resultWords(experiment, look.view), shownWords(experiment, drawn, look.view)];
      return [chartSvg(config, surface, { title: experiment.title, description: description.join(" ") })];
    }
  }
}

function requireBlame(experiment: StoredExperiment): readonly BlameEntry[] {
  const blame = blameOf(experiment);
  if (blame === null)
    throw new BadInputError("There is no blame to write", {
      where: `experiment ${experiment.id}`,
      why: "only a trace's runs know whose call emptied which table",
      todo: "Record with `reclaim-lab capture --stacks`, and run the trace",
    });
  return blame;
}

/** Writes the export whole or not at all; returns the bytes written. Throws ExportError and NotFoundError. */
export function exportToFile(source: ExportSource, experimentId: number, options: ExportOptions, path: string): number {
  return writeExport(source, path, () => exportParts(source, experimentId, options));
}

/** The same for a sheet. */
export function sheetToFile(source: ExportSource, options: SheetOptions, path: string): number {
  return writeExport(source, path, () => sheetParts(source.getExperiment, options));
}

function writeExport(source: ExportSource, path: string, parts: () => Iterable<string | Uint8Array>): number {
  // Also where it is too damaged to be known as one.
  for (const suffix of ["", "-wal", "-shm"])
    if (isSameFile(source.file + suffix, path))
      throw new ExportError(path, "it is the history itself", { todo: "Choose another file" });
  return writeWhole(path, parts());
}
