/** Small files of settings: read with a check, written whole. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import * as v from "valibot";

/** What the file holds, or `fallback` where it is missing or not what it should be. */
export function readJson<S extends v.GenericSchema>(
  file: string,
  schema: S,
  fallback: v.InferOutput<S>,
): v.InferOutput<S> {
  try {
    const checked = v.safeParse(schema, JSON.parse(readFileSync(file, "utf8")));
    return checked.success ? checked.output : fallback;
  } catch {
    return fallback;
  }
}

/** By way of a temporary file beside it, so that the file is never half written. */
export function writeJson(file: string, value: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
