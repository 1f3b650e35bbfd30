/** The live machine, looked at: one process, a service of several, or all. For command line and lab host. */
import { release } from "node:os";
import { basename } from "node:path";
import { BadInputError, ReclaimLabError } from "../../engine/error.ts";
import {
  type ProcessDocument,
  processDocument,
  type ServiceDocument,
  type Surroundings,
  serviceDocument,
  type TopDocument,
  topDocument,
} from "../../engine/live/document.ts";
import { isLook, type Look, type NoLook } from "../../engine/live/look.ts";
import { filesOf } from "../../engine/live/shared.ts";
import { detect } from "../../probe/detect.ts";
import type { Looker, LookOptions } from "../../probe/look.ts";
import {
  allPids,
  cgroupMemory,
  cgroupOf,
  commonCgroup,
  findCgroup,
  hiddenFacts,
  machinePageTablesKb,
  nameOfProcess,
  pidsOfCgroup,
  shownName,
  startedMs,
} from "../../probe/processes.ts";

export type Target =
  | { readonly kind: "pid"; readonly pid: number }
  | { readonly kind: "name"; readonly pattern: string }
  /** All that are called so, as top calls them. */
  | { readonly kind: "named"; readonly name: string }
  | { readonly kind: "cgroup"; readonly path: string };

/** How far a look is: `what` is being looked at, `share` of all that there is to do. */
export type Progress = (what: string, share: number) => void;

/** A process may not be looked at: another user's. */
class NotReadableError extends ReclaimLabError {
  override readonly name: string = "NotReadableError";
}

let reclaims: boolean | null | undefined;

/** What this kernel does, tried once. */
function reclaimsHere(): boolean | null {
  if (reclaims === undefined) {
    const kernel = detect();
    reclaims = kernel.available ? kernel.reclaims : null;
  }
  return reclaims;
}

export function surroundings(): Surroundings {
  return {
    kernel: release(),
    reclaims: reclaimsHere(),
    cgroupOf(pid) {
      const folder = cgroupOf(pid);
      return folder === null ? null : cgroupMemory(folder);
    },
    nowMs: Date.now(),
    startedMs,
  };
}

function refuse({ pid, why }: NoLook): never {
  if (why === "denied") throw new NotReadableError(`The page tables of process ${pid} cannot be read`, hiddenFacts());
  if (why === "no memory")
    throw new BadInputError(`Process ${pid} has no page tables of its own`, {
      why: "it is a kernel thread or a zombie",
      todo: "`reclaim-lab top` lists processes that do",
    });
  throw new BadInputError(`There is no process ${pid}`, { todo: "`reclaim-lab top` lists the processes" });
}

/** Looks at many. `what` is done meanwhile, in words. */
async function lookAtEach(
  looker: Looker,
  pids: readonly number[],
  options: LookOptions,
  what: string,
  onProgress: Progress,
): Promise<(Look | NoLook)[]> {
  let done = 0;
  return Promise.all(
    pids.map(async (pid) => {
      const onPart = (share: number): void => onProgress(what, (done + share) / pids.length);
      const look = await looker.look(pid, { ...options, onProgress: onPart });
      onProgress(what, ++done / pids.length);
      return look;
    }),
  );
}

/** The others that have tables of what these map: their mappings of those files alone. */
async function compare(looker: Looker, looks: readonly Look[], onProgress: Progress): Promise<Look[]> {
  const own = new Set(looks.map(({ pid }) => pid));
  const tables = new Map<string, number>();
  for (const look of looks)
    for (const { file, tables: count } of filesOf(look)) tables.set(file, (tables.get(file) ?? 0) + count);
  const files = [...tables].sort(([, a], [, b]) => b - a).map(([file]) => file);
  if (files.length === 0) return [];
  const pids = allPids().filter((pid) => !own.has(pid));
  const others = await lookAtEach(looker, pids, { once: true, files }, "who else maps the same files", onProgress);
  return others.filter(isLook);
}

/** Errors: BadInputError for a process that is not there, NotReadableError. */
export async function inspectProcess(looker: Looker, pid: number, onProgress: Progress): Promise<ProcessDocument> {
  return (await lookClosely(looker, pid, onProgress)).document;
}

/** The same, with the look itself: for the map of its tables. */
export async function lookClosely(
  looker: Looker,
  pid: number,
  onProgress: Progress,
): Promise<{ readonly document: ProcessDocument; readonly look: Look }> {
  const look = await looker.look(pid, { onProgress: (share) => onProgress(`process ${pid}`, share) });
  if (!isLook(look)) return refuse(look);
  const others = await compare(looker, [look], onProgress);
  return { document: processDocument(look, others, surroundings()), look };
}

const WHY_MAX = 120;

/** Whether a name matches. An expression that is too large is found out only when it is first used. */
function matcherOf(text: string): (name: string) => boolean {
  const inWords = <T>(body: () => T): T => {
    try {
      return body();
    } catch (error) {
      throw new BadInputError("The name is not a regular expression", {
        where: "--name",
        // V8 repeats the expression in it.
        why: error instanceof Error ? error.message.slice(-WHY_MAX) : String(error),
        todo: "Use one such as '^postgres$'",
      });
    }
  };
  const pattern = inWords(() => new RegExp(text));
  return (name) => inWords(() => pattern.test(name));
}

/** Processes by their name, or the name of their program's file; this one and its probe apart. */
function pidsByName(text: string, own: readonly number[]): number[] {
  const matches = matcherOf(text);
  const found = allPids().filter((pid) => {
    const named = own.includes(pid) ? null : nameOfProcess(pid);
    if (named === null) return false;
    return matches(named.name) || matches(basename(named.command.split(" ", 1)[0]));
  });
  if (found.length > 0) return found;
  throw new BadInputError("No process has this name", {
    where: `--name ${text}`,
    todo: "reclaim-lab top shows the names (of at most 15 characters)",
  });
}

function pidsOf(target: Exclude<Target, { kind: "pid" }>, folder: string, own: readonly number[]): readonly number[] {
  if (target.kind === "cgroup") return pidsOfCgroup(folder);
  if (target.kind === "name") return pidsByName(target.pattern, own);
  return allPids().filter((pid) => shownName(pid) === target.name);
}

/** As a shell takes it. */
function askedFor(target: Exclude<Target, { kind: "pid" }>): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  if (target.kind === "cgroup") return `--cgroup ${quoted(target.path)}`;
  return `--name ${quoted(target.kind === "name" ? target.pattern : `^${target.name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`)}`;
}

/** Errors: as inspectProcess; BadInputError where nothing is meant, NotReadableError where none may be read. */
export async function inspectService(
  looker: Looker,
  target: Exclude<Target, { kind: "pid" }>,
  onProgress: Progress,
): Promise<ServiceDocument> {
  const folder = target.kind === "cgroup" ? findCgroup(target.path) : null;
  if (target.kind === "cgroup" && folder === null)
    throw new BadInputError("There is no such control group", {
      where: `--cgroup ${target.path}`,
      todo: "Give its path below /sys/fs/cgroup, such as system.slice/redis.service",
    });
  const pids = pidsOf(target, folder ?? "", [process.pid, looker.pid]);
  if (pids.length === 0)
    throw new BadInputError(
      target.kind === "cgroup" ? "The control group has no process" : "There is no such process",
      {
        where: askedFor(target),
      },
    );
  const looks = await lookAtEach(looker, pids, {}, `${pids.length} processes`, onProgress);
  const seen = looks.filter(isLook);
  if (seen.length === 0 && looks.some((look) => !isLook(look) && look.why === "denied"))
    throw new NotReadableError("The page tables of these processes cannot be read", hiddenFacts());
  if (seen.length === 0) throw new BadInputError("None of these processes has page tables of its own");
  const compared = await compare(looker, seen, onProgress);
  const common = folder ?? commonCgroup(seen.map(({ pid }) => pid));
  const cgroup = common === null ? null : cgroupMemory(common);
  return serviceDocument(looks, compared, surroundings(), { asked: askedFor(target), cgroup });
}

/** One look of so many asks of each process whether anything changed; those between ask for its size. */
const ASKED_EVERY = 8;

/**
 * Every process that there is; those that end meanwhile are left out. `before`: looks of the last time; of processes that
 * did not change since, these are given again, unlooked. `round` counts the looks: where it is given, processes that are as
 * large as before are taken for unchanged in most of them.
 */
export async function lookAtAll(
  looker: Looker,
  onProgress: Progress,
  before: ReadonlyMap<number, Look> = new Map(),
  round?: number,
): Promise<{ readonly document: TopDocument; readonly looks: ReadonlyMap<number, Look> }> {
  const begun = performance.now();
  const pids = allPids();
  let done = 0;
  const looks = await Promise.all(
    pids.map(async (pid) => {
      const look = await looker.look(pid, {
        once: true,
        unless: before.get(pid),
        lazy: round !== undefined && (pid + round) % ASKED_EVERY !== 0,
      });
      onProgress(`${pids.length} processes`, ++done / pids.length);
      return look;
    }),
  );
  const tookMs = Math.round((performance.now() - begun) * 10) / 10;
  return {
    document: topDocument(looks, machinePageTablesKb(), tookMs),
    looks: new Map(looks.filter(isLook).map((look) => [look.pid, look])),
  };
}
