/** How much memory a measured run may use on this machine. */
import { readFileSync } from "node:fs";
import { MeasuredTooLargeError } from "./errors.ts";

function readNumber(path: string): number | null {
  try {
    const value = Number(readFileSync(path, "utf8").trim());
    return Number.isFinite(value) ? value : null;
  } catch {
    return null;
  }
}

function meminfoKb(name: string): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/meminfo", "utf8"));
  return found === null ? null : Number(found[1]);
}

/** What the own control group leaves, in kB; null where there is no limit. */
function cgroupAvailableKb(): number | null {
  let own: string;
  try {
    own = /^0::(\/.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1] ?? "/";
  } catch {
    return null;
  }
  let least: number | null = null;
  for (let group = own; ; group = group.slice(0, group.lastIndexOf("/"))) {
    const folder = `/sys/fs/cgroup${group === "/" ? "" : group}`;
    const max = readNumber(`${folder}/memory.max`);
    const current = readNumber(`${folder}/memory.current`);
    if (max !== null && current !== null) {
      const left = Math.floor((max - current) / 1024);
      least = least === null ? left : Math.min(least, left);
    }
    if (group === "" || group === "/") return least;
  }
}

/** Memory that could be had without swapping, in kB, within the control group's limit. */
function availableKb(): number {
  const machine = meminfoKb("MemAvailable") ?? 0;
  const group = cgroupAvailableKb();
  return group === null ? machine : Math.min(machine, group);
}

/** A run stops when less than this is left, in kB: a fiftieth of the memory, at least 192 MB. */
export function floorKb(): number {
  return Math.max(192 * 1024, Math.floor((meminfoKb("MemTotal") ?? 0) / 50));
}

const mb = (kb: number): string => `${Math.ceil(kb / 1024).toLocaleString("en")} MB`;

/** Errors: MeasuredTooLargeError where a resident peak of `peakKb` does not fit, saying by how much. */
export function checkFits(peakKb: number): void {
  const room = availableKb() - floorKb();
  if (peakKb <= room) return;
  throw new MeasuredTooLargeError("The workload does not fit this machine's memory", {
    why: `it needs ${mb(peakKb)} at its peak and ${mb(Math.max(0, room))} can be used: ${mb(peakKb - Math.max(0, room))} too much`,
    todo: "Make it smaller (--set), free memory, or run it on the model only (--source model)",
  });
}
