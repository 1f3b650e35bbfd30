import { indexAt, metricValues } from "../../chart/points.ts";
import { inOrder, type RunSeries, seriesLabel } from "../../chart/series.ts";
import type { Metric } from "../../engine/experiment/figures.ts";

/**
 * Samples as text that spreadsheets take from the clipboard: a line a sample, columns parted by tabs, the unit in every
 * column's name, numbers in full. Rows are the samples of the longest run; what a run does not know is empty.
 */
export function samplesText(series: readonly RunSeries[], metric: Metric): string {
  const ordered = inOrder(series);
  const longest = ordered.reduce((a, b) => (b.samples.count > a.samples.count ? b : a));
  const operations = longest.samples.columns.operations ?? new Float64Array(0);
  const times = longest.samples.columns.time_ns;
  const columns = ordered.map((item) => ({
    name: `${metric.label} ${seriesLabel(item, ordered)} (${metric.unit === "kb" ? "kB" : metric.unit})`,
    at: item.samples.columns.operations?.subarray(0, item.samples.count) ?? new Float64Array(0),
    values: metricValues(item.samples, metric),
  }));
  const cell = (value: number | undefined): string => (value === undefined || Number.isNaN(value) ? "" : String(value));
  const lines = [["operations", "time (ns)", ...columns.map((column) => column.name)].join("\t")];
  for (let row = 0; row < longest.samples.count; row++) {
    const at = operations[row];
    const values = columns.map((column) => cell(column.values[indexAt(column.at, at)]));
    lines.push([cell(at), cell(times?.[row]), ...values].join("\t"));
  }
  return `${lines.join("\n")}\n`;
}
