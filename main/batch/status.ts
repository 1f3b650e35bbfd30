/** What a folder of results has and what it lacks. */
import { readFolder, readStored, type StoredPlan } from "./folder.ts";

export interface FolderStatus {
  readonly name: string;
  readonly engine_version: string;
  readonly tasks: number;
  readonly done: number;
  readonly failed: number;
  readonly missing: number;
  readonly parts: number;
  readonly damaged_parts: readonly { readonly file: string; readonly why: string }[];
  /** The reasons of failures, the most frequent first. */
  readonly failures: readonly { readonly reason: string; readonly tasks: number; readonly example: string }[];
}

/** Errors: BadInputError where it is no folder of results. */
export async function statusOf(folder: string): Promise<FolderStatus> {
  const stored: StoredPlan = readStored(folder);
  const { byDigest, parts, damaged } = await readFolder(folder);
  const reasons = new Map<string, { tasks: number; example: string }>();
  let failed = 0;
  for (const { status, reason, workload, policy } of byDigest.values()) {
    if (status !== "failed") continue;
    failed++;
    const known = reasons.get(reason ?? "");
    if (known) known.tasks++;
    else reasons.set(reason ?? "", { tasks: 1, example: `${workload} under ${policy}` });
  }
  const failures = [...reasons].map(([reason, rest]) => ({ reason, ...rest })).sort((a, b) => b.tasks - a.tasks);
  const { name } = stored.plan as { name: string };
  return {
    name,
    engine_version: stored.engine_version,
    tasks: stored.tasks,
    done: byDigest.size - failed,
    failed,
    missing: Math.max(0, stored.tasks - byDigest.size),
    parts,
    damaged_parts: damaged,
    failures,
  };
}
