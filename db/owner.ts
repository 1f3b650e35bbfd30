/**
 * Who runs a run: a process by its id *and* its start, so that a run belongs to a living process and a reused process
 * id is not mistaken for it. Two processes (window and command line) may have one history open at once.
 */
import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";

/** Stored as JSON with an unfinished run. */
export interface Owner {
  readonly pid: number;
  /** When the process started: clock ticks since boot where /proc says so, else "". */
  readonly start: string;
  /** Which boot of which machine, and which process-id namespace, the pid is valid in; "" where unknown. */
  readonly scope: string;
  /** One a store: tells the stores of one process apart. */
  readonly token: string;
}

/** A beat that is older than this belongs to a dead process, where nothing better can be known. */
const HEARTBEAT_STALE_MS = 60_000;
export const HEARTBEAT_EVERY_MS = 10_000;

const liveTokens = new Set<string>();

function readOr(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return "";
  }
}

/**
 * Start of a process in clock ticks since boot (proc(5), /proc/pid/stat field 22), "" if it is gone or unknown. One that
 * has ended and only waits for its parent to notice (a zombie) is gone: it runs nothing any more.
 */
export function startOf(pid: number): string {
  const stat = readOr(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  // The second field, the command, is in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return /^[ZXx]$/.test(fields[0] ?? "") ? "" : (fields[19] ?? "");
}

let scope: string | undefined;
/** Which boot and which namespace of process ids this is. */
export function thisScope(): string {
  scope ??= [
    readOr(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8")),
    readOr(() => readlinkSync("/proc/self/ns/pid")),
  ].join(" ");
  return scope;
}

/** A new owner: this process, for one store. `releaseOwner` when the store closes. */
export function claimOwner(): Owner {
  const owner = { pid: process.pid, start: startOf(process.pid), scope: thisScope(), token: randomUUID() };
  liveTokens.add(owner.token);
  return owner;
}

export function releaseOwner(owner: Owner): void {
  liveTokens.delete(owner.token);
}

export function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/**
 * Whether the process that owns a run still lives. Certain where /proc can be read in the same boot and namespace;
 * of another boot: dead; of another namespace (a container beside this one), or without /proc: by its heartbeat.
 */
export function isAlive(owner: Owner, heartbeatMs: number, nowMs: number): boolean {
  const beating = nowMs - heartbeatMs < HEARTBEAT_STALE_MS;
  if (owner.scope !== thisScope()) {
    const [boot = ""] = owner.scope.split(" ");
    const [hereBoot = ""] = thisScope().split(" ");
    return boot === hereBoot && beating;
  }
  if (owner.pid === process.pid && owner.start === startOf(process.pid)) return liveTokens.has(owner.token);
  if (!pidExists(owner.pid)) return false;
  return owner.start === "" ? beating : owner.start === startOf(owner.pid);
}

/** Reads a stored owner; null when it is absent or not one. */
export function parseOwner(json: string | null): Owner | null {
  if (json === null) return null;
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value !== "object" || value === null) return null;
    const { pid, start, scope, token } = value as Record<string, unknown>;
    return typeof pid === "number" &&
      typeof start === "string" &&
      typeof scope === "string" &&
      typeof token === "string"
      ? { pid, start, scope, token }
      : null;
  } catch {
    return null;
  }
}
