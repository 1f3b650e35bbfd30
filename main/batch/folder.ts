/**
 * A folder of results: the plan that it answers, and a Parquet file for each part of an attempt. Parts are written beside and
 * renamed, and named by the tasks in them: whoever runs the same tasks writes the same file. docs/results.md is the format.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { codeOf, whyOf } from "../../db/file-error.ts";
import { putInPlace, removeIfPossible } from "../../db/files.ts";
import { makeFolders } from "../../db/folders.ts";
import { isRegular, readRegular } from "../../db/regular.ts";
import { temporaryBeside } from "../../db/temporaries.ts";
import { BadInputError, ReclaimLabError } from "../../engine/error.ts";
import { writeWhole } from "../export/write-file.ts";
import type { Plan } from "./plan.ts";
import { type ResultRow, readOutcomes, resultsParquet, samplesParquet, type TaskSamples } from "./rows.ts";
import { sortedJson } from "./tasks.ts";

const PLAN_FILE = "plan.json";

/** What stands in the folder of a plan: the plan resolved, without a machine's paths, and what makes its tasks. */
export interface StoredPlan {
  readonly format: "reclaim-lab results";
  readonly version: 1;
  readonly engine_version: string;
  readonly tasks: number;
  readonly plan: unknown;
}

export function storedPlan(plan: Plan, engine: string, tasks: number): StoredPlan {
  const workloads = plan.workloads.map((each) => {
    if (each.kind === "preset") return each;
    const { path: _path, ...rest } = each;
    return rest;
  });
  return {
    format: "reclaim-lab results",
    version: 1,
    engine_version: engine,
    tasks,
    plan: { ...plan, workloads },
  };
}

function makeFolder(path: string): void {
  try {
    if (existsSync(path) && !statSync(path).isDirectory())
      throw new BadInputError("It is not a folder", { where: path, todo: "Name another with --out" });
    makeFolders(path);
  } catch (error) {
    if (error instanceof ReclaimLabError) throw error;
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new BadInputError("The folder cannot be created", { where: path, why, todo: "Name another with --out" });
  }
}

/** Writes a file that is not there yet, whole; false where another process was quicker. Errors: ExportError. */
function putNew(file: string, text: string): boolean {
  const temporary = temporaryBeside(file);
  try {
    writeWhole(temporary, [text]);
    return putInPlace(temporary, file);
  } finally {
    removeIfPossible(temporary);
  }
}

/** Opens (makes, if there is none) the folder of a plan. Errors: BadInputError where another plan's results are in it. */
export function openFolder(folder: string, stored: StoredPlan): void {
  makeFolder(folder);
  makeFolder(join(folder, "results"));
  if (stored.plan !== null && (stored.plan as Plan).samples) makeFolder(join(folder, "samples"));
  const file = join(folder, PLAN_FILE);
  const text = `${sortedJson(stored)}\n`;
  if (!existsSync(file) && putNew(file, text)) return;
  const there = readStored(folder);
  if (sortedJson(there.plan) !== sortedJson(stored.plan) || there.engine_version !== stored.engine_version)
    throw new BadInputError("The folder holds the results of another plan", {
      where: folder,
      why:
        there.engine_version === stored.engine_version
          ? "its plan.json is not this one (a trace that was changed counts too)"
          : `they were made by engine ${there.engine_version}, and this is ${stored.engine_version}`,
      todo: "Name another folder with --out",
    });
}

/** The plan that a folder answers. Errors: BadInputError where it is no such folder. */
export function readStored(folder: string): StoredPlan {
  const file = join(folder, PLAN_FILE);
  let value: unknown;
  try {
    value = JSON.parse(readRegular(file));
  } catch (error) {
    const why =
      codeOf(error) === "ENOENT"
        ? "there is no plan.json in it"
        : codeOf(error) === ""
          ? "its plan.json is damaged, or is not a file"
          : whyOf(error);
    throw new BadInputError("It is not a folder of results", {
      where: folder,
      why,
      todo: "`batch PLAN.json --out FOLDER` makes one",
    });
  }
  const { format, version, engine_version, tasks, plan } = (value ?? {}) as Record<string, unknown>;
  if (
    format !== "reclaim-lab results" ||
    version !== 1 ||
    typeof engine_version !== "string" ||
    !Number.isSafeInteger(tasks) ||
    typeof (plan as { name?: unknown } | null)?.name !== "string"
  )
    throw new BadInputError("It is not a folder of results", {
      where: folder,
      why: "its plan.json is not one that `batch` writes, or is from a newer version",
    });
  return { format, version, engine_version, tasks: Number(tasks), plan };
}

/** The parts in a folder, and of each task what is known: a result counts before a failure. */
export interface Outcomes {
  readonly parts: number;
  readonly byDigest: ReadonlyMap<
    string,
    Pick<ResultRow, "digest" | "status" | "reason" | "workload" | "policy"> & { readonly file: string }
  >;
  /** Parts that cannot be read, and why. */
  readonly damaged: readonly { readonly file: string; readonly why: string }[];
}

export function partFiles(folder: string, kind: "results" | "samples"): string[] {
  const at = join(folder, kind);
  if (!existsSync(at)) return [];
  return readdirSync(at)
    .filter((name) => /^part-.*\.parquet$/.test(name))
    .sort()
    .map((name) => join(at, name))
    .filter(isRegular);
}

export async function readFolder(folder: string): Promise<Outcomes> {
  const byDigest = new Map<
    string,
    Pick<ResultRow, "digest" | "status" | "reason" | "workload" | "policy"> & { file: string }
  >();
  const damaged: { file: string; why: string }[] = [];
  const files = partFiles(folder, "results");
  for (const file of files) {
    try {
      for (const row of await readOutcomes(file))
        if (byDigest.get(row.digest)?.status !== "done") byDigest.set(row.digest, { ...row, file });
    } catch (error) {
      damaged.push({ file, why: error instanceof Error ? error.message.slice(0, 200) : String(error) });
    }
  }
  return { parts: files.length, byDigest, damaged };
}

function nameOf(digests: readonly string[]): string {
  const hash = createHash("sha256");
  for (const digest of digests) hash.update(digest);
  return `part-${hash.digest("hex").slice(0, 24)}.parquet`;
}

/**
 * Writes one part; samples first, so that a result whose part is there has its samples. Errors: ExportError where it cannot be
 * written; what was written before is untouched.
 */
export function writePart(folder: string, rows: readonly ResultRow[], samples: readonly TaskSamples[]): void {
  const sorted = [...rows].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const name = nameOf(sorted.map(({ digest }) => digest));
  if (samples.length > 0) {
    const ordered = [...samples].sort((a, b) => (a.digest < b.digest ? -1 : 1));
    writeWhole(join(folder, "samples", name), [samplesParquet(ordered)]);
  }
  writeWhole(join(folder, "results", name), [resultsParquet(sorted)]);
}
