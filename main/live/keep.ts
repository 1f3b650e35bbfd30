/** Puts what was seen of a running process into the history: an experiment whose one run is the line of its looks. */

import type { Json, StoredExperiment } from "../../db/records.ts";
import type { Store } from "../../db/store.ts";
import { DEFAULT_BASELINE, SERIES_POLICY } from "../../engine/experiment/policies.ts";
import { oneLine } from "../../engine/experiment/text-limits.ts";
import { type RunSummary, SAMPLE_COLUMNS, SAMPLE_INDEX } from "../../engine/experiment/types.ts";
import type { ProcessDocument, ServiceDocument } from "../../engine/live/document.ts";
import { type Forecast, forecastOf, type Observed } from "../../engine/live/forecast.ts";
import type { MappingTables } from "../../engine/live/mappings.ts";
import { pteTablesOf } from "../../engine/live/split.ts";
import type { CgroupMemory } from "../../engine/live/verdict-input.ts";
import { hostFacts } from "../host/facts.ts";

/** One look of many: what a line is made of. */
export interface LinePoint {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly vmpteKb: number;
  readonly rssKb: number;
  readonly virtKb: number;
  readonly pteTables: number;
  readonly emptyTables: number;
}

export function pointOf(document: Omit<Kept, "mappings">, atMs: number): LinePoint {
  const { vmpte_kb, rss_kb, virt_kb, tables, split } = document;
  return {
    atMs,
    vmpteKb: vmpte_kb,
    rssKb: rss_kb,
    virtKb: virt_kb,
    pteTables: pteTablesOf(vmpte_kb, split),
    emptyTables: tables.empty.estimate,
  };
}

/** Mappings kept of one look: a process may have a million. */
const MAPPINGS_KEPT = 2000;

function rowOf(point: LinePoint, seq: number, startedMs: number): Float64Array {
  const row = new Float64Array(SAMPLE_COLUMNS.length).fill(Number.NaN);
  row[SAMPLE_INDEX.seq] = seq;
  row[SAMPLE_INDEX.operations] = seq;
  row[SAMPLE_INDEX.time_ns] = Math.round((point.atMs - startedMs) * 1e6);
  row[SAMPLE_INDEX.vmpte_kb] = point.vmpteKb;
  row[SAMPLE_INDEX.pte_tables] = point.pteTables;
  row[SAMPLE_INDEX.empty_pte_tables] = point.emptyTables;
  row[SAMPLE_INDEX.rss_kb] = point.rssKb;
  row[SAMPLE_INDEX.virt_kb] = point.virtKb;
  return row;
}

function summaryOf(line: readonly LinePoint[]): RunSummary {
  const last = line[line.length - 1];
  return {
    operations: line.length - 1,
    wall_ms: last.atMs - line[0].atMs,
    final: {
      vmpte_kb: last.vmpteKb,
      pte_tables: last.pteTables,
      pmd_tables: null,
      pud_tables: null,
      empty_pte_tables: last.emptyTables,
      rss_kb: last.rssKb,
      virt_kb: last.virtKb,
    },
    peak: {
      vmpte_kb: line.reduce((most, { vmpteKb }) => Math.max(most, vmpteKb), 0),
      rss_kb: line.reduce((most, { rssKb }) => Math.max(most, rssKb), 0),
    },
    reclaimed_pte_tables: null,
    slow_path: null,
    declined: null,
  };
}

/** A name as a title may have it: one line, not empty. */
const titled = (name: string): string => oneLine(JSON.stringify(name).slice(1, -1)).slice(0, 100).trim() || "process";

/** What is kept: of one process, or the sums of a service's (pid 0). */
export type Kept = Omit<ProcessDocument, "mappings" | "started_ms" | "allocators"> & {
  readonly mappings?: readonly MappingTables[];
  readonly started_ms?: number | null;
  readonly allocators?: ProcessDocument["allocators"];
  readonly processes?: number;
};

/** The sums of a service under its name. */
export function keptService(name: string, { processes, shared, total }: ServiceDocument): Kept {
  return {
    pid: 0,
    name,
    kernel: processes[0]?.kernel ?? "",
    moving: processes.some(({ moving }) => moving),
    took_ms: processes.reduce((sum, { took_ms }) => sum + took_ms, 0),
    virt_kb: processes.reduce((sum, { virt_kb }) => sum + virt_kb, 0),
    shared,
    ...total,
  };
}

function paramsOf({ pid, processes, started_ms }: Kept): Record<string, number | string> {
  if (processes !== undefined) return { processes };
  // To the second: "2026-11-28T23:05:19Z".
  const started = typeof started_ms === "number" ? `${new Date(started_ms).toISOString().slice(0, 19)}Z` : null;
  return started === null ? { pid } : { pid, started };
}

/** `line`: looks of the last minutes, the last one being `document`'s. Gives the experiment as it is stored. */
export function keepObservation(
  store: Store,
  document: Kept,
  line: readonly LinePoint[],
  reclaims: boolean | null,
): StoredExperiment {
  const mappings = [...(document.mappings ?? [])]
    .sort((a, b) => b.in_use + b.empty + b.pinned + b.deposited - (a.in_use + a.empty + a.pinned + a.deposited))
    .slice(0, MAPPINGS_KEPT);
  const observation = { observation: { ...document, mappings } };
  const rows = new Float64Array(line.length * SAMPLE_COLUMNS.length);
  for (const [i, point] of line.entries()) rows.set(rowOf(point, i, line[0].atMs), i * SAMPLE_COLUMNS.length);
  return store.together(() => {
    const { id } = store.createExperiment({
      title: `${titled(document.name)} ${document.processes === undefined ? document.pid : `(${document.processes} processes)`}, as it ran`,
      workload: titled(document.name),
      workloadKind: "live",
      params: paramsOf(document),
      seed: 0,
      levels: 4,
      detail: observation as unknown as Json,
    });
    const run = store.startRun(id, {
      source: "kernel",
      mode: reclaims === true ? SERIES_POLICY : DEFAULT_BASELINE,
      facts: hostFacts(reclaims),
      operationsTotal: line.length - 1,
    });
    store.appendSamples(run.id, rows, summaryOf(line));
    store.finishRun(run.id, { status: "done", summary: summaryOf(line) });
    return store.getExperiment(id);
  });
}

/** Which process: one of the same number and name that began at another time is another. */
interface Identity {
  readonly name: string;
  /** null: a service, all kept sums under its name. */
  readonly pid: number | null;
  readonly startedMs: number | null;
}

/** The boot time that starts are counted from is adjusted with the clock. */
const START_OFF_MS = 2000;

function isKeptOf({ workloadKind, workload, params }: StoredExperiment, { name, pid, startedMs }: Identity): boolean {
  if (workloadKind !== "live" || workload !== titled(name)) return false;
  if (pid === null) return params.processes !== undefined;
  const began = typeof params.started === "string" ? Date.parse(params.started) : Number.NaN;
  return params.pid === pid && (Number.isNaN(began) || Math.abs(began - (startedMs ?? began)) <= START_OFF_MS);
}

/** Every look that was kept of this process, from all observations of it. */
function keptPoints(store: Store, identity: Identity): Observed[] {
  const { rows } = store.list({ search: titled(identity.name), limit: 1000 });
  const points = new Map<number, Observed>();
  for (const row of rows) {
    if (!isKeptOf(row, identity)) continue;
    for (const run of row.runs) {
      if (run.startedAt === null) continue;
      const { columns } = store.samples(run.id, { columns: ["time_ns", "vmpte_kb"] });
      const [times, sizes] = [columns.time_ns ?? [], columns.vmpte_kb ?? []];
      // The run was stored with its last look.
      const startedMs = run.startedAt - (times[times.length - 1] ?? 0) / 1e6;
      for (const [i, ns] of times.entries()) {
        const atMs = Math.round(startedMs + ns / 1e6);
        points.set(Math.round(atMs / 500), { atMs, vmpteKb: sizes[i] });
      }
    }
  }
  return [...points.values()];
}

/** From what was kept of a process, or of a service (pid null); null: nothing was. */
export function forecastFor(store: Store, identity: Identity, cgroup: CgroupMemory | null): Forecast | null {
  const points = keptPoints(store, identity);
  return points.length === 0 ? null : forecastOf(points, cgroup?.roomKb ?? null);
}
