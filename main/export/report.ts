/** A self-contained HTML report: charts, numbers, parameters, how to make it again. No script, no network; prints well. */

import { costChart, costPoints } from "../../chart/cost-chart.ts";
import { PALETTES, type Palette } from "../../chart/palette.ts";
import { policyColor } from "../../chart/policy-style.ts";
import { SWEEP_FIGURE } from "../../chart/sweep-chart.ts";
import { figureAt, savedAt, sweepBaseline, sweepPolicies } from "../../chart/sweep-points.ts";
import { type ChartView, defaultAxis } from "../../chart/view.ts";
import type { StoredExperiment, StoredRun } from "../../db/records.ts";
import { type ComparedRun, compareSources, type FigureCell, inRunOrder } from "../../engine/experiment/compare-runs.ts";
import { type Figure, METRICS } from "../../engine/experiment/figures.ts";
import {
  formatCount,
  formatDifference,
  formatExact,
  formatPercent,
  formatValue,
} from "../../engine/experiment/format.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";
import { savingWords } from "../../engine/experiment/sentence.ts";
import { DECLINED_REASONS } from "../../engine/experiment/types.ts";
import { DECLINED_WORDS, LABELS, policyWord, runWord } from "../../engine/experiment/words.ts";
import { gainWords } from "../../engine/live/remedies.ts";
import { CAUSE_LABELS, CAUSES } from "../../engine/live/split.ts";
import { observationOf } from "../host/shapes.ts";
import type { ReadSamples } from "./csv.ts";
import { commandFor, moment, paramWords, resultParts, resultWords, type Sweep, sweepOf } from "./describe.ts";
import { type ChartLook, type ChartRuns, chartRuns, experimentChart, shownWords } from "./experiment-chart.ts";
import { pictureFont } from "./fonts.ts";
import { chartSvg, escapeXml, type LineChart, type PictureSize } from "./picture.ts";
import { reportStyle } from "./report-style.ts";

const CHART_SIZE: PictureSize = { width: 1040, height: 440 };
const COST_SIZE: PictureSize = { width: 1040, height: 300 };
/** The numbers of two policies say what a chart of two points would. */
const POLICIES_USUAL = 2;

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
  const runs = inRunOrder(experiment.runs);
  yield html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${experiment.title} · Reclaim Lab</title>
<style>${{ html: reportStyle(PALETTES[look.theme]) + policyRules(PALETTES[look.theme], runs) }}</style>
</head>
<body>
<header>
<p class="kind">Reclaim Lab · experiment ${experiment.id} · ${moment(experiment.createdAt)}</p>
<h1>${experiment.title}</h1>
<p class="result">${resultParts(experiment, { baseline: look.view.baseline }).map((part) => html`<span class="${part.kind === "policy" ? policyClass(part.policy) : part.kind}">${part.text}</span>`)}</p>
${experiment.tags.length > 0 ? html`<p class="tags">${experiment.tags.join(" · ")}</p>` : nothing}
${experiment.notes.trim() === "" ? nothing : html`<p class="notes">${experiment.notes}</p>`}
</header>
<main>
`.html;
  yield* charts(experiment, samplesOf, look);
  yield observation(experiment).html;
  const sweep = sweepOf(experiment);
  if (sweep) yield sweepTable(sweep, look.view.baseline).html;
  else {
    yield costs(experiment, look);
    yield numbers(runs, look.view.baseline).html;
    yield releases(runs).html;
  }
  yield parameters(experiment).html;
  yield runTable(runs).html;
  yield html`<section><h2>Make it again</h2>
<pre>${commandFor(experiment)}</pre>
<p>${experiment.workloadKind === "live" ? "The process has changed since: this looks again at processes with its name." : "The model is deterministic: the same workload, policy and seed give the same samples on every machine. Measured runs depend on the kernel they ran on."}</p>
</section>
</main>
<footer>Experiment ${experiment.uid}${runs[0] ? html` · engine ${runs[0].facts.engineVersion}` : nothing}</footer>
</body>
</html>
`.html;
}

/** The chart as it is looked at, where that is not all of VmPTE; then all of it, linear and logarithmic. */
function* charts(experiment: StoredExperiment, samplesOf: ReadSamples, look: ChartLook): Generator<string> {
  const { metric, axis, range, runs, figure, baseline } = look.view;
  const usual = defaultAxis(experiment);
  const all: ChartView = { baseline, axis: usual };
  const scales = ["linear", "log"] as const;
  const whole = chartRuns(experiment, samplesOf, all);
  if (!sweepOf(experiment) && !whole.series.some((item) => item.samples.count > 0)) {
    yield html`<p>No samples were stored.</p>\n`.html;
    return;
  }
  const isPart =
    [metric ?? METRICS[0].id, axis ?? usual, figure ?? SWEEP_FIGURE.id, range, runs].join() !==
    [METRICS[0].id, usual, SWEEP_FIGURE.id, undefined, undefined].join();
  if (isPart) yield figureOf(experiment, chartRuns(experiment, samplesOf, look.view), look, "view");
  for (const scale of scales) yield figureOf(experiment, whole, { ...look, scale, view: all }, scale);
}

/** Of several policies what each saves against what it costs, as the window shows it. */
function costs(experiment: StoredExperiment, look: ChartLook): string {
  const points = costPoints(experiment.runs, look.view.baseline);
  if (points.length <= POLICIES_USUAL) return "";
  const palette = PALETTES[look.theme];
  const title = "Savings against cost";
  return drawnFigure(
    costChart(points, palette, pictureFont()),
    palette,
    { title, description: title },
    COST_SIZE,
    "cost-",
  );
}

function drawnFigure(
  config: LineChart,
  palette: Palette,
  words: { readonly title: string; readonly description: string },
  size: PictureSize,
  prefix: string,
): string {
  const svg = chartSvg(config, palette.surface, words, size, prefix);
  return html`<figure>${{ html: svg.replace(/^<\?xml[^>]*>\s*/, "") }}<figcaption>${words.title}</figcaption></figure>\n`
    .html;
}

function figureOf(experiment: StoredExperiment, drawn: ChartRuns, look: ChartLook, id: string): string {
  const title = `${shownWords(experiment, drawn, look.view)}, ${look.scale === "log" ? "logarithmic" : "linear"}`;
  const words = { title, description: resultWords(experiment, look.view) };
  const config = experimentChart(experiment, drawn, look, false);
  return drawnFigure(config, PALETTES[look.theme], words, CHART_SIZE, `${id}-`);
}

const policyClass = (id: PolicyId): string => `policy policy-${id}`;

/** A rule a policy that the report names. */
function policyRules({ theme }: Palette, runs: readonly StoredRun[]): string {
  return [...new Set(runs.map((run) => run.mode))]
    .map((mode) => `.policy-${mode} { color: ${policyColor(mode, theme)}; }`)
    .join("\n");
}

function head(run: StoredRun, told: boolean): Html {
  const words = `${run.label ? `${run.label}: ` : ""}${runWord(run, told)}`;
  return html`<th scope="col" class="${policyClass(run.mode)}">${words}</th>`;
}

const areMixed = (runs: readonly StoredRun[]): boolean => new Set(runs.map((run) => run.source)).size > 1;

/** "100 MiB less (99.8 %), better". */
function differenceWords({ unit }: Figure, { difference, share, direction }: FigureCell): string {
  if (difference === null) return "";
  if (difference === 0) return "no difference";
  const amount = formatDifference(Math.abs(difference), unit).slice(1);
  const part = share === null ? "" : ` (${formatPercent(Math.abs(share))})`;
  const judged = direction === "better" || direction === "worse" ? `, ${direction}` : "";
  return `${amount} ${difference < 0 ? "less" : "more"}${part}${judged}`;
}

function figureCell(figure: Figure, cell: FigureCell): Html {
  const words = differenceWords(figure, cell);
  return html`<td title="${formatExact(cell.value, figure.unit)}">${formatValue(cell.value, figure.unit)}${
    words === "" ? nothing : html` <span class="difference ${cell.direction ?? ""}">${words}</span>`
  }</td>`;
}

/** A column a run, each against the baseline's run of its source. */
function numbers(runs: readonly StoredRun[], baseline: PolicyId | undefined): Html {
  const known = runs.filter((run) => run.summary);
  if (known.length === 0) return nothing;
  const { runs: compared, rows } = compareSources(known, baseline);
  const against = (each: ComparedRun<StoredRun>) =>
    known.length < 2 ? "" : each.isBaseline ? "baseline" : each.saving ? savingWords(each.saving.share) : "";
  return html`<section><h2>Numbers</h2>
<table>
<thead><tr><th scope="col"></th>${compared.map(({ run }) => head(run, areMixed(known)))}</tr></thead>
<tbody>
<tr><th scope="row">Page tables</th>${compared.map((each) => html`<td>${against(each)}</td>`)}</tr>
${rows.map(
  ({
    figure,
    cells,
  }) => html`<tr><th scope="row">${figure.label}</th>${cells.map((cell) => figureCell(figure, cell))}</tr>
`,
)}</tbody>
</table>
</section>
`;
}

function sweepTable({ parameter, points, words }: Sweep, chosen: PolicyId | undefined): Html {
  const { unit, label } = SWEEP_FIGURE;
  const policies = sweepPolicies(points);
  const baseline = sweepBaseline(points, chosen);
  return html`<section><h2>${label}, value by value</h2>
<table>
<thead><tr><th scope="col">${parameter}</th>${policies.map(
    (mode) => html`<th scope="col" class="${policyClass(mode)}">${policyWord(mode)}</th>`,
  )}</tr></thead>
<tbody>
${points.map((point) => {
  const saved = savedAt(point, SWEEP_FIGURE, baseline);
  return html`<tr><th scope="row">${words(point.value)}</th>${policies.map((mode) => {
    const value = figureAt(point, mode, SWEEP_FIGURE);
    const share = saved.get(mode);
    return html`<td title="${formatExact(value, unit)}">${formatValue(value, unit)}${
      share === undefined ? nothing : html` <span class="difference">${savingWords(share)}</span>`
    }</td>`;
  })}</tr>
`;
})}</tbody>
</table>
</section>
`;
}

/** What was seen of a running process that was kept. */
function observation(experiment: StoredExperiment): Html {
  const seen = observationOf(experiment).observation;
  if (seen === undefined) return nothing;
  const helps = (seen.verdict.remedies ?? []).filter(({ kb }) => kb !== 0);
  return html`<section><h2>What its page tables hold</h2>
${seen.verdict.sentences.map(
  (sentence) => html`<p>${sentence}</p>
`,
)}<table>
<tbody>
${CAUSES.map(
  (cause) => html`<tr><th scope="row">${CAUSE_LABELS[cause]}</th><td>${formatValue(seen.split[cause], "kb")}</td></tr>
`,
)}</tbody>
</table>
${
  helps.length === 0
    ? nothing
    : html`<h3>What would change it</h3>
<ul>
${helps.map(
  (remedy) => html`<li>${remedy.what}: ${gainWords(remedy)}. ${remedy.note} ${remedy.source ?? ""}</li>
`,
)}</ul>
`
}</section>
`;
}

function releases(runs: readonly StoredRun[]): Html {
  const known = runs.filter((run) => run.summary?.declined);
  if (known.length === 0) return nothing;
  return html`<section><h2>${LABELS.releases}</h2>
<table>
<thead><tr><th scope="col"></th>${known.map((run) => head(run, areMixed(known)))}</tr></thead>
<tbody>
<tr><th scope="row">PTE tables reclaimed</th>${known.map((run) => html`<td>${formatCount(run.summary?.reclaimed_pte_tables)}</td>`)}</tr>
${DECLINED_REASONS.map(
  (reason) =>
    html`<tr><th scope="row">Declined: ${DECLINED_WORDS[reason].label}</th>${known.map((run) => html`<td>${formatCount(run.summary?.declined?.[reason])}</td>`)}</tr>
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
    html`<tr><td>${run.id}</td><td class="${policyClass(run.mode)}">${run.label ? `${run.label}: ` : ""}${runWord(run, true)}</td><td>${run.status}${run.reason ? `: ${run.reason}` : ""}</td><td>${formatCount(run.sampleCount)}</td><td>${run.startedAt === null ? "" : moment(run.startedAt)}</td><td class="words">${run.facts.platform} ${run.facts.kernelRelease}, ${run.facts.cpu} × ${run.facts.cpus}</td></tr>
`,
)}</tbody>
</table>
</section>
`;
}
