import { formatCount, formatExact, formatPercent } from "../../engine/experiment/format.ts";
import { DEFAULT_BASELINE, featuresOf, type PolicyId, SERIES_POLICY } from "../../engine/experiment/policies.ts";
import { policyPhrase } from "../../engine/experiment/words.ts";
import { createKernel } from "../../engine/mm/kernel.ts";
import { REFERENCE_PROFILE } from "../../engine/mm/kernel-profiles.ts";
import { type Check, checkTrace } from "../../engine/workload/check.ts";
import { ImportReport, survey, type TracedProcess, type TraceFormat } from "../../engine/workload/import/index.ts";
import { readMeasured } from "../../engine/workload/measured.ts";
import { traceKernel } from "../../engine/workload/trace-kernel.ts";
import { captureKernel, namedProfile } from "../../probe/named-profile.ts";
import { chooseProcess } from "../trace/choose.ts";
import { atFile, openSource } from "../trace/source.ts";
import { print, printJson } from "./print.ts";
import { printProblems } from "./problems.ts";

export interface CheckOptions {
  readonly against: string;
  /** Default: that of the capture's kernel. */
  readonly mode?: PolicyId;
  /** A profile's name (default: the one kept with the capture, else the reference). */
  readonly kernel?: string;
  readonly pid?: number;
  readonly format?: TraceFormat;
  readonly json?: boolean;
}

/** What a trace does not show, by what it does to the difference. */
const MORE =
  "More than the model has: tables made without a fault in the trace, as by direct I/O, io_uring, /proc/PID/mem, a userfaultfd's handler, or mlockall where it was not traced; or the process did more before the trace begins.";
const LESS =
  "Less than the model has: tables freed by what is not in the trace (shmdt, process_madvise), or never made, as by an access beyond the end of a file; or the kernel does not do what the policy says.";

/** The model is held against the kernel to the kB. */
const exactly = (kb: number): string => formatExact(kb, "kb");

function describe({ result, unexplained }: Check, mode: PolicyId, kernel: string): string {
  const lines = [
    `${formatCount(result.explained)} of ${formatCount(result.samples)} samples explained ${policyPhrase(mode)} on kernel ${kernel}, ` +
      `${formatCount(result.zero_width_exact)} of ${formatCount(result.zero_width)} exactly where the model allows one value only; ` +
      (result.explained_by_allowance > 0 ? `${formatCount(result.explained_by_allowance)} by an allowance; ` : "") +
      `largest error ${exactly(result.max_error_kb)}; ${formatCount(result.events)} events, ${formatCount(result.lost)} lost`,
  ];
  for (const { sample, lowKb, highKb } of unexplained) {
    const allowed = lowKb === highKb ? exactly(lowKb) : `${exactly(lowKb)} to ${exactly(highKb)}`;
    lines.push(
      `  at ${(sample.fromNs / 1e9).toFixed(9)} s: measured ${exactly(sample.vmpteKb)}, the model says ${allowed}`,
    );
  }
  if (unexplained.some(({ sample, highKb }) => sample.vmpteKb > highKb)) lines.push(MORE);
  if (unexplained.some(({ sample, lowKb }) => sample.vmpteKb < lowKb)) lines.push(LESS);
  return lines.join("\n");
}

/**
 * The process that was measured and what it was forked from. Standard input cannot be read twice: the process is then taken
 * to begin with an exec of its own, or with what the trace shows of it.
 */
async function followed(
  trace: string,
  pid: number | undefined,
  format: TraceFormat | undefined,
): Promise<{ readonly pid: number | undefined; readonly ancestors: readonly number[]; readonly about?: string }> {
  if (trace === "-" || pid === undefined) return { pid, ancestors: [] };
  const found = await atFile(trace, async () => survey(await openSource(trace), new ImportReport(), format));
  // What cannot be checked at all, checkTrace says.
  if (found.format === "ops" || !found.processes.some((each) => each.pid === pid)) return { pid, ancestors: [] };
  const { ancestors } = chooseProcess(trace, found.processes, pid);
  return { pid, ancestors, about: aboutProcess(pid, found.processes) };
}

/** Of which process the answer is, and whether it is the one that matters: the busiest. */
function aboutProcess(pid: number, processes: readonly TracedProcess[]): string {
  const [busiest] = processes;
  const own = processes.find((each) => each.pid === pid);
  const all = processes.reduce((sum, { events }) => sum + events, 0);
  const share = own ? formatPercent(own.events / all) : "";
  const which = `Process ${pid} (${own?.comm ?? ""}), ${share} of the trace's events`;
  if (processes.length < 2) return `${which}.`;
  if (busiest.pid === pid) return `${which}, the busiest of ${formatCount(processes.length)}.`;
  return `${which}, not the busiest: that is ${busiest.pid} (${busiest.comm}) with ${formatPercent(busiest.events / all)}. Where it was measured too, in vmpte.txt.${busiest.pid}, check it with --against that file.`;
}

/** Replays a trace and holds the model against the measured VmPTE. Exit status 1 where a sample is not explained. */
export async function check(trace: string, options: CheckOptions): Promise<void> {
  const { against, format } = options;
  const profile =
    options.kernel === undefined ? (captureKernel(against) ?? REFERENCE_PROFILE) : namedProfile(options.kernel);
  const mode = options.mode ?? (profile.ptReclaim ? SERIES_POLICY : DEFAULT_BASELINE);
  const measuredReport = new ImportReport();
  const measured = await atFile(against, async () => readMeasured(await openSource(against), measuredReport));
  printProblems(against, measuredReport);
  const { pid, ancestors, about } = await followed(trace, options.pid ?? measured.pid ?? undefined, format);
  const report = new ImportReport();
  const checked = await atFile(trace, async () =>
    checkTrace({
      trace: await openSource(trace),
      measured,
      machine: createKernel({ features: featuresOf(mode), ...traceKernel(profile) }),
      report,
      ...(pid === undefined ? {} : { pid }),
      ancestors,
      ...(format === undefined ? {} : { format }),
    }),
  );
  printProblems(trace, report);
  if (options.json) printJson(checked.result);
  else print(`${about === undefined ? "" : `${about}\n`}${describe(checked, mode, profile.name)}`);
  if (checked.result.explained < checked.result.samples) process.exitCode = 1;
}
