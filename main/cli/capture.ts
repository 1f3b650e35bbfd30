import { basename } from "node:path";
import { BadInputError } from "../../engine/error.ts";
import { formatBytes, formatCount, formatNumberOf } from "../../engine/experiment/format.ts";
import { oneLine } from "../../engine/experiment/text-limits.ts";
import { exitWords } from "../../engine/experiment/trial.ts";
import { attach, DEFAULT_LIGHT_MS } from "../../probe/attach.ts";
import { capture, quote } from "../../probe/capture.ts";
import { missingInWords } from "../../probe/launched.ts";
import { nameOfProcess } from "../../probe/processes.ts";
import { costInWords } from "../../probe/recording-cost.ts";
import { onInterrupt } from "./interrupt.ts";
import { requirePlace } from "./out-option.ts";
import { cell, print, printJson, warn } from "./print.ts";

export interface CaptureOptions {
  readonly out?: string;
  readonly interval?: number;
  readonly with?: "perf" | "tracefs";
  readonly stacks?: boolean;
  readonly pid?: number;
  readonly children?: boolean;
  readonly seconds?: number;
  readonly maxMb?: number;
  /** True: as often as usual. */
  readonly light?: number | true;
  readonly json?: boolean;
}

/** A folder beside the others: the program's name, as it may be shown, and the time. */
function folderFor(program: string): string {
  return `capture-${oneLine(basename(program)).replaceAll("\ufffd", "_")}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}`;
}

const readingsInWords = (readings: number): string =>
  readings === 0 ? "no reading of VmPTE, it ended too soon" : `${formatNumberOf(readings, "reading")} of VmPTE`;

/** What can be done with a capture next; there is nothing to check against without a reading. */
function printNext(folder: string, withCheck: boolean): void {
  if (withCheck)
    print(`  reclaim-lab check ${quote([`${folder}/events.txt.gz`])} --against ${quote([`${folder}/vmpte.txt`])}`);
  print(`  reclaim-lab run ${quote([folder])}`);
}

const LEFT_SHOWN = 5;

/** Processes that a program left running. */
function printLeft(left: readonly number[]): void {
  const running = left.flatMap((pid) => {
    const name = nameOfProcess(pid)?.name;
    return name === undefined ? [] : [{ pid, name }];
  });
  for (const { pid, name } of running.slice(0, LEFT_SHOWN))
    print(
      `  it left process ${pid} (${cell(name)}) running, recorded no longer: reclaim-lab capture --pid ${pid} --children`,
    );
  const more = running.length - LEFT_SHOWN;
  if (more > 0) print(`  and ${formatCount(more)} more`);
}

/** Records a program until it ends; Ctrl-C ends it and keeps what was recorded. Exit status: that of the program. */
export async function captureProgram(words: readonly string[], options: CaptureOptions): Promise<void> {
  requirePlace(options.out, "--out", "The folder of a recording");
  if (options.pid !== undefined) {
    if (words.length > 0)
      throw new BadInputError("Record either a process or a program", {
        todo: "Give --pid, or a program after --",
      });
    if (options.with === "tracefs")
      throw new BadInputError("A running process is recorded with perf only", {
        where: "--with tracefs",
        todo: "Omit it, or give a program after --",
      });
    return attachTo(options.pid, options);
  }
  if (options.light !== undefined)
    throw new BadInputError("A launched program is always recorded with its page faults", {
      where: "--light",
      todo: "Omit it, or give the process with --pid once it is running",
    });
  for (const [option, given] of Object.entries({
    "--children": options.children,
    "--seconds": options.seconds,
    "--max-mb": options.maxMb,
  }))
    if (given !== undefined)
      throw new BadInputError("A launched program is recorded whole, with all its children, until it ends", {
        where: option,
        todo: "Omit it, or give the process with --pid once it is running",
      });
  if (words.length === 0)
    throw new BadInputError("There is nothing to record", { todo: "Give a program after --, or a process with --pid" });
  const [program, ...args] = words;
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  const leave = onInterrupt(interrupt);
  try {
    const result = await capture({
      program,
      args,
      folder: options.out ?? folderFor(program),
      signal: controller.signal,
      stacks: options.stacks ?? false,
      cost: () => true,
      outputAside: options.json ?? false,
      ...(options.interval === undefined ? {} : { intervalUs: options.interval }),
      ...(options.with === undefined ? {} : { how: options.with }),
    });
    if (options.json) printJson(result);
    else {
      const { folder, how, events, readings, lost, left, exitCode, cost } = result;
      const lostWords = lost === 0 ? "" : `; ${formatCount(lost)} events were lost, so the trace has gaps`;
      const ended = exitCode === 0 ? "" : `; the program ended with ${exitWords(exitCode)}`;
      print(
        `${folder}: ${formatCount(events)} lines of events (${how}), ${readingsInWords(readings)}${lostWords}${ended}`,
      );
      if (how === "tracefs" && exitCode > 128)
        print("  a signal ended it, which is no event of tracefs: the trace ends with its last call or page fault");
      printLeft(left);
      for (const clause of missingInWords(result)) print(`  ${clause}`);
      print(
        cost === null
          ? "  what recording cost the program is measured with perf only: time the program itself with and without it"
          : `  ${costInWords(cost)}`,
      );
      printNext(folder, readings > 0);
    }
    process.exitCode = controller.signal.aborted ? 130 : result.exitCode;
  } finally {
    leave();
  }
}

const DEFAULT_INTERVAL_US = 2000;
const DEFAULT_MAX_MB = 4096;

/** Records a running process until it exits, the time is over, or Ctrl-C. Exit status 0: it was recorded. */
async function attachTo(pid: number, options: CaptureOptions): Promise<void> {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  const leave = onInterrupt(interrupt);
  try {
    const result = await attach({
      pid,
      children: options.children ?? false,
      ...(options.seconds === undefined ? {} : { seconds: options.seconds }),
      maxMb: options.maxMb ?? DEFAULT_MAX_MB,
      ...(options.light === undefined ? {} : { lightMs: options.light === true ? DEFAULT_LIGHT_MS : options.light }),
      stacks: options.stacks ?? false,
      intervalUs: options.interval ?? DEFAULT_INTERVAL_US,
      folder: options.out ?? folderFor(`pid-${pid}`),
      signal: controller.signal,
      onRecording: () => {
        if (process.stderr.isTTY) warn(`recording process ${pid}; Ctrl-C ends it`);
      },
    });
    if (options.json) printJson(result);
    else {
      const { folder, events, readings, lost, cost, others } = result;
      print(
        `${folder}: ${formatCount(events)} lines of events in ${cost.seconds} s (${formatCount(cost.events_per_second)} and ${formatBytes(cost.bytes_per_second)} a second), ` +
          `${readingsInWords(readings)} of process ${result.pid}; its state was read in ${cost.found_ms} ms` +
          (lost === 0 ? "" : `; ${formatCount(lost)} events were lost, so the trace has gaps`),
      );
      if (others.length > 0) print(`  others that were measured: ${others.join(", ")} (vmpte.txt.PID)`);
      for (const clause of missingInWords(result)) print(`  ${clause}`);
      print(`  ${costInWords(cost)}`);
      if (cost.snapshots > 0)
        print(
          `  without page faults: the pages in use were read ${formatCount(cost.snapshots)} times, in ${cost.snapshots_ms} ms`,
        );
      printNext(folder, readings > 0 && cost.snapshots === 0);
    }
    process.exitCode = 0;
  } finally {
    leave();
  }
}
