/** For tests: a library that lets one kind of file call fail in a process of ours, built from C where it is needed. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const FAILING_CALLS = ["open", "write", "fsync", "rename", "unlink", "ftruncate"] as const;
export type FailingCall = (typeof FAILING_CALLS)[number];
/** As Linux numbers them; `killed`: the process is, at that call. */
export const ERRNO = { killed: 0, EIO: 5, EBUSY: 16, ENOSPC: 28, EROFS: 30, EDQUOT: 122 } as const;

export interface Fault {
  readonly call: FailingCall;
  readonly errno: keyof typeof ERRNO;
  /** Which of the calls, from 1 on; 0: none, they are only counted. */
  readonly at: number;
  /** That one alone, or all that follow as well. */
  readonly on?: "once" | "on";
  /** The folder whose files are meant. */
  readonly under: string;
  /** Only files whose path ends with this. */
  readonly name?: string;
  /** A file that the number of calls is written to. */
  readonly count?: string;
}

/** Builds the library. Gives its path and how to remove it; null where it cannot be built here. */
export function buildFailingCalls(): { readonly path: string; readonly remove: () => void } | null {
  if (process.platform !== "linux") return null;
  const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-failing-"));
  const path = join(folder, "failing-calls.so");
  const source = join(import.meta.dirname, "failing-calls.c");
  const built = spawnSync(process.env.CC ?? "cc", ["-O1", "-fPIC", "-shared", "-o", path, source, "-ldl"]);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (built.status === 0) return { path, remove };
  remove();
  return null;
}

/** The environment in which a process meets this fault. */
export function meeting(library: string, fault: Fault, env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return {
    ...env,
    LD_PRELOAD: library,
    FAULT_CALL: fault.call,
    FAULT_ERRNO: String(ERRNO[fault.errno]),
    FAULT_AT: String(fault.at),
    FAULT_ON: fault.on ?? "once",
    FAULT_UNDER: fault.under,
    ...(fault.name === undefined ? {} : { FAULT_NAME: fault.name }),
    ...(fault.count === undefined ? {} : { FAULT_COUNT: fault.count }),
  };
}
