/** The live machine, and a process or service of it, as their pictures hold them: what is seen. */
import { formatCount, formatKb, formatPercent } from "../../engine/experiment/format.ts";
import { mappingsByName, tablesIn } from "../../engine/live/mappings.ts";
import { gainWords } from "../../engine/live/remedies.ts";
import { CAUSE_LABELS, CAUSES, type Split, totalOf } from "../../engine/live/split.ts";
import { durationWords } from "../../engine/live/words.ts";
import type { SheetMessage } from "../../main/contract/sheet.ts";
import type { LiveProcess, LiveTop } from "../../main/contract.ts";
import { printable } from "../lib/printable.ts";
import { mapCells } from "../map/map-sheet.ts";
import { tokenColor } from "../ui/colors.ts";
import type { LinePoint, ListRow, Live } from "./live.svelte.ts";
import { emptyWords, rowAbout, rowName, shareOfRss, spanWords } from "./row-words.ts";

type Part = SheetMessage["parts"][number];
type Rows = Extract<Part, { kind: "rows" }>;
type Document = LiveProcess["document"];

const causeColors = (): string[] => CAUSES.map((cause) => tokenColor(`--cause-${cause}`));
const barOf = (split: Split): number[] => CAUSES.map((cause) => split[cause]);
const stepsOf = (points: readonly LinePoint[]) => points.map(({ atMs, kb }) => ({ x: atMs, y: kb }));

function legendOf(split: Split, colors: readonly string[]): SheetMessage["legend"] {
  return CAUSES.flatMap((cause, at) =>
    split[cause] > 0 ? [{ label: CAUSE_LABELS[cause], value: formatKb(split[cause]), color: colors[at] }] : [],
  );
}

/** A table of names and numbers. */
function table(
  title: string,
  nameHead: string,
  valueHeads: string[],
  rows: (readonly [string, ...string[]])[],
): Part[] {
  if (rows.length === 0) return [];
  const drawn = rows.map(([name, ...values]) => ({ name, about: "", bar: [], values, line: [] }));
  const none = { barHead: "", lineHead: "", full: 0, fullWords: "", colors: causeColors() };
  return [{ kind: "rows", title, nameHead, valueHeads, rows: drawn, ...none }];
}

/** One bar as wide as there is room. */
function splitBar(name: string, split: Split): Rows {
  const full = totalOf(split);
  return {
    kind: "rows",
    title: "",
    nameHead: "",
    barHead: "page tables, by cause",
    valueHeads: ["VmPTE"],
    lineHead: "",
    colors: causeColors(),
    full,
    fullWords: formatKb(full),
    rows: [{ name, about: "", bar: barOf(split), values: [formatKb(full)], line: [] }],
  };
}

/** What the machine's tables take; how much of them is empty, shared and needed; how often the same tables are there at most. */
export function machineNumbers({ split, shared, page_tables_kb, memory_kb }: LiveTop) {
  return {
    all: `page tables ${formatKb(page_tables_kb)}, ${formatPercent(page_tables_kb / memory_kb)} of ${formatKb(memory_kb)}`,
    empty: formatKb(split.empty),
    shared: formatKb(split.shared),
    times: formatCount(shared.reduce((most, { processes }) => Math.max(most, processes), 0)),
    needed: formatKb(split.needed + split.sparse + split.deposited + split.upper + split.pinned),
  };
}

/** The machine, with the rows of its list that are in view. */
export function machineSheet({ top, rows, seenRows, span, line }: MachineView): SheetMessage | undefined {
  if (top === undefined) return undefined;
  const seen = seenRows();
  const { all, empty, shared, times, needed } = machineNumbers(top);
  const full = rows.reduce((most, { split }) => Math.max(most, totalOf(split)), 0);
  const colors = causeColors();
  return {
    title: "This machine: page tables by process",
    lines: [
      `${empty} are empty tables and ${shared} the same tables up to ${times} times over. ${needed} are needed.`,
      `${all} · ${formatCount(seen.length)} of ${formatCount(rows.length)} rows · ${formatCount(top.processes.length)} processes`,
    ],
    legend: legendOf(top.split, colors),
    parts: [
      splitBar("all processes", top.split),
      {
        kind: "rows",
        title: "",
        nameHead: "process",
        barHead: "page tables, by cause",
        valueHeads: ["VmPTE", "empty", "of RSS"],
        lineHead: spanWords(span),
        colors,
        full,
        fullWords: formatKb(full),
        rows: seen.map((row) => ({
          name: rowName(row),
          about: rowAbout(row),
          bar: barOf(row.split),
          values: [formatKb(row.vmpteKb), emptyWords(row), shareOfRss(row)],
          line: stepsOf(line(row.pids)),
        })),
      },
    ],
  };
}
type MachineView = Pick<Live, "top" | "rows" | "seenRows" | "span"> & {
  readonly line: (pids: ListRow["pids"]) => readonly LinePoint[];
};

interface PanelView {
  readonly title: string;
  readonly facts: string;
  readonly verdict: Document["verdict"];
  readonly split: Split;
  readonly points: readonly LinePoint[];
  /** What stands between the verdict and the line. */
  readonly parts: readonly Part[];
  readonly shared: Document["shared"];
}

/** A process or a service, as its panel shows it. */
export function panelSheet({ title, facts, verdict, split, points, parts, shared }: PanelView): SheetMessage {
  const low = points.reduce((least, { kb }) => Math.min(least, kb), points[0]?.kb ?? 0);
  const high = points.reduce((most, { kb }) => Math.max(most, kb), 0);
  const lastMs = points.at(-1)?.atMs ?? 0;
  const line: Part[] =
    points.length < 2
      ? []
      : [
          {
            kind: "steps",
            title: "Last minutes",
            points: stepsOf(points),
            low: formatKb(low),
            high: formatKb(high),
            from: `${durationWords(lastMs - (points[0]?.atMs ?? lastMs))} before`,
            to: "the last look",
            yTitle: "VmPTE",
            xTitle: "time",
          },
        ];
  return {
    title: `${title}: page tables`,
    lines: [facts, ...verdict.sentences.map(printable)],
    legend: legendOf(split, causeColors()),
    parts: [
      splitBar(title, split),
      ...table(
        "",
        "What would change it",
        ["saves"],
        verdict.remedies.map((remedy) => [printable(remedy.what), gainWords(remedy).replace(" less", "")]),
      ),
      ...parts,
      ...line,
      ...table(
        "",
        "Mapped by several processes",
        ["processes", "all", "one copy", "2 MiB pages"],
        shared
          .slice(0, SHOWN)
          .map((each) => [
            printable(each.file),
            formatCount(each.processes),
            formatKb(each.kb),
            formatKb(each.one_copy_kb),
            formatKb(each.huge_kb),
          ]),
      ),
    ],
  };
}

/** Of mappings, shared files and processes as many as panels show. */
export const SHOWN = 12;

export const mappingsPart = (mappings: Document["mappings"]): Part[] =>
  table(
    "",
    "Mappings",
    ["tables", "sparse", "empty"],
    mappingsByName(mappings)
      .slice(0, SHOWN)
      .map((row) => [
        `${printable(row.name)}${row.mappings > 1 ? ` × ${formatCount(row.mappings)}` : ""}`,
        formatCount(tablesIn(row)),
        formatCount(row.sparse),
        formatCount(row.empty),
      ]),
  );

export const processesPart = (processes: readonly Document[]): Part[] =>
  table(
    "",
    "Its processes",
    ["VmPTE", "shared", "empty"],
    processes
      .slice(0, SHOWN)
      .map((row) => [String(row.pid), formatKb(row.vmpte_kb), formatKb(row.split.shared), formatKb(row.split.empty)]),
  );

export const tablesPart = (map: ShownMap | undefined): Part[] =>
  map === undefined ? [] : [mapCells(map.map, map.columns, "Its tables").part];

/** The map of a process, as many cells beside each other as it shows. */
export interface ShownMap {
  readonly map: Parameters<typeof mapCells>[0];
  readonly columns: number;
}
