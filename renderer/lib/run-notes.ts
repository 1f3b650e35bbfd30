import { formatCount } from "../../engine/experiment/format.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";
import type { RunStatus, Source } from "../../engine/experiment/types.ts";
import { policyPhrase } from "../../engine/experiment/words.ts";

interface StoppedRun {
  readonly mode: PolicyId;
  readonly source: Source;
  readonly status: RunStatus;
  readonly reason: string | null;
  readonly sampleCount: number;
}

export interface RunNote {
  readonly text: string;
  readonly bad: boolean;
}

const WHAT: Partial<Record<RunStatus, string>> = {
  failed: "failed",
  cancelled: "cancelled",
  interrupted: "interrupted",
};

const runName = (run: StoppedRun): string =>
  `${run.source === "kernel" ? "measured " : ""}run ${policyPhrase(run.mode)}`;

/** What there is to say of runs that did not come to their end: runs that ended alike share a sentence. */
export function runNotes(runs: readonly StoppedRun[]): RunNote[] {
  const alike = new Map<string, StoppedRun[]>();
  for (const run of runs) {
    if (!WHAT[run.status]) continue;
    const key = `${run.status} ${run.reason ?? ""}`;
    alike.set(key, [...(alike.get(key) ?? []), run]);
  }
  return [...alike.values()].map((group) => {
    const [first] = group;
    const failed = first.status === "failed";
    const who =
      group.length === 1 ? `The ${runName(first)}` : group.length === runs.length ? "All runs" : `${group.length} runs`;
    const verb = failed ? "failed" : `${group.length === 1 ? "was" : "were"} ${WHAT[first.status]}`;
    const samples = group.map((run) => formatCount(run.sampleCount)).join(" and ");
    return {
      text: `${who} ${verb}${first.reason ? `: ${first.reason}` : ""}. ${samples} samples are kept.`,
      bad: failed,
    };
  });
}
