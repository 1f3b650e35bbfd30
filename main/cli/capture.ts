import { basename } from "node:path";
import { formatCount } from "../../engine/experiment/format.ts";
import { capture } from "../../probe/capture.ts";
import { print, printJson } from "./print.ts";

export interface CaptureOptions {
  readonly out?: string;
  readonly interval?: number;
  readonly with?: "perf" | "tracefs";
  readonly stacks?: boolean;
  readonly json?: boolean;
}

/** A folder beside the others: the program's name and the time. */
function folderFor(program: string): string {
  return `capture-${basename(program)}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}`;
}

/** Records a program until it ends; Ctrl-C ends it and keeps what was recorded. Exit status: that of the program. */
export async function captureProgram(words: readonly string[], options: CaptureOptions): Promise<void> {
  const [program, ...args] = words;
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  try {
    const result = await capture({
      program,
      args,
      folder: options.out ?? folderFor(program),
      signal: controller.signal,
      stacks: options.stacks ?? false,
      ...(options.interval === undefined ? {} : { intervalUs: options.interval }),
      ...(options.with === undefined ? {} : { how: options.with }),
    });
    if (options.json) printJson(result);
    else {
      const { folder, how, events, readings, lost, exitCode } = result;
      const lostWords = lost === 0 ? "" : `; ${formatCount(lost)} events were lost, so the trace has gaps`;
      const ended = exitCode === 0 ? "" : `; the program ended with ${exitCode}`;
      print(
        `${folder}: ${formatCount(events)} lines of events (${how}), ${formatCount(readings)} readings of VmPTE${lostWords}${ended}`,
      );
      print(`  reclaim-lab check ${folder}/events.txt.gz --against ${folder}/vmpte.txt`);
      print(`  reclaim-lab run ${folder}/events.txt.gz`);
    }
    process.exitCode = controller.signal.aborted ? 130 : result.exitCode;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}
