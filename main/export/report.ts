/** A self-contained HTML report: charts, numbers, parameters, how to make it again. No script, no network; prints well. */

import { compareFigures, FIGURES, type FigureCell, type FigureRow } from "../../chart/compare.ts";
import { PALETTES } from "../../chart/palette.ts";
import { saving } from "../../chart/sentence.ts";
import { inOrder, MODE_PHRASES, SOURCE_WORDS } from "../../chart/series.ts";
import { SWEEP_FIGURE } from "../../chart/sweep-chart.ts";
import { figureAt, type SweepPoint } from "../../chart/sweep-points.ts";
import type { StoredExperiment, StoredRun } from "../../db/records.ts";
import { formatCount, formatDifference, formatPercent, formatValue } from "../../engine/experiment/format.ts";
import {
  DECLINED_REASONS,
  type DeclinedReason,
  MODES,
  type Mode,
  SAMPLE_COLUMNS,
} from "../../engine/experiment/types.ts";
import type { ReadSamples } from "./csv.ts";
import { commandFor, paramWords, resultParts, resultWords, type Sweep, sweepOf } from "./describe.ts";
import { type ChartLook, experimentChart, seriesOf } from "./experiment-chart.ts";
import { chartSvg, escapeXml } from "./picture.ts";
import { reportStyle } from "./report-style.ts";

type Html = { readonly html: string };

/** HTML from a template: what is put in is escaped unless it is HTML already. */
function html(strings: TemplateStringsArray, ...values: readonly (string | number | Html | readonly Html[])[]): Html {
  const shown = values.map((value) => {
    if (typeof value === "string" || typeof value === "number") return escapeXml(String(value));
    return "html" in value ? value.html : value.map((part) => part.html).join("");
  });
  return { html: String.raw({ raw: strings }, ...shown) };
}

const nothing: Html = { html: "" };

/** The document in parts. */
export function* reportParts(experiment: StoredExperiment, samplesOf: ReadSamples, look: ChartLook): Generator<string> {
  const runs = inOrder(experiment.runs);
  yield html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${experiment.title} · Reclaim Lab</title>
<style>${{ html: reportStyle(PALETTES[look.theme]) }}</style>
</head>
<body>
<header>
<p class="kind">Reclaim Lab · experiment ${experiment.id} · ${moment(experiment.createdAt)}</p>
<h1>${experiment.title}</h1>
<p class="result">${resultParts(experiment).map(({ kind, text }) => html`<span class="${kind}">${text}</span>`)}</p>
${experiment.tags.length > 0 ? html`<p class="tags">${experiment.tags.join(" · ")}</p>` : nothing}
${experiment.notes.trim() === "" ? nothing : html`<p class="notes">${experiment.notes}</p>`}
</header>
<main>
`.html;
  yield* charts(experiment, samplesOf, look);
  const sweep = sweepOf(experiment);
  if (sweep) yield sweepTable(sweep).html;
  else {
    yield numbers(runs).html;
    yield releases(runs).html;
  }
  yield parameters(experiment).html;
  yield runTable(runs).html;
  yield html`<section><h2>Make it again</h2>
<pre>${commandFor(experiment)}</pre>
<p>The model is deterministic: the same workload, mode and seed give the same samples on every machine. Measured runs depend on the kernel they ran on.</p>
</section>
</main>
<footer>Experiment ${experiment.uid}${runs[0] ? html` · engine ${runs[0].facts.engineVersion}` : nothing}</footer>
</body>
</html>
`.html;
}

function* charts(experiment: StoredExperiment, samplesOf: ReadSamples, look: ChartLook): Generator<string> {
  const series = seriesOf(experiment, samplesOf);
  const sweep = sweepOf(experiment);
  if (!sweep && !series.some((item) => item.samples.count > 0)) {
    yield html`<p>No samples were stored.</p>\n`.html;
    return;
  }
  const palette = PALETTES[look.theme];
  for (const scale of ["linear", "log"] as const) {
    const config = experimentChart(experiment, series, { ...look, scale }, false);
    const what = sweep ? `${SWEEP_FIGURE.label} against ${sweep.parameter}` : "VmPTE over operations";
    const title = `${what}, ${scale === "log" ? "logarithmic" : "linear"}`;
    const words = { title, description: resultWords(experiment) };
    const svg = chartSvg(config, palette.surface, words, { width: 1040, height: 440 }, `${scale}-`);
    yield html`<figure>${{ html: svg.replace(/^<\?xml[^>]*>\s*/, "") }}<figcaption>${title}</figcaption></figure>\n`
      .html;
  }
}

function heads(runs: readonly StoredRun[]): Html[] {
  const mixed = new Set(runs.map((run) => run.source)).size > 1;
  return runs.map((run) => {
    const words = `${run.label ? `${run.label}: ` : ""}${MODE_PHRASES[run.mode]}`;
    return html`<th scope="col" class="${run.mode}">${mixed || run.source === "kernel" ? `${words}, ${SOURCE_WORDS[run.source]}` : words}</th>`;
  });
}

/** "102,400 kB less (99.8 %), better". */
function differenceWords(row: FigureRow, cell: FigureCell): string {
  if (cell.difference === null) return "";
  if (cell.difference === 0) return "no difference";
  const amount = formatDifference(Math.abs(cell.difference), row.figure.unit).slice(1);
  const share = cell.share === null ? "" : ` (${formatPercent(Math.abs(cell.share))})`;
  const judged = cell.direction === "better" || cell.direction === "worse" ? `, ${cell.direction}` : "";
  return `${amount} ${cell.difference < 0 ? "less" : "more"}${share}${judged}`;
}

function numbers(runs: readonly StoredRun[]): Html {
  const known = runs.filter((run) => run.summary);
  if (known.length === 0) return nothing;
  // Two runs, sync and without: what sync changes. More: the numbers alone.
  const pair = known.length === 2 && known[0].mode === "sync" && known[1].mode === "none";
  const rows = compareFigures(known, known.length - 1, FIGURES);
  return html`<section><h2>Numbers</h2>
<table>
<thead><tr><th scope="col"></th>${heads(known)}${pair ? html`<th scope="col" class="words">sync, compared with without</th>` : nothing}</tr></thead>
<tbody>
${rows.map(
  (row) => html`<tr><th scope="row">${row.figure.label}</th>${row.cells.map(
    (cell) => html`<td>${formatValue(cell.value, row.figure.unit)}</td>`,
  )}${pair ? html`<td class="words ${row.cells[0].direction ?? ""}">${differenceWords(row, row.cells[0])}</td>` : nothing}</tr>
`,
)}</tbody>
</table>
</section>
`;
}

function sweepTable({ parameter, points, words }: Sweep): Html {
  const cell = (point: SweepPoint, mode: Mode) => formatValue(figureAt(point, mode, SWEEP_FIGURE), SWEEP_FIGURE.unit);
  const less = (point: SweepPoint): string => {
    const [sync, none] = MODES.map((mode) => figureAt(point, mode, SWEEP_FIGURE));
    if (sync === null || none === null) return "";
    const share = saving(sync, none);
    return share === 0 ? "no difference" : `${formatPercent(Math.abs(share))} ${share > 0 ? "less" : "more"}`;
  };
  return html`<section><h2>${SWEEP_FIGURE.label}, value by value</h2>
<table>
<thead><tr><th scope="col">${parameter}</th>${MODES.map(
    (mode) => html`<th scope="col" class="${mode}">${MODE_PHRASES[mode]}</th>`,
  )}<th scope="col" class="words">sync, compared with without</th></tr></thead>
<tbody>
${points.map(
  (point) =>
    html`<tr><th scope="row">${words(point.value)}</th>${MODES.map(
      (mode) => html`<td>${cell(point, mode)}</td>`,
    )}<td class="words">${less(point)}</td></tr>
`,
)}</tbody>
</table>
</section>
`;
}

const REASONS = Object.fromEntries(
  DECLINED_REASONS.map((reason) => [reason, SAMPLE_COLUMNS.find(({ name }) => name === `declined_${reason}`)?.label]),
) as Record<DeclinedReason, string>;

function releases(runs: readonly StoredRun[]): Html {
  const known = runs.filter((run) => run.summary?.declined);
  if (known.length === 0) return nothing;
  return html`<section><h2>What became of the releases</h2>
<table>
<thead><tr><th scope="col"></th>${heads(known)}</tr></thead>
<tbody>
<tr><th scope="row">PTE tables reclaimed</th>${known.map((run) => html`<td>${formatCount(run.summary?.reclaimed_pte_tables)}</td>`)}</tr>
${DECLINED_REASONS.map(
  (reason) =>
    html`<tr><th scope="row">${REASONS[reason]}</th>${known.map((run) => html`<td>${formatCount(run.summary?.declined?.[reason])}</td>`)}</tr>
`,
)}</tbody>
</table>
</section>
`;
}

function parameters(experiment: StoredExperiment): Html {
  return html`<section><h2>Parameters</h2>
<table>
<tbody>
<tr><th scope="row">Workload</th><td>${experiment.workload}</td><td class="words"></td></tr>
${paramWords(experiment).map(
  ({ name, value, label, description }) =>
    html`<tr><th scope="row">${name}</th><td>${value}</td><td class="words">${[label, description].filter(Boolean).join(". ")}</td></tr>
`,
)}<tr><th scope="row">seed</th><td>${experiment.seed}</td><td class="words">Everything random comes from it.</td></tr>
<tr><th scope="row">levels</th><td>${experiment.levels}</td><td class="words">Levels of page tables.</td></tr>
</tbody>
</table>
</section>
`;
}

function runTable(runs: readonly StoredRun[]): Html {
  return html`<section><h2>Runs</h2>
<table>
<thead><tr><th scope="col">run</th><th scope="col">what</th><th scope="col">status</th><th scope="col">samples</th><th scope="col">started</th><th scope="col" class="words">machine</th></tr></thead>
<tbody>
${runs.map(
  (run) =>
    html`<tr><td>${run.id}</td><td class="${run.mode}">${run.label ? `${run.label}: ` : ""}${MODE_PHRASES[run.mode]}, ${SOURCE_WORDS[run.source]}</td><td>${run.status}${run.reason ? `: ${run.reason}` : ""}</td><td>${formatCount(run.sampleCount)}</td><td>${run.startedAt === null ? "" : moment(run.startedAt)}</td><td class="words">${run.facts.platform} ${run.facts.kernelRelease}, ${run.facts.cpu} × ${run.facts.cpus}</td></tr>
`,
)}</tbody>
</table>
</section>
`;
}

/** "2026-11-23 03:52 UTC". */
function moment(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
