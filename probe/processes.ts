/** The processes of this machine and their control groups, from /proc and /sys/fs/cgroup. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import type { CgroupMemory } from "../engine/live/verdict.ts";

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
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

/** Where control groups are: the unified hierarchy (version 2), and version 1's for memory; null: not mounted. */
function hierarchies(): { readonly unified: string | null; readonly memory: string | null } {
  let unified: string | null = null;
  let memory: string | null = null;
  for (const line of (textOf("/proc/self/mountinfo") ?? "").split("\n")) {
    const [before, after = ""] = line.split(" - ");
    const folder = before.split(" ")[4];
    if (after.startsWith("cgroup2 ")) unified ??= folder;
    else if (after.startsWith("cgroup ") && /[ ,]memory(,|$)/.test(after)) memory ??= folder;
  }
  return { unified, memory };
}

/** The folder of a process's control group; null: it has none but the root, or is gone. */
export function cgroupOf(pid: number): string | null {
  const text = textOf(`/proc/${pid}/cgroup`) ?? "";
  const { unified, memory } = hierarchies();
  const own = /^0::\/(.+)$/m.exec(text)?.[1];
  if (unified !== null && own !== undefined) return `${unified}/${own}`;
  const first = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:\/(.+)$/m.exec(text)?.[1];
  return memory !== null && first !== undefined ? `${memory}/${first}` : null;
}

function numberIn(path: string): number | null {
  const text = textOf(path)?.trim();
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

const kb = (bytes: number | null): number | null => (bytes === null ? null : Math.floor(bytes / 1024));
/** Version 1 writes "no limit" as the largest number of pages. */
const NO_LIMIT_KB = 2 ** 52;

/** What a control group holds, by its folder; null where it does not tell. The limit is the least on the way up. */
export function cgroupMemory(folder: string): CgroupMemory | null {
  const [current, most] = existsSync(`${folder}/memory.current`)
    ? ["memory.current", "memory.max"]
    : ["memory.usage_in_bytes", "memory.limit_in_bytes"];
  const currentKb = kb(numberIn(`${folder}/${current}`));
  if (currentKb === null) return null;
  const stat = /^pagetables (\d+)$/m.exec(textOf(`${folder}/memory.stat`) ?? "");
  let maxKb: number | null = null;
  for (let group = folder; existsSync(`${group}/${most}`); group = dirname(group)) {
    const max = kb(numberIn(`${group}/${most}`));
    if (max !== null && max < NO_LIMIT_KB) maxKb = maxKb === null ? max : Math.min(maxKb, max);
  }
  return { path: folder, pageTablesKb: stat === null ? null : Math.floor(Number(stat[1]) / 1024), currentKb, maxKb };
}

/** The folder of a control group as people name it: its path in a hierarchy, with or without that; null: none such. */
export function findCgroup(name: string): string | null {
  const { unified, memory } = hierarchies();
  const places = [name, ...[unified, memory].filter((root) => root !== null).map((root) => `${root}/${name}`)];
  const found = places.find((place) => isAbsolute(place) && existsSync(`${place}/cgroup.procs`));
  return found === undefined ? null : resolve(found);
}

/** The processes of a control group and of those below it. */
export function pidsOfCgroup(folder: string): number[] {
  const pids = (textOf(`${folder}/cgroup.procs`) ?? "").split("\n").filter(Boolean).map(Number);
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) pids.push(...pidsOfCgroup(`${folder}/${entry.name}`));
  return pids;
}

/** PageTables of /proc/meminfo, in kB: those of all processes, zombies and kernel threads apart. */
export function machinePageTablesKb(): number {
  return Number(/^PageTables:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0);
}
