import { POLICY_IDS } from "../../engine/experiment/policies.ts";
import { policyWord } from "../../engine/experiment/words.ts";
import type { HistoryQuery, HistoryRow, LabError } from "../../main/contract.ts";
import type { Shelf } from "./history.svelte.ts";
import { asLabError, call } from "./lab.ts";
import { presets } from "./presets.svelte.ts";
import { settings } from "./settings.svelte.ts";

const PAGE_ROWS = 100;

export type TableSort = NonNullable<HistoryQuery["sort"]>;

/** A column of the table: of the experiment, of a policy's run, or a parameter. */
export interface TableColumn {
  readonly id: string;
  readonly label: string;
  readonly group: "Experiment" | "VmPTE at the end" | "Parameters";
  readonly sort?: TableSort;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  readonly widthPx: number;
}

const EXPERIMENT_COLUMNS: readonly TableColumn[] = [
  { id: "created", label: "Made", group: "Experiment", sort: "created", widthPx: 120 },
  { id: "workload", label: "Workload", group: "Experiment", sort: "workload", widthPx: 130 },
  { id: "status", label: "Status", group: "Experiment", sort: "status", widthPx: 100 },
  { id: "policies", label: "Policies", group: "Experiment", widthPx: 180 },
  { id: "tags", label: "Tags", group: "Experiment", sort: "tag", widthPx: 130 },
  { id: "saved", label: "Saved", group: "Experiment", sort: "saved", isNumber: true, widthPx: 90 },
  { id: "peak", label: "Peak VmPTE", group: "Experiment", sort: "peak", isNumber: true, widthPx: 104 },
  { id: "operations", label: "Operations", group: "Experiment", sort: "operations", isNumber: true, widthPx: 104 },
  { id: "seed", label: "Seed", group: "Experiment", isNumber: true, widthPx: 72 },
  { id: "notes", label: "Notes", group: "Experiment", widthPx: 180 },
];

/** What can be shown beside the title. */
export function tableColumns(): readonly TableColumn[] {
  const names = [...new Set(presets.list.flatMap((preset) => preset.params.map((param) => param.name)))].sort();
  return [
    ...EXPERIMENT_COLUMNS,
    ...POLICY_IDS.map(
      (id): TableColumn => ({
        id: `vmpte.${id}`,
        label: policyWord(id),
        group: "VmPTE at the end",
        isNumber: true,
        widthPx: 112,
      }),
    ),
    ...names.map(
      (name): TableColumn => ({
        id: `param.${name}`,
        label: name,
        group: "Parameters",
        sort: `param.${name}`,
        isNumber: true,
        widthPx: 96,
      }),
    ),
  ];
}

/** What of the history the table shows, and how; saved under a name it is a view. */
export interface TableView {
  readonly filter: string;
  readonly shelf: Shelf;
  readonly sort: TableSort;
  readonly descending: boolean;
  /** A column that rows stand together by; empty: none. */
  readonly group: string;
  readonly columns: readonly string[];
}

export interface SavedView extends TableView {
  readonly name: string;
}

const FIRST_VIEW: TableView = {
  filter: "",
  shelf: "active",
  sort: "created",
  descending: true,
  group: "",
  columns: ["created", "workload", "policies", "tags", "saved", "peak"],
};

const isSort = (text: unknown): text is TableSort =>
  typeof text === "string" && tableColumns().some(({ sort }) => sort === text || text === "title");

/** As it was remembered, as far as it is one. */
function viewFrom(found: unknown): TableView {
  if (typeof found !== "object" || found === null) return FIRST_VIEW;
  const { filter, shelf, sort, descending, group, columns } = found as Partial<Record<keyof TableView, unknown>>;
  return {
    filter: typeof filter === "string" ? filter : "",
    shelf: shelf === "archive" || shelf === "trash" ? shelf : "active",
    sort: isSort(sort) ? sort : "created",
    descending: descending !== false,
    group: typeof group === "string" ? group : "",
    columns: Array.isArray(columns) ? columns.filter((each) => typeof each === "string") : FIRST_VIEW.columns,
  };
}

/** The history as a table: pages are fetched as they come into sight. */
export class HistoryTable {
  view = $state.raw<TableView>(viewFrom(settings.remembered.historyTable));
  total = $state(0);
  loaded = $state(false);
  error = $state.raw<LabError | undefined>(undefined);
  pages = $state.raw<ReadonlyMap<number, readonly HistoryRow[]>>(new Map());
  #asked = new Set<number>();
  #inSight: readonly number[] = [0];
  #round = 0;

  /** Changes what is shown, and remembers it. */
  change(changes: Partial<TableView>): void {
    this.view = { ...this.view, ...changes };
    settings.remember({ historyTable: this.view });
    if (Object.keys(changes).some((key) => key !== "columns")) void this.reload();
  }

  get saved(): readonly SavedView[] {
    return settings.remembered.historyViews.flatMap((found) => {
      const { name } = found as { name?: unknown };
      return typeof name === "string" ? [{ name, ...viewFrom(found) }] : [];
    });
  }

  save(name: string): void {
    const others = this.saved.filter((each) => each.name !== name);
    settings.remember({ historyViews: [...others, { name, ...this.view }] });
  }

  forget(name: string): void {
    settings.remember({ historyViews: this.saved.filter((each) => each.name !== name) });
  }

  row(index: number): HistoryRow | undefined {
    return this.pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS];
  }

  #query(page: number): HistoryQuery {
    const { filter, shelf, sort, descending, group } = this.view;
    const grouped = group === "created" ? "day" : tableColumns().find(({ id }) => id === group)?.sort;
    return {
      filter,
      shelf,
      sort,
      descending,
      ...(grouped ? { group: grouped } : {}),
      offset: page * PAGE_ROWS,
      limit: PAGE_ROWS,
    };
  }

  async reload(): Promise<void> {
    this.#round += 1;
    this.#asked = new Set();
    await Promise.all([...new Set([0, ...this.#inSight])].map((page) => this.#fetch(page, page === 0)));
  }

  /** Fetches the pages of rows first..last that are not there yet. */
  show(first: number, last: number): void {
    const pages = [Math.floor(first / PAGE_ROWS), Math.floor(last / PAGE_ROWS)];
    this.#inSight = pages;
    for (const page of new Set(pages)) if (!this.#asked.has(page)) void this.#fetch(page, false);
  }

  async #fetch(page: number, first: boolean): Promise<void> {
    const round = this.#round;
    this.#asked.add(page);
    try {
      const answer = await call("history.list", this.#query(page));
      if (round !== this.#round) return;
      const pages = new Map([...this.pages].filter(([at]) => !first || this.#inSight.includes(at)));
      this.pages = pages.set(page, answer.rows);
      this.total = answer.total;
      this.loaded = true;
      this.error = undefined;
    } catch (thrown) {
      if (round === this.#round) this.error = asLabError(thrown);
    }
  }
}
