/** Processes as /proc shows them. */
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** Proportional set size in kB where it may be read, else resident size: shared pages are counted once. */
  readonly memoryKb: number;
  /** Of it, where it may be read: its own memory; of files, of which more is there the more of a program was run; shared memory. */
  readonly parts: { readonly anonKb: number; readonly fileKb: number; readonly shmemKb: number };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function look(pid: number, memory: boolean): ProcessInfo | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === "") return null;
  // The name may hold anything; what follows its last parenthesis does not.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z") return null;
  const rollup = memory ? read(`/proc/${pid}/smaps_rollup`) : "";
  const kb =
    /^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? /^VmRSS:\s+(\d+)/m.exec(memory ? read(`/proc/${pid}/status`) : "")?.[1];
  const part = (name: string) => Number(new RegExp(`^Pss_${name}:\\s+(\\d+)`, "m").exec(rollup)?.[1] ?? 0);
  return {
    pid,
    parent: Number(fields[1]),
    // A program that gave its stack away has no command line any more; its name is in brackets, as ps has it.
    command:
      read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() ||
      `[${stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"))}]`,
    memoryKb: Number(kb ?? 0),
    parts: { anonKb: part("Anon"), fileKb: part("File"), shmemKb: part("Shmem") },
  };
}

/** A process and all that it started. */
export function tree(root: number, options: { readonly memory?: boolean } = {}): ProcessInfo[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => look(Number(name), false))
    .filter((each) => each !== null);
  const inside = new Set([root]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const { pid, parent } of all)
      if (inside.has(parent) && !inside.has(pid)) {
        inside.add(pid);
        grown = true;
      }
  }
  const found = all.filter(({ pid }) => inside.has(pid));
  return options.memory ? found.map(({ pid }) => look(pid, true)).filter((each) => each !== null) : found;
}

/** Processor time that a process has used, in milliseconds; 0 where it is gone. The kernel counts it in hundredths of a second for all. */
export function cpuMs(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return 10 * (Number(fields[11] ?? 0) + Number(fields[12] ?? 0));
}

export function isAlive(pid: number): boolean {
  return look(pid, false) !== null;
}
