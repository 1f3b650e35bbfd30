import { AXIS_COLUMN } from "../../chart/axis.ts";
import { SWEEP_FIGURE } from "../../chart/sweep-chart.ts";
import { type ChartView, hasClock } from "../../chart/view.ts";
import { metricById } from "../../engine/experiment/figures.ts";
import { SAMPLE_COLUMNS, type SampleColumn } from "../../engine/experiment/types.ts";
import type { Description, EventPayload, Experiment, LabError, Run, SampleBlock } from "../../main/contract.ts";
import { pointOf } from "../lib/point.ts";
import type { Range } from "../lib/range.ts";
import { axisFor } from "./chart-axis.ts";
import type { Described } from "./describing.svelte.ts";
import { asLabError, call } from "./lab.ts";
import { chosenBaseline } from "./policies.ts";
import { Series } from "./series.ts";
import { settings } from "./settings.svelte.ts";

const ALL_COLUMNS: readonly SampleColumn[] = SAMPLE_COLUMNS.map((column) => column.name);
const BASE_COLUMNS: readonly SampleColumn[] = [
  "operations",
  "time_ns",
  "vmpte_kb",
  "rss_kb",
  "tables_freed",
  "tables_rcu_pending",
  "reclaimed_fast",
  "reclaimed_slow",
];
/** More samples than this are thinned by the host: no screen shows them, and peaks stay. */
const MAX_POINTS = 200_000;
/** Of longer runs what is drawn comes first, and the rest when it is: a column of a million samples is 8 MB. */
const LONG_RUN = 20_000;

const isLive = (run: Run): boolean => run.status === "running" || run.status === "queued";

/** The experiment that is open, with the samples of its runs as they arrive or as they were stored. */
export class OpenExperiment {
  experiment = $state.raw<Experiment | undefined>(undefined);
  error = $state.raw<LabError | undefined>(undefined);
  /** Grows with every batch of samples; what draws them reads it. */
  version = $state(0);
  /** The part of the axis that is seen; undefined: all of it. */
  range = $state.raw<Range | undefined>(undefined);
  /** Of a sweep: the figure that is drawn. */
  figure = $state(SWEEP_FIGURE.id);

  /** By run id. Not reactive: `version` says when to look again. */
  readonly series = new Map<number, Series>();
  #columns = new Set<SampleColumn>(BASE_COLUMNS);
  /** Runs whose end was told while the experiment was still being asked for. */
  readonly #endedEarly = new Map<number, Run>();
  #fetching = new Set<number>();

  readonly id: number;

  /** Of a sweep: the point that is looked at; undefined: all there is. */
  readonly label: string | undefined;

  /** `started`: what is known of it, where it has just been started; its samples are taken from there on. */
  constructor(id: number, label?: string, started?: Experiment) {
    this.id = id;
    this.label = label;
    if (!started || started.sweep) return;
    this.#title = started.title;
    this.#show(started);
  }

  /** Of the experiment itself, where a point of it is looked at. */
  #title = "";

  /** What people say of the experiment, all of it where a point is looked at. */
  get described(): Described | undefined {
    const { experiment } = this;
    return experiment && { id: this.id, title: this.#title, tags: experiment.tags, notes: experiment.notes };
  }

  /** What its chart shows; `all`: of the same metric and axis, all of it. */
  view(all = false): ChartView {
    const { metric } = settings.remembered;
    const axis = axisFor(this.experiment !== undefined && hasClock(this.experiment));
    const baseline = chosenBaseline();
    if (this.experiment?.sweep) return { figure: this.figure, baseline };
    const runs = this.label === undefined ? undefined : this.experiment?.runs.map((run) => run.id);
    return { metric: metricById(metric)?.id, axis, baseline, runs, ...(all ? {} : { range: this.range }) };
  }

  /** A run's last sample: all columns, for the numbers beside the chart. */
  readonly #lastRows = new Map<number, SampleBlock>();

  /** The last value of a column, of those that are known so far; null where it is not known. Read with `version`. */
  last(runId: number, column: SampleColumn): number | null {
    const values = this.#lastRows.get(runId)?.columns[column];
    return values?.at(-1) ?? null;
  }

  /** The largest value of a column so far; null if there is none. Read with `version`. */
  peak(runId: number, column: SampleColumn): number | null {
    const values = this.series.get(runId)?.column(column);
    return values && values.length > 0 ? values.reduce((a, b) => Math.max(a, b)) : null;
  }

  async load(): Promise<void> {
    try {
      const stored = await call("experiment.get", { id: this.id });
      const runs = stored.runs.map((run) => this.#endedEarly.get(run.id) ?? run);
      this.#title = stored.title;
      const experiment = pointOf({ ...stored, runs }, this.label);
      if (experiment.sweep) {
        this.experiment = experiment;
        return;
      }
      this.#show(experiment);
      await Promise.all(experiment.runs.map((run) => this.#fetchAll(run)));
    } catch (thrown) {
      this.error = asLabError(thrown);
    }
  }

  #show(experiment: Experiment): void {
    for (const run of experiment.runs) if (!this.series.has(run.id)) this.series.set(run.id, new Series());
    this.experiment = experiment;
  }

  /** Makes sure that these columns are there, for a switch of the metric. */
  async need(columns: readonly SampleColumn[]): Promise<void> {
    for (const column of columns) this.#columns.add(column);
    const runs = this.experiment?.runs ?? [];
    await Promise.all(
      runs.map(async (run) => {
        const series = this.series.get(run.id);
        const missing = columns.filter((column) => series && series.count > 0 && !series.has(column));
        if (!series || missing.length === 0 || isLive(run)) return;
        const block = await call("run.samples", { runId: run.id, columns: missing, maxPoints: MAX_POINTS });
        series.addColumns(block);
        this.version += 1;
      }),
    ).catch((thrown: unknown) => {
      this.error = asLabError(thrown);
    });
  }

  sampled(event: EventPayload<"run.sampled">): void {
    if (event.experimentId !== this.id) return;
    const series = this.series.get(event.runId);
    if (!series) return;
    this.#begun(event.runId);
    this.#lastRows.set(event.runId, event.samples);
    if (series.append(event.fromSeq, event.samples)) this.version += 1;
    else void this.#fetchRest(event.runId);
  }

  /** Samples come: a run that was told of as queued has its turn. */
  #begun(runId: number): void {
    const { experiment } = this;
    if (experiment?.runs.find((run) => run.id === runId)?.status !== "queued") return;
    const runs = experiment.runs.map((run) => (run.id === runId ? { ...run, status: "running" as const } : run));
    this.experiment = { ...experiment, runs };
  }

  /** Queued runs that never began. */
  dropped({ runIds, endedAt }: Omit<EventPayload<"runs.dropped">, "experimentId">): void {
    if (!this.experiment) return;
    const ids = new Set(runIds);
    this.ended(
      this.experiment.runs.filter(({ id }) => ids.has(id)).map((run) => ({ ...run, status: "cancelled", endedAt })),
    );
  }

  ended(all: readonly Run[]): void {
    const ended = new Map(all.filter((run) => run.experimentId === this.id).map((run) => [run.id, run] as const));
    if (ended.size === 0) return;
    const experiment = this.experiment;
    if (!experiment) {
      for (const run of ended.values()) this.#endedEarly.set(run.id, run);
      return;
    }
    this.experiment = { ...experiment, runs: experiment.runs.map((other) => ended.get(other.id) ?? other) };
    if (experiment.sweep) return;
    for (const run of ended.values())
      if (run.sampleCount > (this.series.get(run.id)?.count ?? 0)) void this.#fetchAll(run);
  }

  /** Title, tags, notes or pin were changed. */
  describe({ title, tags, notes, pinned, archived }: Description): void {
    if (!this.experiment) return;
    this.#title = title;
    const shown = this.label === undefined ? title : `${title}: ${this.label}`;
    this.experiment = { ...this.experiment, title: shown, tags, notes, pinned, archived };
  }

  /** More runs were added to it: a sweep goes on. */
  restarted(): void {
    if (this.experiment?.sweep) void this.load();
  }

  /** Without a clock: a program's marks need all there is. */
  #firstColumns({ sampleCount }: Run): SampleColumn[] {
    const clock = this.experiment !== undefined && hasClock(this.experiment);
    const metric = metricById(settings.remembered.metric);
    if (sampleCount < LONG_RUN || clock || metric === undefined) return [...this.#columns];
    return [...new Set<SampleColumn>(["operations", AXIS_COLUMN[axisFor(clock)], "tables_freed", ...metric.columns])];
  }

  async #fetchAll(run: Run): Promise<void> {
    // They come by themselves, from the first one on.
    if (isLive(run) && (this.series.get(run.id)?.count ?? 0) > 0) return;
    const block = await call(
      "run.samples",
      isLive(run)
        ? { runId: run.id, columns: [...ALL_COLUMNS] }
        : { runId: run.id, columns: this.#firstColumns(run), maxPoints: MAX_POINTS },
    );
    const series = this.series.get(run.id);
    if (!series || block.count < series.count) return;
    series.replace(block);
    this.version += 1;
    if (isLive(run)) this.#lastRows.set(run.id, block);
    else if (run.sampleCount > 0) {
      const last = await call("run.samples", { runId: run.id, fromSeq: run.sampleCount - 1 });
      if (last.count > 0) this.#lastRows.set(run.id, last);
    }
    this.version += 1;
    // What was left out, and what was asked for while these were under way: one after the other, so that the host can answer in between.
    for (const column of [...this.#columns]) await this.need([column]);
  }

  /** Samples were missed between what is here and what came: fetched from there on, once at a time. */
  async #fetchRest(runId: number): Promise<void> {
    if (this.#fetching.has(runId)) return;
    this.#fetching.add(runId);
    try {
      const series = this.series.get(runId);
      if (!series) return;
      const fromSeq = series.count;
      series.append(fromSeq, await call("run.samples", { runId, fromSeq }));
      this.version += 1;
    } catch (thrown) {
      this.error = asLabError(thrown);
    } finally {
      this.#fetching.delete(runId);
    }
  }
}
