/** Experiments side by side: each run against the same mode's run of the baseline, and the parameters that differ. */
import { BadInputError } from "../../engine/error.ts";
import type { Experiment, Run } from "../contract.ts";
import { change, count, kb, print, printJson, table } from "./print.ts";
import { type DbOption, type Session, withLab } from "./session.ts";

interface Measure {
  readonly name: string;
  readonly label: string;
  readonly show: (value: number) => string;
  readonly of: (summary: NonNullable<Run["summary"]>) => number | null;
}

const MEASURES: readonly Measure[] = [
  { name: "final_vmpte_kb", label: "VmPTE at the end", show: kb, of: (s) => s.final.vmpte_kb },
  { name: "peak_vmpte_kb", label: "VmPTE at its peak", show: kb, of: (s) => s.peak.vmpte_kb },
  { name: "peak_rss_kb", label: "RSS at its peak", show: kb, of: (s) => s.peak.rss_kb },
  { name: "final_pte_tables", label: "PTE tables at the end", show: count, of: (s) => s.final.pte_tables },
  { name: "reclaimed_pte_tables", label: "PTE tables reclaimed", show: count, of: (s) => s.reclaimed_pte_tables },
  { name: "operations", label: "operations", show: count, of: (s) => s.operations },
];

function runLabel(run: Run): string {
  return `${run.source} ${run.mode}`;
}

function findRun(experiment: Experiment | undefined, like: Run): Run | undefined {
  return experiment?.runs.find((run) => run.mode === like.mode && run.source === like.source);
}

/** Parameters (and seed) that are not the same in all. */
function differing(experiments: readonly Experiment[]): { name: string; values: string[] }[] {
  const names = new Set(experiments.flatMap(({ params }) => Object.keys(params)));
  const rows = [...names].map((name) => ({
    name,
    values: experiments.map(({ params }) => String(params[name] ?? "")),
  }));
  const more = [
    { name: "workload", values: experiments.map(({ workload }) => workload) },
    { name: "seed", values: experiments.map(({ seed }) => String(seed)) },
  ];
  return [...more, ...rows].filter(({ values }) => new Set(values).size > 1);
}

async function load(session: Session, ids: readonly number[]): Promise<Experiment[]> {
  const experiments: Experiment[] = [];
  for (const id of ids) experiments.push(await session.ask("experiment.get", { id }));
  return experiments;
}

export async function compare(ids: readonly number[], options: DbOption & { readonly json?: boolean }): Promise<void> {
  if (new Set(ids).size < 2 || ids.length > 8)
    throw new BadInputError("It takes 2 to 8 different experiments to compare", { todo: "`list` shows their ids" });
  await withLab(options, async (session) => {
    const experiments = await load(session, ids);
    const [baseline] = experiments;
    const runs = experiments[0]?.runs ?? [];
    const sections = runs.map((like) => ({
      run: runLabel(like),
      rows: MEASURES.map((measure) => {
        const values = experiments.map((experiment) => {
          const summary = findRun(experiment, like)?.summary;
          return summary ? measure.of(summary) : null;
        });
        return { measure, values };
      }),
    }));
    if (options.json) {
      return printJson({
        baseline: baseline?.id,
        experiments: experiments.map(({ id, title, params, seed }) => ({ id, title, params, seed })),
        differing: differing(experiments),
        runs: sections.map(({ run, rows }) => ({
          run,
          measures: rows.map(({ measure, values }) => ({ name: measure.name, values })),
        })),
      });
    }
    for (const experiment of experiments) print(`${experiment.id}: ${experiment.title}`);
    const rows: string[][] = [["", ...experiments.map(({ id }) => `#${id}`)]];
    for (const { name, values } of differing(experiments)) rows.push([name, ...values]);
    for (const { run, rows: measured } of sections) {
      rows.push([""], [run]);
      for (const { measure, values } of measured) {
        const [base = null] = values;
        if (values.every((value) => value === null)) continue;
        const cells = values.map((value, i) => {
          if (value === null) return "";
          const beside = i === 0 || base === null ? "" : ` (${change(base, value)})`;
          return `${measure.show(value)}${beside}`;
        });
        rows.push([`  ${measure.label}`, ...cells]);
      }
    }
    print(`\n${table(rows, new Set(experiments.map((_, i) => i + 1)))}`);
  });
}
