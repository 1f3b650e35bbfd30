/** A program as it is and with its releases changed: which experiments are of one program. */
import type { StoredExperiment } from "../../db/records.ts";
import type { Store } from "../../db/store.ts";
import { oneLine } from "../../engine/experiment/text-limits.ts";
import type { Params } from "../../engine/experiment/types.ts";
import { type WhatIf, whatIfPhrase, whatIfWord } from "../../engine/experiment/what-if.ts";
import type { FileTask } from "../contract/worker.ts";
import { keptSha256 } from "./kept-file.ts";
import type { ResolvedWorkload } from "./spec.ts";

/** So many experiments of a file are looked at. */
const LOOKED_AT_MAX = 500;

/** A workload of a file, with its releases changed. What was measured is of the program as it is. */
export function withReleasesChanged(
  { workload, task }: { readonly workload: ResolvedWorkload; readonly task: FileTask },
  whatIf: WhatIf,
): { readonly workload: ResolvedWorkload; readonly task: FileTask } {
  const { measured: _measured, ...rest } = task;
  return {
    workload: {
      ...workload,
      title: oneLine(`${workload.title}; ${whatIfPhrase(whatIf)}`),
      params: { ...workload.params, what_if: whatIfWord(whatIf) },
      operationsTotal: null,
    },
    task: { ...rest, whatIf },
  };
}

/** Two with the same are of one process of one file under one kernel: what differs are its releases. */
function programOf({ params, seed, levels, runs }: StoredExperiment): string {
  const { what_if: _whatIf, ...others } = params as Params & { what_if?: unknown };
  const settings = Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1));
  const kernel = runs.find(({ source }) => source === "model")?.kernelProfile ?? null;
  return JSON.stringify([settings, seed, levels, kernel]);
}

/** All of a program, with releases as they are and changed, the oldest first; empty where no file is kept. */
export function changedWith(store: Store, id: number): StoredExperiment[] {
  const asked = store.getExperiment(id);
  const sha256 = asked.workloadKind === "file" ? keptSha256(asked.detail) : null;
  if (sha256 === null) return [];
  const program = programOf(asked);
  return store.experimentsOfFile(sha256, LOOKED_AT_MAX).filter((each) => programOf(each) === program);
}
