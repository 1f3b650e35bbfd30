import type { HistoryQuery, HistoryRow, LabError } from "../../main/contract.ts";
import { asLabError, call } from "./lab.ts";
import { notifyError, notifyUndoable } from "./notify.ts";
import { view } from "./view.svelte.ts";

const PAGE_ROWS = 100;

export type Shelf = "active" | "archive" | "trash";
export type Sort = NonNullable<HistoryQuery["sort"]>;

/** The list of past experiments: pages are fetched as they come into sight, so that its length costs nothing. */
class History {
  search = $state("");
  shelf = $state<Shelf>("active");
  sort = $state<Sort>("created");
  descending = $state(true);
  workload = $state("");
  pinnedOnly = $state(false);

  total = $state(0);
  /** Pages by their number; what is not there yet is drawn as a blank line. */
  pages = $state.raw<ReadonlyMap<number, readonly HistoryRow[]>>(new Map());
  loaded = $state(false);
  error = $state.raw<LabError | undefined>(undefined);
  /** Experiments that are marked, for compare, archive and delete. */
  selected = $state.raw<ReadonlySet<number>>(new Set());

  #asked = new Set<number>();
  /** Pages of the rows that are drawn. */
  #inSight: readonly number[] = [];
  /** Counts the changes of query or content: answers to an older question are dropped. */
  #round = 0;

  /** Searched or filtered, whatever the shelf. */
  narrowed = $derived(this.search !== "" || this.workload !== "" || this.pinnedOnly);
  filtered = $derived(this.narrowed || this.shelf !== "active");

  clearFilters(): void {
    this.search = "";
    this.workload = "";
    this.pinnedOnly = false;
    this.shelf = "active";
  }

  query(page: number): HistoryQuery {
    return {
      filter: this.search,
      shelf: this.shelf,
      sort: this.sort,
      descending: this.descending,
      ...(this.workload ? { workloads: [this.workload] } : {}),
      ...(this.pinnedOnly ? { pinned: true } : {}),
      offset: page * PAGE_ROWS,
      limit: PAGE_ROWS,
    };
  }

  row(index: number): HistoryRow | undefined {
    return this.pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS];
  }

  /** Where an experiment stands in the list; -1 where it is not loaded. */
  indexOf(id: number): number {
    for (const [page, rows] of this.pages) {
      const at = rows.findIndex((row) => row.id === id);
      if (at >= 0) return page * PAGE_ROWS + at;
    }
    return -1;
  }

  /** The first page anew; the pages that were in sight follow. */
  async reload(): Promise<void> {
    this.#round += 1;
    const wanted = new Set([0, ...this.#inSight]);
    this.#asked = new Set();
    await Promise.all([...wanted].map((page) => this.#fetch(page, true)));
  }

  /** Fetches the pages of rows first..last that are not there yet. */
  show(first: number, last: number): void {
    this.#inSight = [Math.floor(first / PAGE_ROWS), Math.floor(last / PAGE_ROWS)];
    for (let page = Math.floor(first / PAGE_ROWS); page <= Math.floor(last / PAGE_ROWS); page += 1) {
      if (!this.#asked.has(page)) void this.#fetch(page, false);
    }
  }

  async #fetch(page: number, fresh: boolean): Promise<void> {
    const round = this.#round;
    this.#asked.add(page);
    try {
      const answer = await call("history.list", this.query(page));
      if (round !== this.#round) return;
      const pages = new Map(
        fresh && page === 0 ? [...this.pages].filter(([at]) => at * PAGE_ROWS < answer.total) : this.pages,
      );
      pages.set(page, answer.rows);
      this.pages = pages;
      this.total = answer.total;
      this.loaded = true;
      this.error = undefined;
    } catch (thrown) {
      if (round === this.#round) this.error = asLabError(thrown);
    }
  }

  toggleSelected(id: number): void {
    const next = new Set(this.selected);
    if (!next.delete(id)) next.add(id);
    this.selected = next;
  }

  clearSelection(): void {
    this.selected = new Set();
  }

  /** Selects every row from one index to another, both included, as far as they are loaded. */
  selectRange(from: number, to: number): void {
    const next = new Set(this.selected);
    for (let index = Math.min(from, to); index <= Math.max(from, to); index += 1) {
      const row = this.row(index);
      if (row) next.add(row.id);
    }
    this.selected = next;
  }

  async delete(ids: readonly number[]): Promise<void> {
    try {
      const open = view.experimentId;
      const isOpen = open !== undefined && ids.includes(open);
      const next = isOpen ? this.#beside(open, ids) : undefined;
      await call("experiment.delete", { ids: [...ids] });
      view.forget(ids);
      this.clearSelection();
      // At once, so that page and list speak of the same one.
      if (isOpen && view.experimentId === open)
        view.replace(next === undefined ? { name: "welcome" } : { name: "experiment", id: next });
      await this.reload();
      this.lastDeleted = ids;
      const what = ids.length === 1 ? "Experiment deleted" : `${ids.length} experiments deleted`;
      notifyUndoable(what, () => void this.undoDelete(ids));
    } catch (thrown) {
      notifyError(thrown);
    }
  }

  /** The experiment that comes to stand where this one stands when `gone` are taken away; undefined where none is left. */
  #beside(id: number, gone: readonly number[]): number | undefined {
    const at = this.indexOf(id);
    const stays = (index: number): number | undefined => {
      const row = this.row(index);
      return row && !gone.includes(row.id) ? row.id : undefined;
    };
    if (at < 0) return stays(0);
    for (let index = at + 1; this.row(index); index += 1) if (stays(index) !== undefined) return stays(index);
    for (let index = at - 1; index >= 0; index -= 1) if (stays(index) !== undefined) return stays(index);
    return undefined;
  }

  /** To the archive or back. */
  async archive(ids: readonly number[], archived: boolean): Promise<void> {
    try {
      for (const id of ids) await call("experiment.describe", { id, archived });
      this.clearSelection();
      await this.reload();
      const what = ids.length === 1 ? "Experiment" : `${ids.length} experiments`;
      if (archived) notifyUndoable(`${what} archived`, () => void this.archive(ids, false));
    } catch (thrown) {
      notifyError(thrown);
    }
  }

  /** What Ctrl Z brings back. */
  lastDeleted = $state.raw<readonly number[]>([]);

  async undoDelete(ids: readonly number[] = this.lastDeleted): Promise<void> {
    if (ids.length === 0) return;
    this.lastDeleted = [];
    try {
      await call("experiment.restore", { ids: [...ids] });
      await this.reload();
      if (ids.length === 1 && ids[0] !== undefined) view.go({ name: "experiment", id: ids[0] });
    } catch (thrown) {
      notifyError(thrown);
    }
  }
}

export const history = new History();
