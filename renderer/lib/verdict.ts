import { ALLOCATORS, type Allocator } from "../../engine/experiment/allocator-settings.ts";
import { type Verdict, verdictOf } from "../../engine/experiment/verdict.ts";
import type { Experiment } from "../../main/contract.ts";

/** The verdict on a traced program; undefined for a preset, and before both modes have run to their end. */
export function verdictOn({
  workloadKind,
  params,
  runs,
}: Pick<Experiment, "workloadKind" | "params" | "runs">): Verdict | undefined {
  if (workloadKind !== "file") return undefined;
  const summaryOf = (mode: "sync" | "none") =>
    runs.find((run) => run.source === "model" && run.mode === mode && run.status === "done")?.summary;
  const sync = summaryOf("sync");
  const none = summaryOf("none");
  if (!sync || !none) return undefined;
  const names = String(params.allocators ?? "").split(",");
  const allocators = ALLOCATORS.filter((each): each is Allocator => names.includes(each));
  return verdictOf(sync, none, allocators) ?? undefined;
}
