import type { LabError, LiveProcess, LiveRow, LiveTop } from "../../main/contract.ts";
import { asLabError, call } from "../state/lab.ts";
import { view } from "../state/view.svelte.ts";

/** How long a line is, and how many of its values are drawn. */
const LINE_MS = 10 * 60_000;

interface LineOf {
  readonly name: string;
  readonly points: { readonly atMs: number; readonly kb: number }[];
}

/** The machine as it is now: asked again and again while the view is open and seen. */
class Live {
  top = $state.raw<LiveTop | undefined>(undefined);
  error = $state.raw<LabError | undefined>(undefined);
  /** The process that is open, by its pid, and what was seen of it. */
  pid = $state<number | undefined>(undefined);
  process = $state.raw<LiveProcess | undefined>(undefined);
  processError = $state.raw<LabError | undefined>(undefined);
  /** Of a look that takes long, 0..1. */
  share = $state<number | undefined>(undefined);
  keeping = $state(false);
  search = $state("");
  /** Counts the looks, so that lines are drawn anew. */
  looks = $state(0);
  readonly #lines = new Map<number, LineOf>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #open = false;
  #looking = false;

  readonly rows = $derived.by((): readonly LiveRow[] => {
    const words = this.search.trim().toLowerCase();
    const all = this.top?.processes ?? [];
    if (words === "") return all;
    return all.filter(({ name, pid }) => name.toLowerCase().includes(words) || String(pid) === words);
  });

  /** The view is shown; gives what ends that. */
  start(): () => void {
    this.#open = true;
    const onVisible = (): void => {
      if (!document.hidden) void this.look();
    };
    document.addEventListener("visibilitychange", onVisible);
    const stop = window.lab.on("live.progressed", ({ pid, share }) => {
      if (pid === this.pid) this.share = share;
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
  }

  /** VmPTE of the last minutes, in kB. */
  line(pid: number): readonly number[] {
    void this.looks;
    return this.#lines.get(pid)?.points.map(({ kb }) => kb) ?? [];
  }

  async open(pid: number): Promise<void> {
    this.pid = pid;
    this.share = undefined;
    this.processError = undefined;
    try {
      const seen = await call("live.inspect", { pid });
      // Another may have been opened meanwhile.
      if (this.pid === pid) this.process = seen;
    } catch (thrown) {
      if (this.pid === pid) this.processError = asLabError(thrown);
    }
    if (this.pid === pid) this.share = undefined;
  }

  close(): void {
    this.pid = undefined;
    this.process = undefined;
    this.processError = undefined;
  }

  /** Puts the process into the history and opens it there. */
  async keep(): Promise<void> {
    const { pid } = this;
    if (pid === undefined || this.keeping) return;
    this.keeping = true;
    try {
      const { id } = await call("live.keep", { pid });
      view.go({ name: "experiment", id });
    } catch (thrown) {
      this.processError = asLabError(thrown);
    }
    this.keeping = false;
  }
}

export const live = new Live();
