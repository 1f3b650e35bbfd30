/** Small files of settings: read with a check, written whole. */
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import * as v from "valibot";
import { writeText } from "../db/files.ts";

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

/** Never half written. Makes the folder where there is none. */
export function writeJson(file: string, value: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeText(file, `${JSON.stringify(value, null, 2)}\n`);
}
