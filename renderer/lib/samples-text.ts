import { metricValues } from "../../chart/points.ts";
import { inOrder, type RunSeries, seriesLabel } from "../../chart/series.ts";
import type { Metric } from "../../engine/experiment/figures.ts";
import { sampleRows } from "./sample-rows.ts";

/**
 * Samples as text that spreadsheets take from the clipboard: a line a sample, columns parted by tabs, the unit in every
 * column's name, numbers in full. Rows are the samples of the longest run; what a run does not know is empty.
 */
export function samplesText(series: readonly RunSeries[], metric: Metric): string {
  const ordered = inOrder(series);
  const rows = sampleRows(series);
  const columns = ordered.map((item) => ({
    name: `${metric.label} ${seriesLabel(item, ordered)} (${metric.unit === "kb" ? "kB" : metric.unit})`,
    samples: item.samples,
    values: metricValues(item.samples, metric),
  }));
  const cell = (value: number | undefined): string => (value === undefined || Number.isNaN(value) ? "" : String(value));
  const lines = [["operations", "time (ns)", ...columns.map((column) => column.name)].join("\t")];
  for (let row = 0; row < rows.count; row++) {
    const values = columns.map((column) => cell(column.values[rows.rowOf(column.samples, row)]));
    lines.push([cell(rows.operations[row]), cell(rows.times[row]), ...values].join("\t"));
  }
  return `${lines.join("\n")}\n`;
}
