/**
 * What an experiment of a file keeps of it, so that it can be run and looked at again: where it was and what was in it. The
 * path stays in the history; only the host sees it.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import * as v from "valibot";
import type { Json } from "../../db/records.ts";
import { BadInputError } from "../../engine/error.ts";
import { type FileTask, fileTaskSchema } from "../contract/worker.ts";

const keptFileSchema = v.object({
  file: v.object({
    bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    /** Of the file as it lies on the disk, packed or not. */
    sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    /** What a run of it needs. */
    task: fileTaskSchema,
  }),
});

/** Where its content is known by. */
export interface Fingerprint {
  readonly bytes: number;
  readonly sha256: string;
}

/** Reads a file to its end. Throws what the system says of it. */
export async function fingerprintOf(path: string): Promise<Fingerprint> {
  const hash = createHash("sha256");
  let bytes = 0;
  await pipeline(createReadStream(path), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      hash.update(chunk);
    }
  });
  return { bytes, sha256: hash.digest("hex") };
}

/** The detail of an experiment that runs this file. */
export function keep(task: FileTask, { bytes, sha256 }: Fingerprint): Json {
  return { file: { bytes, sha256, task: JSON.parse(JSON.stringify(task)) as Json } };
}

/** What its content is known by; null where nothing was kept of it. */
export function keptSha256(detail: Json): string | null {
  const kept = v.safeParse(keptFileSchema, detail);
  return kept.success ? kept.output.file.sha256 : null;
}

/**
 * What a run of the experiment's file needs, as long as the file is where it was and what it was.
 * Errors: BadInputError where it is gone, is another, or was never kept.
 */
export async function keptFile(
  name: string,
  detail: Json,
): Promise<{ readonly task: FileTask; readonly fingerprint: Fingerprint }> {
  const open = { where: name, todo: "Open the file and run it as a new experiment" };
  const kept = v.safeParse(keptFileSchema, detail);
  if (!kept.success)
    throw new BadInputError("The file of this experiment is not known", {
      ...open,
      why: "it was made by a version that did not store the place of its file",
    });
  const { bytes, sha256, task } = kept.output.file;
  const found = await stat(task.path).catch(() => null);
  if (found === null || !found.isFile())
    throw new BadInputError("The file of this experiment is gone", { ...open, why: "it is not where it was" });
  const changed = () =>
    new BadInputError("The file of this experiment has changed", { ...open, why: "its content is not what was run" });
  if (found.size !== bytes) throw changed();
  const now = await fingerprintOf(task.path).catch(() => null);
  if (now?.sha256 !== sha256) throw changed();
  return { task, fingerprint: { bytes, sha256 } };
}
