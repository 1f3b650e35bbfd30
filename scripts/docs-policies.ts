/**
 * `npm run docs:policies` writes the table of docs/policies.md anew: the presets and captured programs under every policy, by the
 * engine. `--check` only says whether it is current.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type ComparableRun, compareRuns } from "../engine/experiment/compare-runs.ts";
import { FIGURES } from "../engine/experiment/figures.ts";
import { formatPercent } from "../engine/experiment/format.ts";
import { defaultParams, formatParam } from "../engine/experiment/params.ts";
import { DEFAULT_BASELINE, featuresOf, POLICY_IDS, type PolicyId } from "../engine/experiment/policies.ts";
import { type OperationStream, run } from "../engine/experiment/run.ts";
import type { Params, RunSummary } from "../engine/experiment/types.ts";
import { createKernel, type KernelOptions } from "../engine/mm/kernel.ts";
import { ImportReport, importOperations, survey } from "../engine/workload/import/index.ts";
import { PRESETS } from "../engine/workload/presets/index.ts";
import { traceKernel } from "../engine/workload/trace-kernel.ts";
import { openSource } from "../main/trace/source.ts";

const ROOT = join(import.meta.dirname, "..");
const PAGE = join(ROOT, "docs/policies.md");
const TRACES = join(ROOT, "engine/workload/testdata/traces");
const SEED = 1;
const BEGIN = "<!-- made by `npm run docs:policies` -->";
const END = "<!-- end -->";

/** What is not as it comes: a preset whose own size takes minutes and gigabytes. */
const SMALLER: Readonly<Record<string, Params>> = { server: { virt: 2 ** 40, resident: 2 ** 34 } };
const PROGRAMS = ["jemalloc-sparse", "tcmalloc-churn", "redis-default", "python3"] as const;

interface Subject {
  readonly name: string;
  readonly options: Partial<KernelOptions>;
  readonly stream: () => Promise<OperationStream>;
}

function presetSubjects(): Subject[] {
  return PRESETS.map((preset) => {
    const changed = SMALLER[preset.name] ?? {};
    const params = { ...defaultParams(preset.params), ...changed };
    const said = preset.params
      .filter(({ name }) => name in changed)
      .map((spec) => `, ${spec.name} ${formatParam(spec, params[spec.name])}`);
    return {
      name: `${preset.name}${said.join("")}`,
      options: {},
      stream: async () => ({ kind: "operations", operations: preset.operations(params, SEED) }),
    };
  });
}

async function programSubject(name: string): Promise<Subject> {
  const path = join(TRACES, name, "events.txt.gz");
  const { format, processes } = await survey(await openSource(path), new ImportReport());
  const [busiest] = processes;
  const chosen = { format, pid: busiest.pid, ancestors: busiest.ancestors };
  return {
    name: `${name} (captured)`,
    options: traceKernel(),
    stream: async () => ({
      kind: "batches",
      batches: importOperations(await openSource(path), chosen, new ImportReport()),
    }),
  };
}

async function runUnder(subject: Subject, policy: PolicyId): Promise<RunSummary> {
  const machine = createKernel({ ...subject.options, features: featuresOf(policy), seed: SEED });
  const going = run({ machine, stream: await subject.stream(), operationsTotal: null, now: () => 0 });
  for (;;) {
    const step = await going.next();
    if (step.done) return step.value.summary;
  }
}

type KnownRun = ComparableRun & { readonly id: PolicyId; readonly summary: RunSummary };

const AVERAGE = FIGURES.filter(({ id }) => id === "average_vmpte");
const formatSaved = (share: number): string => `${share < 0 ? "−" : ""}${formatPercent(Math.abs(share))}`;

const NUMBER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const micro = (ns: number): string => NUMBER.format(Math.round(ns / 1000));

async function table(): Promise<string> {
  const lines = [
    "| workload | policy | VmPTE at the end, kB | on average, kB | saved on average | in calls, µs | in the longest call, µs | in the background, µs | rebuilt | TLB flushes |",
    "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
  ];
  const subjects = [...presetSubjects(), ...(await Promise.all(PROGRAMS.map(programSubject)))];
  for (const subject of subjects) {
    const runs: KnownRun[] = [];
    for (const mode of POLICY_IDS) {
      const summary = await runUnder(subject, mode);
      runs.push({ id: mode, mode, source: "model", summary });
      process.stderr.write(`${subject.name} ${mode}: ${summary.final.vmpte_kb} kB\n`);
    }
    const { rows } = compareRuns(runs, DEFAULT_BASELINE, AVERAGE);
    for (const [at, { mode, summary }] of runs.entries()) {
      const { value, share } = rows[0].cells[at];
      const { cost } = summary;
      const saved = share === null ? "" : formatSaved(-share);
      const costs =
        cost === null || cost === undefined
          ? ["", "", "", "", ""]
          : [
              micro(cost.caller_ns),
              micro(cost.longest_call_ns),
              micro(cost.background_ns),
              NUMBER.format(cost.rebuilt_tables),
              NUMBER.format(cost.tlb_flushes),
            ];
      const cells = [NUMBER.format(summary.final.vmpte_kb), NUMBER.format(value ?? 0), saved, ...costs];
      lines.push(`| ${at === 0 ? subject.name : ""} | ${mode} | ${cells.join(" | ")} |`);
    }
  }
  return lines.join("\n");
}

const made = await table();
const page = readFileSync(PAGE, "utf8");
const before = page.slice(0, page.indexOf(BEGIN) + BEGIN.length);
const after = page.slice(page.indexOf(END));
const fresh = `${before}\n\n${made}\n\n${after}`;
if (!process.argv.includes("--check")) writeFileSync(PAGE, fresh);
else if (fresh !== page) {
  process.stderr.write(`${basename(PAGE)} is not what the engine says; run npm run docs:policies\n`);
  process.exitCode = 1;
}
