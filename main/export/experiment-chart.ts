/** The chart of a stored experiment, as the exports hold it. */

import type { Scale } from "../../chart/axes.ts";
import { AXIS_COLUMN } from "../../chart/axis.ts";
import { PALETTES, type Theme } from "../../chart/palette.ts";
import { thin } from "../../chart/points.ts";
import { runChart } from "../../chart/run-chart.ts";
import type { RunSeries } from "../../chart/series.ts";
import { sweepChart } from "../../chart/sweep-chart.ts";
import type { StoredExperiment } from "../../db/records.ts";
import { METRICS } from "../../engine/experiment/figures.ts";
import type { ReadSamples } from "./csv.ts";
import { resultWords, setupWords, sweepOf } from "./describe.ts";
import { pictureFont } from "./fonts.ts";
import type { LineChart } from "./picture.ts";

export interface ChartLook {
  readonly theme: Theme;
  readonly scale: Scale;
}

const POINTS = 2400;
const LINE_CHARACTERS_MAX = 150;

/** The runs as lines (a sweep has none); only the columns that the chart needs are read. */
export function seriesOf(experiment: StoredExperiment, samplesOf: ReadSamples): RunSeries[] {
  if (sweepOf(experiment)) return [];
  const columns = [AXIS_COLUMN.operations, ...METRICS[0].columns];
  return experiment.runs.map((run) => ({
    key: String(run.id),
    mode: run.mode,
    source: run.source,
    label: run.label,
    samples: thin(samplesOf(run.id, { columns }), POINTS),
  }));
}

function shortened(text: string): string {
  return text.length <= LINE_CHARACTERS_MAX ? text : `${text.slice(0, LINE_CHARACTERS_MAX - 1)}…`;
}

/** `standalone`: with title, result and setup above it and a margin around; otherwise the page says all that. */
export function experimentChart(
  experiment: StoredExperiment,
  series: readonly RunSeries[],
  look: ChartLook,
  standalone = true,
): LineChart {
  const shared = { palette: PALETTES[look.theme], font: pictureFont(), scale: look.scale };
  const words = standalone
    ? {
        title: shortened(experiment.title),
        subtitle: [resultWords(experiment), setupWords(experiment)].filter(Boolean).map(shortened),
        margin: 24,
      }
    : {};
  const sweep = sweepOf(experiment);
  if (sweep)
    return sweepChart({
      ...shared,
      ...words,
      points: sweep.points,
      parameter: sweep.parameter,
      valueWords: sweep.words,
    });
  return runChart({ ...shared, ...words, series, points: POINTS });
}
