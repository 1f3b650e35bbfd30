/** The processes of this machine and their control groups, from /proc and /sys/fs/cgroup. */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute } from "node:path";
import type { CgroupMemory } from "../engine/live/verdict-input.ts";

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** Where a path leads; null: it is gone. */
function realOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

/** The folders in one of the kernel's; none where it is gone. */
function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

/** The processes below one, itself first. */
export function processesBelow(pid: number): number[] {
  const found = [pid];
  for (let at = 0; at < found.length; at++) {
    const tasks = `/proc/${found[at]}/task`;
    // A thread may end meanwhile, and the others have children all the same.
    for (const task of foldersIn(tasks))
      for (const child of (textOf(`${tasks}/${task}/children`) ?? "").split(" ").map(Number))
        if (child > 0 && !found.includes(child)) found.push(child);
  }
  return found;
}

/** Every process, by number. */
export function allPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

export interface ProcessName {
  readonly pid: number;
  /** At most 15 characters, any but a line end. */
  readonly name: string;
  /** The command line, arguments apart by blanks; "" for kernel threads and zombies. */
  readonly command: string;
}

/** null: it is gone. */
export function nameOfProcess(pid: number): ProcessName | null {
  const comm = textOf(`/proc/${pid}/comm`);
  if (comm === null) return null;
  const command = (textOf(`/proc/${pid}/cmdline`) ?? "").replace(/\0+$/, "").replaceAll("\0", " ");
  return { pid, name: comm.replace(/\n$/, ""), command };
}

/** It is gone, or waits for its parent to notice that it has ended. */
export function hasEnded(pid: number): boolean {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat === null || /^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}

/** Why the kernel does not show a process's memory, and what helps: facts of an error. Yama, a container, PR_SET_DUMPABLE hide it too. */
export function hiddenFacts(): { readonly why: string; readonly todo?: string } {
  return process.getuid?.() === 0
    ? { why: "the kernel does not show its memory even to root: a container or a security module protects it" }
    : { why: "it belongs to another user, or is protected", todo: "Run this as root" };
}

/** Names that Node gives the first thread of every program: they say nothing. */
const THREAD_NAMES = new Set(["MainThread", "node-MainThread"]);

/** How a process is called: the kernel's name for it, of a program that calls all its processes alike that of its file. "": it is gone. */
export function shownName(pid: number): string {
  const comm = textOf(`/proc/${pid}/comm`)?.replace(/\n$/, "") ?? "";
  if (!THREAD_NAMES.has(comm)) return comm;
  const program = (textOf(`/proc/${pid}/cmdline`) ?? "").split("\0", 1)[0];
  return basename(program) || comm;
}

let bootMs: number | undefined;
/** The unit of times in /proc/PID/stat: USER_HZ is 100 on every architecture that the probe runs on. */
const TICK_MS = 10;

/** When a process began, in ms since 1970; the same in every call. null: it is gone. */
export function startedMs(pid: number): number | null {
  bootMs ??= Number(/^btime (\d+)$/m.exec(textOf("/proc/stat") ?? "")?.[1] ?? 0) * 1000;
  const stat = textOf(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // After the name, which may hold anything: state is field 3, the start is field 22.
  const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[22 - 3]);
  return Number.isFinite(ticks) ? bootMs + ticks * TICK_MS : null;
}

interface Hierarchies {
  /** Version 2's; null: not mounted. */
  readonly unified: string | null;
  /** Version 1's for memory. */
  readonly memory: string | null;
  /** Where any of them is mounted. */
  readonly all: readonly string[];
}

/** Where control groups are. */
function hierarchies(): Hierarchies {
  let unified: string | null = null;
  let memory: string | null = null;
  const all: string[] = [];
  for (const line of (textOf("/proc/self/mountinfo") ?? "").split("\n")) {
    const [before, after = ""] = line.split(" - ");
    const folder = before.split(" ")[4];
    if (!/^cgroup2? /.test(after)) continue;
    all.push(folder);
    if (after.startsWith("cgroup2 ")) unified ??= folder;
    else if (/[ ,]memory(,|$)/.test(after)) memory ??= folder;
  }
  return { unified, memory, all };
}

/**
 * The folder of a process's control group; null: it has none but the root, is gone, or is in one that this namespace does not
 * show: of that the kernel tells a path that leads out by "..", and what lies there is somebody else's choice.
 */
export function cgroupOf(pid: number): string | null {
  const text = textOf(`/proc/${pid}/cgroup`) ?? "";
  const { unified, memory } = hierarchies();
  const own = /^0::\/([^\n]+)$/m.exec(text)?.[1];
  const first = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:\/([^\n]+)$/m.exec(text)?.[1];
  const [root, path] = unified !== null && own !== undefined ? [unified, own] : [memory, first];
  return root === null || path === undefined || path.split("/").includes("..") ? null : `${root}/${path}`;
}

/** The folder of the control group that all these processes are in; null: they are in several, or in none but the root. */
export function commonCgroup(pids: readonly number[]): string | null {
  const groups = new Set(pids.map(cgroupOf));
  const [group = null] = groups;
  return groups.size === 1 ? group : null;
}

function numberIn(path: string): number | null {
  const text = textOf(path)?.trim();
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

const kb = (bytes: number | null): number | null => (bytes === null ? null : Math.floor(bytes / 1024));
/** Version 1 writes "no limit" as the largest number of pages. */
const NO_LIMIT_KB = 2 ** 52;

/** kB of one group: in use, the limit, and inactive file cache, which the kernel drops before it meets the limit. */
function memoryIn(
  group: string,
): { readonly currentKb: number; readonly maxKb: number | null; readonly cacheKb: number } | null {
  const [current, most] = existsSync(`${group}/memory.current`)
    ? ["memory.current", "memory.max"]
    : ["memory.usage_in_bytes", "memory.limit_in_bytes"];
  const currentKb = kb(numberIn(`${group}/${current}`));
  if (currentKb === null) return null;
  const max = kb(numberIn(`${group}/${most}`));
  const cache = /^(?:total_)?inactive_file (\d+)$/m.exec(textOf(`${group}/memory.stat`) ?? "");
  return {
    currentKb,
    maxKb: max !== null && max < NO_LIMIT_KB ? max : null,
    cacheKb: kb(Number(cache?.[1] ?? 0)) ?? 0,
  };
}

/** What a control group holds, by its folder; null where it does not tell. The limit is the least on the way up. */
export function cgroupMemory(folder: string): CgroupMemory | null {
  const own = memoryIn(folder);
  if (own === null) return null;
  const stat = /^(?:total_)?pagetables (\d+)$/m.exec(textOf(`${folder}/memory.stat`) ?? "");
  let maxKb: number | null = null;
  let roomKb: number | null = null;
  let group = folder;
  for (let at: ReturnType<typeof memoryIn> = own; at !== null; group = dirname(group), at = memoryIn(group)) {
    if (at.maxKb === null) continue;
    maxKb = Math.min(maxKb ?? at.maxKb, at.maxKb);
    const room = Math.max(0, at.maxKb - at.currentKb + at.cacheKb);
    roomKb = Math.min(roomKb ?? room, room);
  }
  const pageTablesKb = stat === null ? null : Math.floor(Number(stat[1]) / 1024);
  return { path: folder, pageTablesKb, currentKb: own.currentKb, maxKb, roomKb };
}

/**
 * The folder of a control group as people name it: its path in a hierarchy, with or without that; null: none such. A folder
 * anywhere else is none, whatever lies in it.
 */
export function findCgroup(name: string): string | null {
  const { unified, memory, all } = hierarchies();
  const places = [name, ...[unified, memory].filter((root) => root !== null).map((root) => `${root}/${name}`)];
  for (const place of places) {
    const folder = isAbsolute(place) && existsSync(`${place}/cgroup.procs`) ? realOf(place) : null;
    if (folder !== null && all.some((root) => folder === root || folder.startsWith(`${root}/`))) return folder;
  }
  return null;
}

/** The processes of a control group and of those below it; none of one that is gone, as they may be while it is looked at. */
export function pidsOfCgroup(folder: string): number[] {
  const pids = (textOf(`${folder}/cgroup.procs`) ?? "").split("\n").filter(Boolean).map(Number);
  for (const below of foldersIn(folder)) pids.push(...pidsOfCgroup(`${folder}/${below}`));
  return pids;
}

/** PageTables of /proc/meminfo, in kB: those of all processes, zombies and kernel threads apart. */
export function machinePageTablesKb(): number {
  return Number(/^PageTables:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0);
}
