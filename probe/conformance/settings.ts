/** Settings of the system that some classes of scripts need: swap space and a khugepaged that comes when it is called. Both ask for root, and are put back. */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const SWAP_BYTES = 512 * 2 ** 20;
const CHUNK = Buffer.alloc(2 ** 20);
const KHUGEPAGED = "/sys/kernel/mm/transparent_hugepage/khugepaged";
/** khugepaged stays away for so long unless it is called, in ms. */
const AWAY_MS = 2 ** 31;
const PATIENCE_MS = 20_000;

const asRoot = (): boolean => process.getuid?.() === 0;

/** Is there swap space already? */
const swapIsOn = (): boolean => readFileSync("/proc/swaps", "utf8").trim().split("\n").length > 1;

function command(name: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(name, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}

/** Puts the system back also where the program is ended by a signal. */
async function undone<T>(undo: () => void, run: () => Promise<T>): Promise<T> {
  const onSignal = (): void => {
    undo();
    process.exit(1);
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    return await run();
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    undo();
  }
}

/** Why there can be no swap file; null: there can. */
export function whyNoSwap(file: string | undefined): string | null {
  if (swapIsOn()) return null;
  if (file === undefined) return "there is no swap space (--swap-file PATH makes some for the run, as root)";
  if (!asRoot()) return "a swap file takes root";
  return existsSync(file) ? `${file} is there already` : null;
}

/** Runs with swap space: the system's, or a file of 512 MiB that is made and removed. */
export async function withSwap<T>(file: string | undefined, run: () => Promise<T>): Promise<T> {
  if (swapIsOn() || file === undefined) return run();
  const fd = openSync(file, "wx", 0o600);
  const undo = (): void => {
    spawnSync("swapoff", [file]);
    rmSync(file, { force: true });
  };
  return undone(undo, () => {
    // A swap file may have no holes.
    for (let at = 0; at < SWAP_BYTES; at += CHUNK.length) writeSync(fd, CHUNK);
    closeSync(fd);
    command("mkswap", file);
    command("swapon", file);
    return run();
  });
}

/** Why khugepaged cannot be called; null: it can. */
export function whyNoKhugepaged(asked: boolean): string | null {
  if (!existsSync(`${KHUGEPAGED}/full_scans`)) return "this kernel has no khugepaged";
  if (!asked) return "khugepaged runs when it likes (--khugepaged holds it and calls it, as root)";
  return asRoot() ? null : "to hold khugepaged takes root";
}

/** Runs with a khugepaged that stays away unless `khugepagedRound` calls it. */
export async function withKhugepaged<T>(run: () => Promise<T>): Promise<T> {
  const held: readonly [name: string, value: number][] = [
    ["scan_sleep_millisecs", AWAY_MS],
    ["alloc_sleep_millisecs", 10],
    ["pages_to_scan", 2 ** 20],
  ];
  const before = held.map(([name]) => [name, readFileSync(`${KHUGEPAGED}/${name}`, "utf8")] as const);
  const undo = (): void => {
    for (const [name, value] of before) writeFileSync(`${KHUGEPAGED}/${name}`, value);
  };
  return undone(undo, () => {
    for (const [name, value] of held) writeFileSync(`${KHUGEPAGED}/${name}`, `${value}`);
    return run();
  });
}

const fullScans = (): number => Number(readFileSync(`${KHUGEPAGED}/full_scans`, "utf8"));

/** It was called and does not come: it goes no rounds, for one, while no process has memory that may be of huge pages. */
export class KhugepagedStillError extends Error {
  override readonly name = "KhugepagedStillError";

  constructor() {
    super(
      `khugepaged was called and has not been round in ${PATIENCE_MS / 1000} s; its settings are as before. Try again`,
    );
  }
}

/** Calls khugepaged, until it has been round everything that is there now (the first round may have begun before). */
export async function khugepagedRound(): Promise<void> {
  const until = fullScans() + 2;
  const deadline = performance.now() + PATIENCE_MS;
  writeFileSync(`${KHUGEPAGED}/scan_sleep_millisecs`, "1");
  while (fullScans() < until) {
    if (performance.now() > deadline) throw new KhugepagedStillError();
    await sleep(2);
  }
  writeFileSync(`${KHUGEPAGED}/scan_sleep_millisecs`, `${AWAY_MS}`);
}
