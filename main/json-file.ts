/** Small files of settings: read with a check, written whole. */
import { dirname } from "node:path";
import * as v from "valibot";
import { writeText } from "../db/files.ts";
import { makeFolders } from "../db/folders.ts";
import { readRegular } from "../db/regular.ts";
import { describeError, ReclaimLabError } from "../engine/error.ts";

/** There is no file of that name, or no folder on the way to it. */
const MISSING = new Set(["ENOENT", "ENOTDIR"]);

/** The file's text; null if there is none. Throws ReclaimLabError where it is there and cannot be read. */
function textOf(file: string): string | null {
  try {
    return readRegular(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && MISSING.has(String(error.code))) return null;
    throw new ReclaimLabError("A settings file cannot be read", {
      where: file,
      why: error instanceof Error ? error.message : String(error),
      todo: "Make it readable for its owner, or move it away",
      cause: error,
    });
  }
}

/**
 * What the file holds, or `fallback` where it is missing or not what it should be. Throws ReclaimLabError where it is there
 * and cannot be read: what it says holds all the same. `damaged`: what is done where it is not what it should be.
 */
export function readJson<S extends v.GenericSchema>(
  file: string,
  schema: S,
  fallback: v.InferOutput<S>,
  damaged: () => v.InferOutput<S> = () => fallback,
): v.InferOutput<S> {
  const text = textOf(file);
  if (text === null) return fallback;
  const checked = v.safeParse(schema, parsed(text));
  return checked.success ? checked.output : damaged();
}

/** undefined where it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The same of what is only a convenience: one that cannot be read is said on stderr and is `fallback`. */
export function readConvenience<S extends v.GenericSchema>(
  file: string,
  schema: S,
  fallback: v.InferOutput<S>,
): v.InferOutput<S> {
  try {
    return readJson(file, schema, fallback);
  } catch (error) {
    console.error(describeError(error));
    return fallback;
  }
}

/** Never half written. Makes the folder if there is none. */
export function writeJson(file: string, value: unknown): void {
  makeFolders(dirname(file));
  writeText(file, `${JSON.stringify(value, null, 2)}\n`);
}
