/** The verdict on a trace, as `run` and `show` print it. */
import { ALLOCATORS, type Allocator } from "../../engine/experiment/allocator-settings.ts";
import { type Saving, type Verdict, verdictOf } from "../../engine/experiment/verdict.ts";
import type { Experiment, Run } from "../contract.ts";
import { change, count, kb, table } from "./print.ts";

/** The verdict on a traced program; null for a preset, and before both modes have run to their end. */
export function verdictOn({ workloadKind, params, runs }: Experiment): Verdict | null {
  if (workloadKind !== "file") return null;
  const of = (mode: Run["mode"]) =>
    runs.find((run) => run.source === "model" && run.mode === mode && run.status === "done")?.summary;
  const [sync, none] = [of("sync"), of("none")];
  if (!sync || !none) return null;
  const names = String(params.allocators ?? "").split(",");
  const allocators = ALLOCATORS.filter((each): each is Allocator => names.includes(each));
  return verdictOf(sync, none, allocators);
}

const mib = (bytes: number): string => `${count(bytes / 2 ** 20)} MiB`;

function savings(vmpte: Verdict["vmpte"]): string {
  const row = (label: string, { sync_kb, none_kb }: Saving): string[] => [
    label,
    kb(sync_kb),
    kb(none_kb),
    change(none_kb, sync_kb),
  ];
  const rows = [row("at its peak", vmpte.peak), row("on average", vmpte.average), row("at the end", vmpte.end)];
  return table([["VmPTE", "sync reclaim", "without", ""], ...rows], new Set([1, 2, 3]));
}

function releases({ dontneed }: Verdict): string {
  const shown = dontneed.outcomes.filter((each) => each.calls > 0 || each.bytes > 0);
  const rows = shown.map((each) => [each.label, count(each.calls), mib(each.bytes)]);
  const total = ["all MADV_DONTNEED", count(dontneed.calls), mib(dontneed.bytes)];
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
