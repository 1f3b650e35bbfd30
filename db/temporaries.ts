/**
 * Names of temporary files, which say whose they are: a process that is killed leaves its behind, and the next that
 * writes into the folder removes them.
 */
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pidExists, startOf, thisScope } from "./owner.ts";

/** Of another boot, machine or container nobody here knows whether it lives; untouched for so long, it does not. */
const FORGOTTEN_MS = 24 * 60 * 60 * 1000;
/** File systems take 255 bytes; what is added has at most 70. */
const NAME_BYTES_MAX = 180;
const OURS = /^\..+\.rl-(\d+)-(\d*)-([0-9a-f]{8})-[0-9a-f]{8}\.tmp(?:-wal|-shm|-journal)?$/;

let scopeDigest: string | undefined;
/** Boot and namespace, in which process ids mean something. */
function scope(): string {
  scopeDigest ??= createHash("sha256").update(thisScope()).digest("hex").slice(0, 8);
  return scopeDigest;
}

function shortened(name: string): string {
  const bytes = Buffer.from(name);
  // A character that is cut in two at the end is left out.
  return bytes.length <= NAME_BYTES_MAX
    ? name
    : bytes
        .subarray(0, NAME_BYTES_MAX)
        .toString()
        .replace(/\ufffd+$/, "");
}

/** A name beside `file` that nobody uses, hidden where a leading dot hides. What dead processes left there goes. */
export function temporaryBeside(file: string): string {
  const folder = dirname(file);
  removeLeftovers(folder);
  return join(folder, nameOf(basename(file), "tmp"));
}

/** The same, of a file that is put aside for a moment and may be wanted: nobody removes it. */
export function asideOf(file: string): string {
  return join(dirname(file), nameOf(basename(file), "aside"));
}

function nameOf(name: string, kind: "tmp" | "aside"): string {
  const random = randomBytes(4).toString("hex");
  return `.${shortened(name)}.rl-${process.pid}-${startOf(process.pid)}-${scope()}-${random}.${kind}`;
}

/** Removes temporary files of this program's processes that are gone; never those of a living one, nor anything else. */
export function removeLeftovers(folder: string, nowMs: number = Date.now()): void {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    // A folder that cannot be listed may be written to all the same.
    return;
  }
  for (const name of names) {
    const [, pid, start, where] = OURS.exec(name) ?? [];
    if (pid === undefined || start === undefined) continue;
    const path = join(folder, name);
    try {
      const dead = where === scope() ? isDead(Number(pid), start) : undefined;
      if (dead ?? nowMs - statSync(path).mtimeMs > FORGOTTEN_MS) rmSync(path, { force: true });
    } catch {
      // Another process removes it this moment, or it is not ours to remove.
    }
  }
}

/** undefined: a process of that number is there, and who it is cannot be seen. */
function isDead(pid: number, start: string): boolean | undefined {
  if (!pidExists(pid)) return true;
  const now = startOf(pid);
  return now === "" || start === "" ? undefined : now !== start;
}
