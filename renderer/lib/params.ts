import type { ParamValue } from "../../engine/experiment/types.ts";
import type { PresetParam } from "../../main/contract.ts";
import { formatBytes, formatCount } from "./format.ts";
import { parseBytes, parseNumber, writeBytes } from "./quantity.ts";

/** A parameter's value as it is typed into its field. */
export function paramText(param: PresetParam, value: ParamValue): string {
  return param.type === "bytes" && typeof value === "number" ? writeBytes(value) : String(value);
}

/** A parameter's value as it is read: "50 GiB", "25,600", "10 ms", "yes". */
export function showParam(param: Pick<PresetParam, "type" | "unit"> | undefined, value: ParamValue): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  if (param?.type === "bytes") return formatBytes(value);
  const number = Number.isInteger(value) ? formatCount(value) : String(value);
  return param?.unit ? `${number} ${param.unit}` : number;
}

export type Checked = { readonly value: ParamValue } | { readonly problem: string };

/** What is typed, checked against what the preset says of its parameter. The problem says what is possible. */
export function readParam(param: PresetParam, text: string): Checked {
  if (param.type === "choice") {
    const known = param.choices?.some((choice) => choice.value === text) ?? false;
    return known ? { value: text } : { problem: `Choose one of ${param.choices?.map((choice) => choice.label).join(", ")}` };
  }
  if (param.type === "boolean") return { value: text === "true" };
  const show = (value: number): string => (param.type === "bytes" ? writeBytes(value) : showParam(param, value));
  const read = param.type === "bytes" ? parseBytes(text) : parseNumber(text, param.type === "number");
  if ("problem" in read) return read;
  if (param.min !== undefined && read.value < param.min) return { problem: `At least ${show(param.min)}` };
  if (param.max !== undefined && read.value > param.max) return { problem: `At most ${show(param.max)}` };
  if (param.step !== undefined && read.value % param.step !== 0) return { problem: `Must be a multiple of ${show(param.step)}` };
  return read;
}
