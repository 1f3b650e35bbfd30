/** The questions that an atlas answers without being asked in SQL. */
import { isPolicyId } from "../../engine/experiment/policies.ts";
import { policyWord } from "../../engine/experiment/words.ts";
import { TABLE_KB } from "../../engine/live/look.ts";
import type { Answer, Atlas, Cell } from "./database.ts";

export interface Question {
  readonly id: string;
  readonly title: string;
  /** Which table it is about: left out where that is empty. */
  readonly about: "results" | "inspections";
  readonly sql: string;
}

const quote = (text: string) => text.replaceAll("'", "''");

/**
 * Each task beside the one that differs from it in the policy, and what is set of that, alone: the baseline; where that was run with
 * several settings of its own, the first of them.
 */
const PAIRED = (baseline: string) => `WITH done AS (SELECT * FROM results WHERE status = 'done'),
paired AS (
  SELECT task.*, base.average_vmpte_kb AS base_average_kb, base.end_vmpte_kb AS base_end_kb, base.peak_vmpte_kb AS base_peak_kb,
    CASE WHEN base.average_vmpte_kb > 0 THEN 100 * (base.average_vmpte_kb - task.average_vmpte_kb) / base.average_vmpte_kb ELSE 0 END AS saved_percent,
    base.average_vmpte_kb - task.average_vmpte_kb AS saved_kb
  FROM done AS task JOIN done AS base
    ON base.policy = '${quote(baseline)}' AND base.knobs = (SELECT min(knobs) FROM done WHERE policy = '${quote(baseline)}') AND base.workload = task.workload AND base.params = task.params
    AND base.profile = task.profile AND base.seed = task.seed AND base.trace_sha256 IS NOT DISTINCT FROM task.trace_sha256
  WHERE task.policy <> base.policy)
`;

/** `baseline`: the policy that the others are compared with. */
function questions(baseline: string): readonly Question[] {
  return [
    {
      id: "policies",
      title: `What each policy saves of the average VmPTE against ${isPolicyId(baseline) ? policyWord(baseline) : baseline}, and what it costs`,
      about: "results",
      sql: `${PAIRED(baseline)}SELECT policy, knobs, count(*) AS tasks, count(*) FILTER (saved_percent >= 10) AS saves_a_tenth,
  round(100 * sum(saved_kb) / nullif(sum(base_average_kb), 0), 1) AS saved_percent, round(median(saved_percent), 1) AS median_percent,
  round(min(saved_percent), 1) AS least_percent, round(max(saved_percent), 1) AS most_percent,
  round(sum(cost_caller_ns) / 1e6, 1) AS caller_ms, round(sum(cost_background_ns) / 1e6, 1) AS background_ms,
  round(max(cost_longest_call_ns) / 1e3, 1) AS longest_call_us
FROM paired GROUP BY policy, knobs ORDER BY saved_percent DESC NULLS LAST, policy, knobs`,
    },
    {
      id: "workloads",
      title: "Which workloads each policy helps: percent of the average VmPTE saved",
      about: "results",
      sql: `${PAIRED(baseline)}SELECT workload, policy, knobs, count(*) AS tasks, round(avg(base_average_kb)) AS baseline_kb,
  round(avg(average_vmpte_kb)) AS average_kb, round(100 * sum(saved_kb) / nullif(sum(base_average_kb), 0), 1) AS saved_percent
FROM paired GROUP BY workload, policy, knobs ORDER BY workload, saved_percent DESC NULLS LAST, policy, knobs`,
    },
    {
      id: "outliers",
      title: "Outliers: tasks whose saving is far from the median of their policy",
      about: "results",
      sql: `${PAIRED(baseline)}, middle AS (SELECT policy, median(saved_percent) AS median FROM paired GROUP BY policy),
spread AS (SELECT policy, median(abs(saved_percent - median)) AS mad FROM paired JOIN middle USING (policy) GROUP BY policy)
SELECT workload, params, policy, knobs, seed, round(saved_percent, 1) AS saved_percent, round(median, 1) AS median_percent, digest
FROM paired JOIN middle USING (policy) JOIN spread USING (policy)
WHERE abs(saved_percent - median) > greatest(3 * 1.4826 * mad, 5)
ORDER BY abs(saved_percent - median) DESC, digest LIMIT 20`,
    },
    {
      id: "failures",
      title: "Failures, by reason",
      about: "results",
      sql: "SELECT reason, count(*) AS tasks, min(workload) AS such_as FROM results WHERE status = 'failed' GROUP BY reason ORDER BY tasks DESC, reason LIMIT 20",
    },
    {
      id: "programs",
      title: "What may be got back, by program (estimate of empty tables)",
      about: "inspections",
      sql: `SELECT name, count(*) AS processes, count(DISTINCT host) AS hosts, sum(vmpte_kb) AS vmpte_kb, sum(recoverable_kb) AS recoverable_kb,
  sum(${TABLE_KB} * empty_min) AS proven_kb, mode(cause) AS main_cause FROM inspections GROUP BY name ORDER BY recoverable_kb DESC NULLS LAST, vmpte_kb DESC, name LIMIT 30`,
    },
    {
      id: "allocators",
      title: "What may be got back, by the allocators of the process",
      about: "inspections",
      sql: `SELECT CASE WHEN allocators = '' THEN '(none seen)' ELSE allocators END AS allocators, count(*) AS processes, count(DISTINCT host) AS hosts,
  sum(vmpte_kb) AS vmpte_kb, sum(recoverable_kb) AS recoverable_kb FROM inspections WHERE allocators IS NOT NULL
GROUP BY allocators ORDER BY recoverable_kb DESC NULLS LAST, vmpte_kb DESC, allocators LIMIT 30`,
    },
    {
      id: "kernels",
      title: "What may be got back, by kernel",
      about: "inspections",
      sql: "SELECT kernel, count(DISTINCT host) AS hosts, sum(vmpte_kb) AS vmpte_kb, sum(recoverable_kb) AS recoverable_kb FROM inspections GROUP BY kernel ORDER BY recoverable_kb DESC NULLS LAST, kernel",
    },
    {
      id: "hosts",
      title: "What may be got back, by host",
      about: "inspections",
      sql: "SELECT host, count(*) AS processes, sum(vmpte_kb) AS vmpte_kb, sum(recoverable_kb) AS recoverable_kb FROM inspections GROUP BY host ORDER BY recoverable_kb DESC NULLS LAST, vmpte_kb DESC, host LIMIT 30",
    },
  ];
}

/** What is shown of every task: its row, and what it saves of the baseline's average VmPTE. */
function everyTask(baseline: string): string {
  return `${PAIRED(baseline)}SELECT results.digest, results.workload, results.params, results.policy, results.knobs, results.profile, results.seed,
  results.status, results.reason, results.operations, results.peak_vmpte_kb, results.average_vmpte_kb, results.end_vmpte_kb,
  CASE WHEN results.policy = '${quote(baseline)}' AND results.status = 'done' THEN 0 ELSE paired.saved_percent END AS saved_percent,
  results.cost_caller_ns + results.cost_background_ns AS cost_ns, results.engine_version
FROM results LEFT JOIN paired USING (digest)
ORDER BY results.workload, results.params, results.profile, results.seed, results.policy`;
}

/** The first `most` tasks as objects of the columns above, and how many there are. Errors: BadInputError for results that lack columns. */
export async function tasksBeside(
  atlas: Atlas,
  baseline: string,
  most: number,
): Promise<{ readonly rows: readonly Record<string, Cell>[]; readonly total: number }> {
  if (atlas.found.results === 0) return { rows: [], total: 0 };
  const { columns, rows } = await atlas.ask(`${everyTask(baseline)} LIMIT ${most}`);
  const count = await atlas.ask("SELECT count(*) FROM results");
  return {
    rows: rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]]))),
    total: Number(count.rows[0]?.[0] ?? 0),
  };
}

export interface Answered {
  readonly question: Question;
  readonly answer: Answer;
}

/** Every question that there is something about. Errors: BadInputError for results that lack columns. */
export async function answerAll(atlas: Atlas, baseline: string): Promise<Answered[]> {
  const answered: Answered[] = [];
  for (const question of questions(baseline)) {
    if (atlas.found[question.about] === 0) continue;
    answered.push({ question, answer: await atlas.ask(question.sql) });
  }
  return answered;
}
