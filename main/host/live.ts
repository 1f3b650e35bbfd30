/** The live machine in the lab host: one probe for the window's looks, and the line of each process for some minutes. */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import type { Store } from "../../db/store.ts";
import { BadInputError } from "../../engine/error.ts";
import type { ProcessDocument, ServiceDocument, TopDocument } from "../../engine/live/document.ts";
import type { Look } from "../../engine/live/look.ts";
import { pictureOf } from "../../engine/live/picture.ts";
import { pteTablesOf } from "../../engine/live/split.ts";
import type { Verdict } from "../../engine/live/verdict.ts";
import { type Looker, startLooker } from "../../probe/look.ts";
import { cgroupMemory, cgroupOf, commonCgroup, findCgroup } from "../../probe/processes.ts";
import type { Experiment, Handlers, LabCallName } from "../contract.ts";
import { inspectService, lookAtAll, lookClosely, surroundings, type Target } from "../live/inspect.ts";
import { forecastFor, type Kept, keepObservation, keptService, type LinePoint, pointOf } from "../live/keep.ts";
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

type ServiceTarget = Exclude<Target, { kind: "pid" }>;

function serviceName(target: ServiceTarget): string {
  if (target.kind === "cgroup") return target.path;
  return target.kind === "name" ? target.pattern : target.name;
}

function toVerdict({ problem, sentences, remedies, next }: Verdict) {
  return { problem, sentences: [...sentences], remedies: [...remedies], next: [...next] };
}

function toDocument(document: ProcessDocument) {
  const { mappings, shared, causes, allocators, verdict } = document;
  return {
    ...document,
    mappings: [...mappings],
    shared: [...shared],
    causes: [...causes],
    allocators: [...allocators],
    verdict: toVerdict(verdict),
  };
}

/** The looks at one process or service. */
interface Line {
  /** Which process that is: pids are used again. */
  readonly name: string;
  points: LinePoint[];
  /** All looks belong to it. */
  watched: boolean;
  /** What was seen last, closely. */
  last?: Kept;
}

const keyOf = (target: ServiceTarget): string => `${target.kind} ${serviceName(target)}`;

export function liveHandlers(
  store: Store,
  emit: Emit,
): { readonly handlers: Handlers<Names>; readonly close: () => void } {
  let looker: Looker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let looks: ReadonlyMap<number, Look> = new Map();
  let round = 0;
  let costAt: { readonly atMs: number; readonly processorMs: number } | undefined;
  const lines = new Map<string, Line>();
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

  function lineOf(key: string, name: string): Line {
    let line = lines.get(key);
    if (line === undefined || line.name !== name) {
      line = { name, points: [], watched: false };
      lines.set(key, line);
    }
    return line;
  }

  function addPoint(line: Line, point: LinePoint): void {
    const oldest = point.atMs - LINE_MS;
    if (!line.watched && line.points.length > 0 && line.points[0].atMs < oldest)
      line.points = line.points.filter(({ atMs }) => atMs >= oldest);
    line.points.push(point);
  }

  function addRows({ processes, services }: TopDocument, atMs: number): void {
    const seen = new Set<string>();
    const add = (key: string, name: string, point: LinePoint): void => {
      seen.add(key);
      addPoint(lineOf(key, name), point);
    };
    for (const { pid, name, vmpte_kb, rss_kb, tables, split } of processes) {
      const virtKb = looks.get(pid)?.before.virtKb ?? 0;
      const pteTables = pteTablesOf(vmpte_kb, split);
      const emptyTables = tables.empty.estimate;
      add(String(pid), name, { atMs, vmpteKb: vmpte_kb, rssKb: rss_kb, virtKb, pteTables, emptyTables });
    }
    for (const { name, pids, vmpte_kb, empty, split } of services) {
      const sum = (of: "rssKb" | "virtKb"): number =>
        pids.reduce((total, pid) => total + (looks.get(pid)?.before[of] ?? 0), 0);
      const pteTables = pteTablesOf(vmpte_kb, split);
      const point = { atMs, vmpteKb: vmpte_kb, rssKb: sum("rssKb"), virtKb: sum("virtKb"), pteTables };
      add(keyOf({ kind: "named", name }), name, { ...point, emptyTables: empty.estimate });
    }
    for (const [key, { watched, last, points }] of lines) {
      // What was looked at closely and has ended since can still be kept, for as long as a line holds.
      const kept = last !== undefined && (points.at(-1)?.atMs ?? 0) >= atMs - LINE_MS;
      if (!seen.has(key) && !watched && !kept) lines.delete(key);
    }
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

  async function closely(pid: number): Promise<{ readonly document: ProcessDocument; readonly line: Line }> {
    const onProgress = (_: string, share: number): void => emit("live.progressed", { pid, share });
    const { document, look } = await withLooker((mine) => lookClosely(mine, pid, onProgress));
    inspected = look;
    const line = lineOf(String(pid), document.name);
    addPoint(line, pointOf(document, Date.now()));
    line.last = document;
    return { document, line };
  }

  async function service(target: ServiceTarget): Promise<{ readonly document: ServiceDocument; readonly line: Line }> {
    const onProgress = (_: string, share: number): void => emit("live.progressed", { pid: 0, share });
    const document = await withLooker((mine) => inspectService(mine, target, onProgress));
    const line = lineOf(keyOf(target), serviceName(target));
    line.last = keptService(serviceName(target), document);
    addPoint(line, pointOf(line.last, Date.now()));
    return { document, line };
  }

  /** Looks once more; what has ended since is kept as it was seen last. */
  async function keep(key: string, look: () => Promise<unknown>): Promise<Experiment> {
    try {
      await look();
    } catch (error) {
      if (!(error instanceof BadInputError) || lines.get(key)?.last === undefined) throw error;
    }
    const { last, points } = lines.get(key) ?? {};
    if (last === undefined || points === undefined) throw new Error("nothing was seen");
    const stored = keepObservation(store, last, points, surroundings().reclaims);
    emit("history.changed", { ids: [stored.id] });
    return toExperiment(stored);
  }

  const handlers: Handlers<Names> = {
    "live.top": () =>
      withLooker(async (mine) => {
        const before = processorMs(mine.pid);
        const { document, looks: seen } = await lookAtAll(mine, () => undefined, looks, round++);
        looks = seen;
        const now = Date.now();
        addRows(document, now);
        const { spentMs, share } = costOf(mine.pid, before);
        // The first look is at every process; those after it at what changed.
        const dear = share === null ? 0 : (spentMs ?? document.took_ms) / COST_MOST;
        const next = Math.min(NEXT_MS_MOST, Math.max(NEXT_MS_LEAST, dear));
        return {
          ...document,
          processes: [...document.processes],
          shared: [...document.shared],
          services: document.services.map((each) => ({ ...each, pids: [...each.pids] })),
          memory_kb: Math.floor(totalmem() / 1024),
          cost: share,
          next_ms: Math.round(next),
        };
      }),
    "live.inspect": async ({ pid, watched }) => {
      const { document, line } = await closely(pid);
      line.watched ||= watched;
      const now = Date.now();
      const folder = cgroupOf(pid);
      return {
        document: toDocument(document),
        line: line.points.map(({ atMs, vmpteKb }) => ({ secondsAgo: (now - atMs) / 1000, vmpteKb })),
        forecast: forecastFor(
          store,
          { name: document.name, pid, startedMs: document.started_ms },
          folder === null ? null : cgroupMemory(folder),
        ),
      };
    },
    "live.picture": ({ pid, ...part }) => {
      if (inspected === undefined || inspected.pid !== pid) return null;
      const { segments, ...picture } = pictureOf(inspected, part);
      return { ...picture, segments: [...segments] };
    },
    "live.keep": ({ pid }) => keep(String(pid), () => closely(pid)),
    "live.inspectService": async ({ target, watched, mappings }) => {
      const begun = performance.now();
      const { document, line } = await service(target);
      line.watched ||= watched;
      const { processes, shared, total } = document;
      const folder = target.kind === "cgroup" ? findCgroup(target.path) : commonCgroup(processes.map(({ pid }) => pid));
      return {
        name: serviceName(target),
        took_ms: performance.now() - begun,
        processes: processes.map((each) => toDocument(mappings ? each : { ...each, mappings: [] })),
        shared: [...shared],
        total: { ...total, causes: [...total.causes], verdict: toVerdict(total.verdict) },
        forecast: forecastFor(
          store,
          { name: serviceName(target), pid: null, startedMs: null },
          folder === null ? null : cgroupMemory(folder),
        ),
      };
    },
    "live.keepService": ({ target }) => keep(keyOf(target), () => service(target)),
  };
  return { handlers, close };
}
