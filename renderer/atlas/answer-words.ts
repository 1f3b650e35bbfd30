/** How the answers of an Atlas, which are columns of SQL, are called and written in the window. */
import { formatCount, formatKb } from "../../engine/experiment/format.ts";
import { isPolicyId } from "../../engine/experiment/policies.ts";
import { policyWord } from "../../engine/experiment/words.ts";
import { knobsWords } from "./task-rows.ts";

const UNITS: Readonly<Record<string, string>> = { percent: "%", ms: "ms", us: "µs" };
/** Where a column's name is not what it is called elsewhere. */
const HEADINGS: Readonly<Record<string, string>> = {
  knobs: "settings",
  saves_a_tenth: "save a tenth",
  vmpte_kb: "VmPTE",
  baseline_kb: "VmPTE of the baseline",
  average_kb: "average VmPTE",
};

export const isSizeColumn = (column: string): boolean => column.endsWith("_kb");

/** "average VmPTE", "caller, ms" */
export function answerHeading(column: string): string {
  if (Object.hasOwn(HEADINGS, column)) return HEADINGS[column];
  const words = column.split("_");
  const last = words.at(-1) ?? "";
  if (Object.hasOwn(UNITS, last)) return `${words.slice(0, -1).join(" ")}, ${UNITS[last]}`;
  return (isSizeColumn(column) ? words.slice(0, -1) : words).join(" ");
}

/** Sizes in the unit that suits them, policies and their settings in words. */
export function answerCell(column: string, value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") {
    if (isSizeColumn(column)) return formatKb(value);
    return Number.isInteger(value) ? formatCount(value) : String(value);
  }
  const text = String(value);
  if (column === "policy" && isPolicyId(text)) return policyWord(text);
  if (column === "knobs") return knobsWords(text).replace(/^, /, "");
  return text;
}
