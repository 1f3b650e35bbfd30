/** The inputs that others are made of: sound ones, kept with the project; and every input that once did harm. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { ROOT } from "../../../scripts/lib/paths.ts";

export function corpusText(name: string): string {
  return readFileSync(join(import.meta.dirname, name), "utf8");
}

/** The beginning of a captured trace of the project. */
export function traceText(name: string, characters: number): string {
  const file = join(ROOT, "engine/workload/testdata/traces", name, "events.txt.gz");
  return gunzipSync(readFileSync(file)).toString("utf8").slice(0, characters);
}

/** Inputs found by earlier runs and kept as `found/TARGET/NAME`: tried first, every time. */
export function found(target: string): Buffer[] {
  const folder = join(import.meta.dirname, "found", target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name)));
}
