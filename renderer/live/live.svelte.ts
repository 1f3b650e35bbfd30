import type { Split } from "../../engine/live/split.ts";
import type { SheetMessage } from "../../main/contract/sheet.ts";
import type { LabError, LiveProcess, LiveRow, LiveService, LiveServiceRow, LiveTop } from "../../main/contract.ts";
import { asLabError, call } from "../state/lab.ts";
import { view } from "../state/view.svelte.ts";

/** How long a line is, and how many of its values are drawn. */
const LINE_MS = 10 * 60_000;

/** A line of the list: a process, or all processes of one name. */
export interface ListRow {
  readonly key: string;
  readonly name: string;
  /** null: a service. */
  readonly pid: number | null;
  readonly pids: readonly number[];
  readonly vmpteKb: number;
  readonly rssKb: number;
  readonly empty: LiveServiceRow["empty"];
  readonly split: Split;
}

const keyOf = (pid: number): string => `pid-${pid}`;
/** Letters that may stand in an id; names may hold any. */
const keyOfService = (name: string): string => `name-${encodeURIComponent(name)}`;

function processRow({ pid, name, vmpte_kb, rss_kb, tables, split }: LiveRow): ListRow {
  return { key: keyOf(pid), name, pid, pids: [pid], vmpteKb: vmpte_kb, rssKb: rss_kb, empty: tables.empty, split };
}

function serviceRow({ name, pids, vmpte_kb, rss_once_kb, empty, split }: LiveServiceRow): ListRow {
  return { key: keyOfService(name), name, pid: null, pids, vmpteKb: vmpte_kb, rssKb: rss_once_kb, empty, split };
}

export interface LinePoint {
  readonly atMs: number;
  readonly kb: number;
}

/** What a picture of this view holds, and when that was seen. */
export interface LiveExport {
  readonly sheet: SheetMessage;
  readonly origin: { readonly kind: "machine"; readonly seenAt: number };
}

interface LineOf {
  readonly name: string;
  readonly points: LinePoint[];
}

/** The machine as it is now: asked again and again while the view is open and seen. */
export class Live {
  top = $state.raw<LiveTop | undefined>(undefined);
  error = $state.raw<LabError | undefined>(undefined);
  /** The process that is open, by its pid, and what was seen of it. */
  pid = $state<number | undefined>(undefined);
  process = $state.raw<LiveProcess | undefined>(undefined);
  /** Or the service, by its name. */
  serviceName = $state<string | undefined>(undefined);
  service = $state.raw<LiveService | undefined>(undefined);
  processError = $state.raw<LabError | undefined>(undefined);
  /** Of a look that takes long, 0..1. */
  share = $state<number | undefined>(undefined);
  /** When that was seen, ms since 1970. */
  seenAtMs = $state(0);
  keeping = $state(false);
  search = $state("");
  /** Are processes of one name one line? */
  grouped = $state(true);
  /** Counts the looks, so that lines are drawn anew. */
  looks = $state(0);
  /** What lines span: from the first look that is remembered to the last. */
  span = $state.raw<{ readonly fromMs: number; readonly toMs: number }>({ fromMs: 0, toMs: 0 });
  /** The rows of the list that are in view. */
  seenRows: () => readonly ListRow[] = () => [];
  /** Gives what the open panel's picture holds; undefined: none is open. */
  exported: (() => LiveExport | undefined) | undefined;
  readonly #lines = new Map<number, LineOf>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #open = false;
  #looking = false;

  readonly rows = $derived.by((): readonly ListRow[] => {
    const words = this.search.trim().toLowerCase();
    const { processes, services } = this.top ?? { processes: [], services: [] };
    const grouped = this.grouped ? services : [];
    const within = new Set(grouped.map(({ name }) => name));
    // A number means a process also where it is one of a service.
    const asked = /^\d+$/.test(words) ? processes.find(({ pid }) => String(pid) === words) : undefined;
    if (asked !== undefined) return [processRow(asked)];
    const all = [...grouped.map(serviceRow), ...processes.filter(({ name }) => !within.has(name)).map(processRow)];
    const found = words === "" ? all : all.filter(({ name }) => name.toLowerCase().includes(words));
    return grouped.length === 0 ? found : found.sort((a, b) => b.vmpteKb - a.vmpteKb);
  });

  readonly openKey = $derived(
    this.pid !== undefined
      ? keyOf(this.pid)
      : this.serviceName !== undefined
        ? keyOfService(this.serviceName)
        : undefined,
  );

  /** The view is shown; gives what ends that. */
  start(): () => void {
    this.#open = true;
    const onVisible = (): void => {
      if (!document.hidden) void this.look();
    };
    document.addEventListener("visibilitychange", onVisible);
    const stop = window.lab.on("live.progressed", ({ pid, share }) => {
      if (pid === (this.pid ?? 0)) this.share = share;
    });
    void this.look();
    return () => {
      this.#open = false;
      clearTimeout(this.#timer);
      document.removeEventListener("visibilitychange", onVisible);
      stop();
    };
  }

  async look(): Promise<void> {
    if (this.#looking) return;
    clearTimeout(this.#timer);
    this.#looking = true;
    let next = 5000;
    try {
      const top = await call("live.top");
      this.#addLines(top.processes);
      this.top = top;
      this.looks++;
      this.error = undefined;
      next = top.next_ms;
    } catch (thrown) {
      this.error = asLabError(thrown);
    }
    this.#looking = false;
    // A window that nobody sees costs nothing.
    if (this.#open && !document.hidden) this.#timer = setTimeout(() => void this.look(), next);
  }

  #addLines(rows: readonly LiveRow[]): void {
    const atMs = Date.now();
    const seen = new Set<number>();
    for (const { pid, name, vmpte_kb } of rows) {
      seen.add(pid);
      const known = this.#lines.get(pid);
      const line = known?.name === name ? known : { name, points: [] };
      if (line !== known) this.#lines.set(pid, line);
      line.points.push({ atMs, kb: vmpte_kb });
      while (line.points[0].atMs < atMs - LINE_MS) line.points.shift();
    }
    for (const pid of this.#lines.keys()) if (!seen.has(pid)) this.#lines.delete(pid);
    const first = this.span.fromMs === 0 ? atMs : this.span.fromMs;
    this.span = { fromMs: Math.max(first, atMs - LINE_MS), toMs: atMs };
  }

  /** VmPTE of the last minutes: of several processes their sum, from when on all of them were there. */
  line(pids: readonly number[]): readonly LinePoint[] {
    void this.looks;
    const lines = pids.map((pid) => this.#lines.get(pid)?.points ?? []);
    const [first] = lines;
    if (first === undefined || lines.length === 1) return first ?? [];
    const length = lines.reduce((least, points) => Math.min(least, points.length), Number.POSITIVE_INFINITY);
    return first.slice(first.length - length).map(({ atMs }, i) => ({
      atMs,
      kb: lines.reduce((sum, points) => sum + (points[points.length - length + i]?.kb ?? 0), 0),
    }));
  }

  openRow({ pid, name }: ListRow): Promise<void> {
    return pid === null ? this.openService(name) : this.open(pid);
  }

  async open(pid: number): Promise<void> {
    this.serviceName = undefined;
    this.service = undefined;
    this.pid = pid;
    this.share = undefined;
    this.processError = undefined;
    try {
      const seen = await call("live.inspect", { pid });
      // Another may have been opened meanwhile.
      if (this.pid === pid) {
        this.process = seen;
        this.seenAtMs = Date.now();
      }
    } catch (thrown) {
      if (this.pid === pid) this.processError = asLabError(thrown);
    }
    if (this.pid === pid) this.share = undefined;
  }

  async openService(name: string): Promise<void> {
    this.pid = undefined;
    this.process = undefined;
    if (this.serviceName !== name) this.service = undefined;
    this.serviceName = name;
    this.share = undefined;
    this.processError = undefined;
    try {
      const seen = await call("live.inspectService", { target: { kind: "named", name } });
      if (this.serviceName === name) {
        this.service = seen;
        this.seenAtMs = Date.now();
      }
    } catch (thrown) {
      if (this.serviceName === name) this.processError = asLabError(thrown);
    }
    if (this.serviceName === name) this.share = undefined;
  }

  close(): void {
    this.pid = undefined;
    this.process = undefined;
    this.serviceName = undefined;
    this.service = undefined;
    this.processError = undefined;
  }

  /** Puts the process or service that is open into the history and opens it there. */
  async keep(): Promise<void> {
    const { pid, serviceName: name } = this;
    if ((pid === undefined && name === undefined) || this.keeping) return;
    this.keeping = true;
    try {
      const { id } =
        pid === undefined
          ? await call("live.keepService", { target: { kind: "named", name: name ?? "" } })
          : await call("live.keep", { pid });
      view.go({ name: "experiment", id });
    } catch (thrown) {
      this.processError = asLabError(thrown);
    }
    this.keeping = false;
  }
}

export const live = new Live();
