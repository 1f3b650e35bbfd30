/** The live machine as text: tables and sentences. */

import { formatCount, formatKb } from "../../engine/experiment/format.ts";
import type { ProcessDocument, ServiceDocument, TopDocument } from "../../engine/live/document.ts";
import { type Forecast, forecastSentences } from "../../engine/live/forecast.ts";
import { TABLE_KB } from "../../engine/live/look.ts";
import { mappingsByName, tablesIn } from "../../engine/live/mappings.ts";
import { gainWords, type Remedy } from "../../engine/live/remedies.ts";
import type { SharedFile } from "../../engine/live/shared.ts";
import { CAUSE_LABELS, CAUSES, type Cause, type Split, totalOf } from "../../engine/live/split.ts";
import type { Tables } from "../../engine/live/tables.ts";
import type { Verdict } from "../../engine/live/verdict.ts";
import { numberOfProcesses, shareOf } from "../../engine/live/words.ts";
import { cell, table } from "./print.ts";

const BAR_WIDTH = 30;
const ROWS_MOST = 40;
const SHARED_MOST = 8;
/** Less is not worth a line. */
const SHARED_LEAST_KB = 256;
/** One letter a cause, in the order in which a bar is drawn. */
const LETTERS: Readonly<Record<Cause, string>> = {
  needed: "#",
  sparse: ":",
  shared: "=",
  deposited: "^",
  pinned: "!",
  upper: "-",
  empty: ".",
};

/** A name of at most so many letters: names of processes and files may hold any character. */
function named(text: string, most = 60): string {
  const line = cell(text);
  return line.length > most ? `…${line.slice(1 - most)}` : line;
}

/** A bar of `kb` on a scale where `fullKb` is the whole width; each cause that holds something has a letter at least. */
function bar(split: Split, fullKb: number): string {
  if (fullKb <= 0) return "";
  return CAUSES.map((cause) => LETTERS[cause].repeat(Math.round((split[cause] / fullKb) * BAR_WIDTH)))
    .join("")
    .slice(0, BAR_WIDTH);
}

const LEGEND = CAUSES.map((cause) => `${LETTERS[cause]} ${CAUSE_LABELS[cause]}`).join("   ");

/** "28.6 GiB", "28.6 GiB (28.5 to 28.7)" where it is not certain. */
function emptyText({ empty }: Tables): string {
  if (empty.min === empty.max) return formatKb(empty.estimate * TABLE_KB);
  return `${formatKb(empty.estimate * TABLE_KB)} (${formatKb(empty.min * TABLE_KB)} to ${formatKb(empty.max * TABLE_KB)})`;
}

/** The first processes, a row each; bars on the scale of the first. */
function processRows(processes: TopDocument["processes"]): string[][] {
  const largest = processes[0] === undefined ? 0 : totalOf(processes[0].split);
  return processes
    .slice(0, ROWS_MOST)
    .map(({ pid, name, vmpte_kb, rss_kb, split, tables, moving }) => [
      String(pid),
      named(name),
      bar(split, largest),
      formatKb(vmpte_kb),
      emptyText(tables),
      shareOf(vmpte_kb, rss_kb),
      moving ? "moving" : "",
    ]);
}

export function topText(top: TopDocument): string {
  const rows = processRows(top.processes);
  const more = top.processes.length - rows.length;
  const { split } = top;
  const whole = [
    `Page tables of this machine: ${formatKb(top.page_tables_kb)}, of which ${formatKb(top.explained_kb)} belong to the ${formatCount(top.processes.length)} processes that can be read (${(top.took_ms / 1000).toFixed(2)} s).`,
    top.not_readable > 0
      ? `${formatCount(top.not_readable)} could not be read (of another user, or protected): ${formatKb(top.not_readable_kb)}.`
      : "",
    `${formatKb(split.empty)} are empty tables, ${formatKb(split.shared)} the same tables several times over, ${formatKb(split.needed + split.sparse)} in use by one process.`,
  ].filter(Boolean);
  return [...whole, "", ...rowsText(rows, more, top.shared)].join("\n");
}

/** A row a process, and what they have of the same; `more`: rows that are left out. */
function rowsText(rows: readonly (readonly string[])[], more: number, shared: readonly SharedFile[]): string[] {
  return [
    LEGEND,
    table(
      [["pid", "process", "page tables, by cause", "VmPTE", "empty", "of RSS", ""], ...rows],
      new Set([0, 3, 4, 5]),
    ),
    ...(more > 0 ? [`and ${formatCount(more)} more`] : []),
    ...sharedText(shared),
  ];
}

function sharedText(files: readonly SharedFile[]): string[] {
  const rows = files
    .filter(({ kb }) => kb >= SHARED_LEAST_KB)
    .slice(0, SHARED_MOST)
    .map((file) => [
      named(file.file),
      formatCount(file.processes),
      formatCount(file.tables),
      formatKb(file.kb),
      formatKb(file.one_copy_kb),
      formatKb(file.huge_kb),
    ]);
  if (rows.length === 0) return [];
  const head = ["mapped by several processes", "processes", "tables", "size", "one copy", "2 MiB pages"];
  return ["", table([head, ...rows], new Set([1, 2, 3, 4, 5]))];
}

function tablesText(tables: Tables, split: Split): string {
  const { upper, in_use, sparse, shared, deposited, pinned, empty } = tables;
  const range = (low: number, high: number): string =>
    low === high ? formatCount(low) : `${formatCount(low)} to ${formatCount(high)}`;
  const rows = [
    ["in use", formatCount(in_use), formatKb(in_use * TABLE_KB), "an entry is present or swapped"],
    ["  of them sparse", formatCount(sparse), formatKb(sparse * TABLE_KB), "1 to 31 entries of 512"],
    ["  of them shared", formatCount(shared), formatKb(shared * TABLE_KB), "another process has the same table too"],
    ["under huge pages", formatCount(deposited), formatKb(deposited * TABLE_KB), "put aside, to split them"],
    ["pinned", formatCount(pinned), formatKb(pinned * TABLE_KB), "nothing but markers"],
    [
      "empty",
      formatCount(empty.estimate),
      formatKb(empty.estimate * TABLE_KB),
      `for certain ${range(empty.min, empty.max)}`,
    ],
    [
      "upper tables",
      formatCount(Math.round(split.upper / TABLE_KB)),
      formatKb(split.upper),
      `PMD and PUD: ${range(upper.min, upper.max)}`,
    ],
  ];
  return table([["", "tables", "size", ""], ...rows], new Set([1, 2]));
}

function remedyText({ what, kb, note, source }: Remedy): string {
  return `- ${what}: ${gainWords({ kb })}. ${note}${source === undefined ? "" : ` ${source}`}`;
}

function verdictText({ sentences, remedies, next }: Verdict): string {
  const helps = remedies.filter(({ kb }) => kb !== 0);
  const others = remedies.filter(({ kb }) => kb === 0).map(({ what }) => what);
  return [
    ...sentences,
    ...(helps.length > 0 ? ["", "What would change it:", ...helps.map(remedyText)] : []),
    ...(others.length > 0 ? [`Does not apply: ${others.join(", ")}.`] : []),
    ...(next.length > 0 ? ["", "Next:", ...next.map((command) => `  ${command}`)] : []),
  ].join("\n");
}

export function processText(document: ProcessDocument): string {
  const { pid, name, kernel, moving, took_ms, vmpte_kb, rss_kb, virt_kb, tables, split, mappings, shared } = document;
  const rows = mappingsByName(mappings)
    .slice(0, 15)
    .map((row) => [
      named(row.name),
      formatCount(row.mappings),
      formatCount(tablesIn(row)),
      formatCount(row.in_use),
      formatCount(row.sparse),
      formatCount(row.deposited),
      formatCount(row.pinned),
      formatCount(row.empty),
    ]);
  const head = ["mapping", "mappings", "tables", "in use", "sparse", "huge", "pinned", "empty"];
  return [
    `${named(name)} ${pid}: VmPTE ${formatKb(vmpte_kb)}, RSS ${formatKb(rss_kb)}, VIRT ${formatKb(virt_kb)} (Linux ${kernel}, looked at in ${(took_ms / 1000).toFixed(2)} s${moving ? ", moving" : ""})`,
    "",
    verdictText(document.verdict),
    "",
    tablesText(tables, split),
    "",
    table([head, ...rows], new Set([1, 2, 3, 4, 5, 6, 7])),
    ...sharedText(shared),
  ].join("\n");
}

export function forecastText(forecast: Forecast): string {
  return forecastSentences(forecast).join("\n");
}

export function serviceText({ processes, shared, total }: ServiceDocument): string {
  const rows = processRows(processes);
  const more = processes.length - rows.length;
  return [
    `${numberOfProcesses(total.processes)}: VmPTE ${formatKb(total.vmpte_kb)}${total.not_readable > 0 ? `; ${formatCount(total.not_readable)} could not be read (of another user, or protected)` : ""}`,
    "",
    verdictText(total.verdict),
    "",
    tablesText(total.tables, total.split),
    "",
    ...rowsText(rows, more, shared),
  ].join("\n");
}
