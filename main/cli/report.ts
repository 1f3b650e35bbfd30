/** An experiment as `run` and `show` print it: as JSON, or as a table of both modes side by side. */

import { formatChange, formatCount, formatDuration, formatKb } from "../../engine/experiment/format.ts";
import { DECLINED_REASONS, type DeclinedReason } from "../../engine/experiment/types.ts";
import { verdictOn } from "../../engine/experiment/verdict.ts";
import type { Experiment, Run } from "../contract.ts";
import { table } from "./print.ts";
import { verdictText } from "./verdict.ts";

/** The document of `--json`. */
export function reportJson(experiment: Experiment) {
  const { id, workload, params, seed } = experiment;
  const verdict = verdictOn(experiment);
  return {
    experiment: { id, workload, params, seed },
    ...(verdict === null ? {} : { verdict }),
    runs: experiment.runs.map((run) => ({
      id: run.id,
      source: run.source,
      mode: run.mode,
      kernel_profile: run.kernelProfile?.name ?? null,
      status: run.status,
      ...(run.reason === null ? {} : { reason: run.reason }),
      ...run.summary,
    })),
  };
}

const DECLINED: Readonly<Record<DeclinedReason, string>> = {
  below_pmd: "range does not cover the table",
  split_vma: "two mappings share the table",
  entry_kept: "an entry was kept",
  refilled: "refilled before the recheck",
  advice: "advice that never reclaims",
};

function heading(run: Run): string {
  const what = run.mode === "sync" ? "sync reclaim" : "without";
  return run.source === "kernel" ? `${what}, measured` : what;
}

type Cell = (summary: NonNullable<Run["summary"]>) => string;

const optional = (value: number | null, show: (value: number) => string) => (value === null ? "" : show(value));

const ROWS: readonly (readonly [string, Cell])[] = [
  ["VmPTE at the end", (s) => formatKb(s.final.vmpte_kb)],
  ["VmPTE at its peak", (s) => formatKb(s.peak.vmpte_kb)],
  ["PTE tables at the end", (s) => optional(s.final.pte_tables, formatCount)],
  ["of these empty", (s) => optional(s.final.empty_pte_tables, formatCount)],
  ["PTE tables reclaimed", (s) => optional(s.reclaimed_pte_tables, formatCount)],
  ["of these by the slow path", (s) => optional(s.slow_path, formatCount)],
  ["RSS at its peak", (s) => formatKb(s.peak.rss_kb)],
  ["VIRT at the end", (s) => formatKb(s.final.virt_kb)],
  ["operations", (s) => formatCount(s.operations)],
  ["time taken", (s) => formatDuration(s.wall_ms)],
];

/** One sentence for what came out, where both modes were run to their end; else null. */
function sentence(runs: readonly Run[]): string | null {
  const [source] = runs;
  if (source === undefined) return null;
  const of = (mode: Run["mode"]) => runs.find((run) => run.source === source.source && run.mode === mode)?.summary;
  const sync = of("sync");
  const none = of("none");
  if (!sync || !none) return null;
  const now = `${formatKb(sync.final.vmpte_kb)} with sync reclaim, ${formatKb(none.final.vmpte_kb)} without`;
  return `Page tables at the end: ${now}: ${formatChange(none.final.vmpte_kb, sync.final.vmpte_kb)}.`;
}

/** Runs that failed, by why: for `warn`, where stdout has figures only. */
export function failures(runs: readonly Run[]): string[] {
  const failed = Map.groupBy(
    runs.filter(({ status }) => status === "failed" || status === "interrupted"),
    ({ status, reason }) => `${status}${reason === null ? "" : `: ${reason}`}`,
  );
  return [...failed].map(([why, { length }]) => `${length === 1 ? "1 run" : `${length} runs`} ${why}`);
}

/** What became of runs that did not end as they should, a line each. */
function unwell(runs: readonly Run[]): string[] {
  return runs
    .filter((run) => run.status !== "done")
    .map((run) => `${heading(run)}: ${run.status}${run.reason === null ? "" : `: ${run.reason}`}`);
}

/** The before/after table, and what became of runs that did not end as they should. */
export function reportText(experiment: Experiment): string {
  const { runs } = experiment;
  const rows = ROWS.map(([label, cell]) => [
    label,
    ...runs.map((run) => (run.summary === null ? "" : cell(run.summary))),
  ]);
  const declined = DECLINED_REASONS.map((reason) => [
    `declined: ${DECLINED[reason]}`,
    ...runs.map((run) => optional(run.summary?.declined?.[reason] ?? null, formatCount)),
  ]).filter(([, ...cells]) => cells.some((cell) => cell !== "" && cell !== "0"));
  const shown = [["", ...runs.map(heading)], ...rows.filter(([, ...cells]) => cells.some(Boolean)), ...declined];
  const right = new Set(runs.map((_, i) => i + 1));
  const bad = unwell(runs);
  const verdict = verdictOn(experiment);
  return [
    `${experiment.title} (experiment ${experiment.id}, seed ${experiment.seed})`,
    "",
    table(shown, right),
    ...(bad.length > 0 ? ["", ...bad] : []),
    ...[sentence(runs)].filter((line) => line !== null).flatMap((line) => ["", line]),
    ...(verdict === null ? [] : ["", verdictText(verdict)]),
  ].join("\n");
}
