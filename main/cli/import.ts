import { once } from "node:events";
import { isSameFile } from "../../db/files.ts";
import { BadInputError } from "../../engine/error.ts";
import { formatCount } from "../../engine/experiment/format.ts";
import {
  type Contents,
  ImportReport,
  importOperations,
  operationLine,
  opsHeaderLine,
  survey,
  type TracedProcess,
  type TraceFormat,
} from "../../engine/workload/import/index.ts";
import { ExportError, writeWholeAs } from "../export/write-file.ts";
import { captureAt } from "../trace/capture.ts";
import { chooseProcess } from "../trace/choose.ts";
import { atFile, openSource } from "../trace/source.ts";
import { requireNone } from "./effect.ts";
import { fileOf } from "./out-option.ts";
import { print, printJson, table, warn } from "./print.ts";
import { printProblems } from "./problems.ts";

export interface ImportOptions {
  readonly format?: TraceFormat;
  readonly out?: string;
  readonly pid?: number;
  /** What that process was forked from: found by surveying the trace. */
  readonly ancestors?: readonly number[];
  readonly touchOnMap?: boolean;
  /** All processes together, by what they are called. */
  readonly names?: ReadonlyMap<number, string>;
  readonly service?: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
}

/** The processes of a trace as a table. */
export function processTable({ processes }: Contents): string {
  const rows = processes.map(({ pid, comm, events, dontneed, threads, allocators }) => [
    String(pid),
    comm,
    formatCount(events),
    formatCount(dontneed),
    formatCount(threads),
    allocators.join(", "),
  ]);
  return table([["pid", "name", "events", "DONTNEED", "threads", "allocator"], ...rows], new Set([0, 2, 3, 4]));
}

/** Gives the number of operations. */
async function writeLines(
  write: (lines: string) => Promise<void> | void,
  path: string,
  options: ImportOptions,
  report: ImportReport,
): Promise<number> {
  const { pid, ancestors, format, touchOnMap, names } = options;
  const given = {
    ...(pid === undefined ? {} : { pid }),
    ...(ancestors === undefined ? {} : { ancestors }),
    ...(format === undefined ? {} : { format }),
    ...(touchOnMap === undefined ? {} : { touchOnMap }),
    ...(names === undefined ? {} : { service: names }),
  };
  const follow = (ancestors ?? []).length > 0 ? { follow: true } : {};
  const header = opsHeaderLine({ title: path.slice(path.lastIndexOf("/") + 1), ...follow });
  let written = 0;
  for await (const batch of importOperations(await openSource(path), given, report)) {
    // Nothing is written of what turns out to be no trace.
    const lines = `${written === 0 && batch.length > 0 ? header : ""}${batch.map(operationLine).join("")}`;
    written += batch.length;
    if (lines !== "") await write(lines);
  }
  if (written === 0) await write(header);
  return written;
}

async function toStdout(lines: string): Promise<void> {
  if (!process.stdout.write(lines)) await once(process.stdout, "drain");
}

/** Which process to follow; says so where there are several. */
function followed(path: string, { processes }: Contents, pid: number | undefined): TracedProcess {
  const chosen = chooseProcess(path, processes, pid);
  if (pid === undefined && processes.length > 1)
    warn(
      `${path}: ${processes.length} processes; taking the busiest, ${chosen.pid} (${chosen.comm}); choose with --pid, or all together with --service`,
    );
  return chosen;
}

/** Turns a trace into the operations of one process (ops.jsonl), or lists its processes. */
export async function importTrace(path: string, options: ImportOptions): Promise<void> {
  let { pid, ancestors } = options;
  const out = fileOf(options.out);
  if (out !== undefined && path !== "-" && isSameFile(captureAt(path)?.events ?? path, out))
    throw new ExportError(out, "it is the trace itself", { todo: "Choose another file" });
  if (options.json && !options.list && out === undefined)
    throw new BadInputError("The operations are JSON Lines, not one document", {
      where: "--json",
      todo: "Omit it, or give --out FILE, or --list",
    });
  if (options.list) {
    const { service, touchOnMap } = options;
    const given = { "--out": options.out, "--pid": pid, "--service": service, "--touch-on-map": touchOnMap };
    requireNone(given, "with --list");
  }
  if (options.service && pid !== undefined)
    throw new BadInputError("--pid is one process and --service is all of them", { todo: "Give one of the two" });
  let names: ImportOptions["names"] = options.service ? new Map() : undefined;
  if (path !== "-" || options.list) {
    const report = new ImportReport();
    const found = await atFile(path, async () => survey(await openSource(path), report, options.format));
    if (options.list) {
      printProblems(path, report);
      if (options.json) printJson({ ...found, problems: report.problems() });
      else print(`${found.format}: ${formatCount(found.events)} events\n${processTable(found)}`);
      return;
    }
    if (found.format !== "ops" && options.service)
      names = new Map(found.processes.map((each) => [each.pid, each.comm.slice(0, 100)]));
    else if (found.format !== "ops") ({ pid, ancestors } = followed(path, found, pid));
    if (!found.hasFaults && !options.touchOnMap)
      warn(
        `${path}: ${found.format} shows no page faults, so nothing is used; --touch-on-map takes memory as used once it may be`,
      );
  }
  const report = new ImportReport();
  const chosen = {
    ...options,
    ...(pid === undefined ? {} : { pid }),
    ...(ancestors === undefined ? {} : { ancestors }),
    ...(names === undefined ? {} : { names }),
  };
  await atFile(path, async () => {
    if (out === undefined) await writeLines(toStdout, path, chosen, report);
    else {
      const written = await writeWholeAs(out, (write) => writeLines(write, path, chosen, report));
      if (options.json) printJson({ file: out, operations: written, problems: report.problems() });
      else warn(`${out}: ${formatCount(written)} operations`);
    }
  });
  printProblems(path, report);
}
