/** A tracing instance of ours in tracefs: it goes when whoever made it has gone, however that ended. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { started } from "./child.ts";

const NAME = /^reclaim-lab-(\d+)-(\d+)-\d+$/;
/** Of this process: one that goes must not take the next one of its name with it. */
let made = 0;

/** When a process started (proc(5), field 22 of stat); "" where it is gone. */
function startOf(pid: number | string): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function stop(instance: string): void {
  try {
    const on = join(instance, "tracing_on");
    if (existsSync(on)) writeFileSync(on, "0");
    rmdirSync(instance);
  } catch {
    // Somebody still reads from it, or it is gone already.
  }
}

/** Waits until its input ends, which it does when this process dies, and then removes the instance. */
const GUARD = `cat >/dev/null
[ -e "$1/tracing_on" ] && echo 0 >"$1/tracing_on"
n=0
while [ -d "$1" ] && [ $n -lt 100 ]; do rmdir "$1" 2>/dev/null && break; n=$((n + 1)); sleep 0.1; done`;

export interface TraceInstance {
  readonly path: string;
  /** Stops tracing and removes it. */
  remove(): void;
}

/** Makes one in `instances`, after those that processes left which are gone. Errors: NotStartedError. */
export function makeTraceInstance(instances: string): TraceInstance {
  for (const name of readdirSync(instances)) {
    const [, pid, start] = NAME.exec(name) ?? [];
    if (pid !== undefined && startOf(pid) !== start) stop(join(instances, name));
  }
  const path = join(instances, `reclaim-lab-${process.pid}-${startOf(process.pid)}-${made++}`);
  mkdirSync(path);
  try {
    const guard = started(
      spawn("/bin/sh", ["-c", GUARD, "sh", path], { stdio: ["pipe", "ignore", "ignore"], detached: true }),
      "The guard of the tracing instance",
    );
    guard.unref();
    return {
      path,
      remove() {
        stop(path);
        guard.stdin.end();
      },
    };
  } catch (error) {
    stop(path);
    throw error;
  }
}
