/** The live machine in the lab host: one probe for the window's looks, and the line of each process for some minutes. */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import type { Store } from "../../db/store.ts";
import type { TopRow } from "../../engine/live/document.ts";
import type { Look } from "../../engine/live/look.ts";
import { pictureOf } from "../../engine/live/picture.ts";
import { type Looker, startLooker } from "../../probe/look.ts";
import { cgroupMemory, cgroupOf } from "../../probe/processes.ts";
import type { Handlers, LabCallName } from "../contract.ts";
import { inspectService, lookAtAll, lookClosely, surroundings } from "../live/inspect.ts";
import { forecastFor, keepObservation, keptService, type LinePoint, pointOf } from "../live/keep.ts";
import type { Emit } from "./emit.ts";
import { toExperiment } from "./shapes.ts";

type Names = Extract<LabCallName, `live.${string}`>;

/** A line holds so much. */
const LINE_MS = 10 * 60_000;
/** The probe ends when nobody has asked for so long. */
const IDLE_MS = 60_000;
const NEXT_MS_LEAST = 2000;
const NEXT_MS_MOST = 30_000;
/** Looks take at most this share of one core. */
const COST_MOST = 0.02;
/** Processor time of a process so far, in ms: what its first thread ran (the probe has one). */
function processorMs(pid: number): number | null {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ", 1)[0]) / 1e6;
  } catch {
    return null;
  }
}

/** What the looks at one process, and which process that is: pids are used again. */
interface Line {
  readonly name: string;
  points: LinePoint[];
}

export function liveHandlers(
  store: Store,
  emit: Emit,
): { readonly handlers: Handlers<Names>; readonly close: () => void } {
  let looker: Looker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let looks: ReadonlyMap<number, Look> = new Map();
  let costAt: { readonly atMs: number; readonly processorMs: number } | undefined;
  const lines = new Map<number, Line>();
  /** The one that was inspected last: for its map. */
  let inspected: Look | undefined;

  function close(): void {
    clearTimeout(idle);
    looker?.close();
    looker = undefined;
    costAt = undefined;
  }

  async function withLooker<T>(body: (looker: Looker) => Promise<T>): Promise<T> {
    looker ??= startLooker();
    const mine = looker;
    clearTimeout(idle);
    try {
      return await body(mine);
    } catch (error) {
      // One that died is not asked again.
      if (error instanceof Error && error.name === "ProbeDiedError" && looker === mine) close();
      throw error;
    } finally {
      clearTimeout(idle);
      idle = setTimeout(close, IDLE_MS).unref();
    }
  }

  function addPoint(pid: number, name: string, point: LinePoint): readonly LinePoint[] {
    let line = lines.get(pid);
    if (line === undefined || line.name !== name) {
      line = { name, points: [] };
      lines.set(pid, line);
    }
    const oldest = point.atMs - LINE_MS;
    if (line.points.length > 0 && line.points[0].atMs < oldest)
      line.points = line.points.filter(({ atMs }) => atMs >= oldest);
    line.points.push(point);
    return line.points;
  }

  function addRows(rows: readonly TopRow[], atMs: number): void {
    const seen = new Set<number>();
    for (const { pid, name, vmpte_kb, rss_kb, tables, split } of rows) {
      seen.add(pid);
      const virtKb = looks.get(pid)?.before.virtKb ?? 0;
      const pteTables = Math.round((vmpte_kb - split.upper) / 4);
      const emptyTables = tables.empty.estimate;
      addPoint(pid, name, { atMs, vmpteKb: vmpte_kb, rssKb: rss_kb, virtKb, pteTables, emptyTables });
    }
    for (const pid of lines.keys()) if (!seen.has(pid)) lines.delete(pid);
  }

  /** Processor time of the probe for one look, in ms, and the share of one core that all took since the last time. */
  function costOf(
    pid: number,
    before: number | null,
  ): { readonly spentMs: number | null; readonly share: number | null } {
    const used = processorMs(pid);
    if (used === null || before === null) return { spentMs: null, share: null };
    const now = performance.now();
    const last = costAt;
    costAt = { atMs: now, processorMs: used };
    const share = last === undefined ? null : (used - last.processorMs) / Math.max(1, now - last.atMs);
    return { spentMs: used - before, share };
  }

  async function closely(pid: number) {
    const onProgress = (_: string, share: number): void => emit("live.progressed", { pid, share });
    const { document, look } = await withLooker((mine) => lookClosely(mine, pid, onProgress));
    inspected = look;
    const line = addPoint(pid, document.name, pointOf(document, Date.now()));
    return { document, line };
  }

  const handlers: Handlers<Names> = {
    "live.top": () =>
      withLooker(async (mine) => {
        const before = processorMs(mine.pid);
        const { document, looks: seen } = await lookAtAll(mine, () => undefined, looks);
        looks = seen;
        const now = Date.now();
        addRows(document.processes, now);
        const { spentMs, share } = costOf(mine.pid, before);
        const next = Math.min(NEXT_MS_MOST, Math.max(NEXT_MS_LEAST, (spentMs ?? document.took_ms) / COST_MOST));
        return {
          ...document,
          processes: [...document.processes],
          shared: [...document.shared],
          memory_kb: Math.floor(totalmem() / 1024),
          cost: share,
          next_ms: Math.round(next),
        };
      }),
    "live.inspect": async ({ pid }) => {
      const { document, line } = await closely(pid);
      const now = Date.now();
      const folder = cgroupOf(pid);
      const { mappings, shared, causes, verdict } = document;
      return {
        document: {
          ...document,
          mappings: [...mappings],
          shared: [...shared],
          causes: [...causes],
          verdict: { ...verdict, sentences: [...verdict.sentences], next: [...verdict.next] },
        },
        line: line.map(({ atMs, vmpteKb }) => ({ secondsAgo: (now - atMs) / 1000, vmpteKb })),
        forecast: forecastFor(store, document, folder === null ? null : cgroupMemory(folder)),
      };
    },
    "live.picture": ({ pid, ...part }) => {
      if (inspected === undefined || inspected.pid !== pid) return null;
      const { segments, ...picture } = pictureOf(inspected, part);
      return { ...picture, segments: [...segments] };
    },
    "live.keep": async ({ pid }) => {
      const { document, line } = await closely(pid);
      const kept = keepObservation(store, document, line, surroundings().reclaims);
      emit("history.changed", { ids: [kept.id] });
      return toExperiment(kept);
    },
    "live.keepService": async (target) => {
      const document = await withLooker((mine) => inspectService(mine, target, () => undefined));
      const kept = keptService(target.kind === "name" ? target.pattern : target.path, document);
      const stored = keepObservation(store, kept, [pointOf(kept, Date.now())], surroundings().reclaims);
      emit("history.changed", { ids: [stored.id] });
      return toExperiment(stored);
    },
  };
  return { handlers, close };
}
