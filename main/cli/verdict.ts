/** The verdict on a trace, as `run` and `show` print it (engine/experiment/verdict.ts). */

import { formatChange, formatCount, formatKb } from "../../engine/experiment/format.ts";
import type { Saving, Verdict } from "../../engine/experiment/verdict.ts";
import { table } from "./print.ts";

const mib = (bytes: number): string => `${formatCount(bytes / 2 ** 20)} MiB`;

function savings(vmpte: Verdict["vmpte"]): string {
  const row = (label: string, { policy_kb, baseline_kb }: Saving): string[] => [
    label,
    formatKb(policy_kb),
    formatKb(baseline_kb),
    formatChange(baseline_kb, policy_kb),
  ];
  const rows = [row("at its peak", vmpte.peak), row("on average", vmpte.average), row("at the end", vmpte.end)];
  return table([["VmPTE", "sync reclaim", "without", ""], ...rows], new Set([1, 2, 3]));
}

function releases({ dontneed }: Verdict): string {
  const shown = dontneed.outcomes.filter((each) => each.calls > 0 || each.bytes > 0);
  const rows = shown.map((each) => [each.label, formatCount(each.calls), mib(each.bytes)]);
  const total = ["all MADV_DONTNEED", formatCount(dontneed.calls), mib(dontneed.bytes)];
  return table([["what became of them", "calls", ""], ...rows, total], new Set([1, 2]));
}

export function verdictText(verdict: Verdict): string {
  const { headline, reasons, settings, dontneed, vmpte } = verdict;
  const advised = settings.flatMap(({ allocator, setting, reason, source }) => [
    `  ${allocator}: ${setting}`,
    `    ${reason}`,
    `    ${source.title}, ${source.reference}`,
  ]);
  return [
    headline,
    ...reasons.map((reason) => `  ${reason}`),
    "",
    savings(vmpte),
    ...(dontneed.calls > 0 ? ["", releases(verdict)] : []),
    ...(advised.length > 0 ? ["", "Settings that bear on it:", ...advised] : []),
  ].join("\n");
}
