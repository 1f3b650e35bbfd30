import { formatBytes, formatCount } from "../../engine/experiment/format.ts";
import { paramNamed } from "../../engine/experiment/knobs.ts";
import { formatParam, type ParamSpec } from "../../engine/experiment/params.ts";
import type { Params, ParamValue } from "../../engine/experiment/types.ts";
import type { Preset } from "../../main/contract.ts";

/** A parameter's value as it is read: "50 GiB", "25,600", "10 ms". Without its preset, as it was stored. */
export function showParam(spec: ParamSpec | undefined, value: ParamValue): string {
  if (!spec) return String(value);
  if (spec.type === "choice") return spec.choices.find((choice) => choice.value === value)?.label ?? String(value);
  if (typeof value !== "number") return String(value);
  if (spec.type === "bytes") return formatBytes(value);
  if (spec.type === "ms") return `${formatCount(value)} ms`;
  return spec.type === "count" ? formatCount(value) : formatParam(spec, value);
}

/** What is so of a file or is not said: how it was recorded, what was assumed. */
const FLAG_WORDS: Readonly<Record<string, string>> = {
  light: "without page faults",
  touch_on_map: "touched as soon as mapped",
};

/** "without page faults"; undefined where the parameter has a value. */
export const flagWords = (name: string, value: unknown): string | undefined =>
  value === true && Object.hasOwn(FLAG_WORDS, name) ? FLAG_WORDS[name] : undefined;

/** Parameters as a short line: "size 50 GiB · chunk 2 MiB · rounds 1". */
export function showParams(preset: Preset | undefined, params: Params): string {
  return Object.entries(params)
    .filter(([, value]) => value !== "")
    .map(
      ([name, value]) =>
        flagWords(name, value) ?? `${name} ${showParam(paramNamed(preset?.params ?? [], name), value)}`,
    )
    .join(" · ");
}
