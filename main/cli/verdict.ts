/** The verdict on a trace, as `run` and `show` print it (engine/experiment/verdict.ts). */
import { formatBytes, formatCount, formatKb } from "../../engine/experiment/format.ts";
import { type Saving, savedText, type Verdict } from "../../engine/experiment/verdict.ts";
import { LABELS, policyWord } from "../../engine/experiment/words.ts";
import { table } from "./print.ts";

function savings({ vmpte, policy, baseline, program_ns, steady }: Verdict): string {
  const row = (label: string, saving: Saving): string[] => [
    label,
    formatKb(saving.baseline_kb),
    formatKb(saving.policy_kb),
    savedText(saving),
  ];
  const rows = [
    row("at its peak", vmpte.peak),
    row(program_ns === null ? "on average, over operations" : "on average, over time", vmpte.average),
    row(steady.after_release ? "after the last release" : "in the last tenth", vmpte.steady),
    row("at the end", vmpte.end),
  ];
  const heads = ["VmPTE", policyWord(baseline), policyWord(policy), "saved"];
  return table([heads, ...rows], new Set([1, 2, 3]));
}

function releases({ dontneed }: Verdict): string {
  const shown = dontneed.outcomes.filter((each) => each.calls > 0 || each.bytes > 0);
  const rows = shown.map((each) => [each.label, formatCount(each.calls), formatBytes(each.bytes)]);
  const total = ["all MADV_DONTNEED", formatCount(dontneed.calls), formatBytes(dontneed.bytes)];
  return table([[LABELS.releases, "calls", ""], ...rows, total], new Set([1, 2]));
}

export function verdictText(verdict: Verdict): string {
  const { headline, reasons, settings, dontneed, trial } = verdict;
  const advised = settings.flatMap(({ allocator, setting, versions, reason, cost, source }) => [
    `  ${allocator}: ${setting} (${versions})`,
    `    ${reason}`,
    `    Costs: ${cost}.`,
    `    ${source.title}, ${source.reference}`,
  ]);
  return [
    headline,
    ...reasons.map((reason) => `  ${reason}`),
    "",
    savings(verdict),
    ...(dontneed.calls > 0 ? ["", releases(verdict)] : []),
    ...(advised.length > 0 ? ["", `${LABELS.settings}:`, ...advised] : []),
    ...(trial === null ? [] : ["", "Only a trial can tell whether these help:", `  ${trial.command}`]),
  ].join("\n");
}
