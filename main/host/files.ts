/** The traces and workload files that were opened, by their tokens. Paths stay here. */
import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { BadInputError } from "../../engine/error.ts";
import { formatCount } from "../../engine/experiment/format.ts";
import { oneLine } from "../../engine/experiment/text-limits.ts";
import {
  type Contents,
  describeProblem,
  ImportReport,
  survey,
  type TraceFormat,
} from "../../engine/workload/import/index.ts";
import type { FileTask } from "../contract/worker.ts";
import type { OpenedFile } from "../contract.ts";
import { chooseProcess } from "../trace/choose.ts";
import { atFile, openSource } from "../trace/source.ts";
import { type Fingerprint, fingerprintOf } from "./kept-file.ts";
import type { ResolvedWorkload } from "./spec.ts";

/** So many stay open; the one opened first is forgotten. */
const FILES_MAX = 100;
/** So many processes are listed. */
const PROCESSES_MAX = 1000;

interface OpenFile {
  readonly path: string;
  readonly about: OpenedFile;
  /** The same processes, with what only a run needs. */
  readonly processes: Contents["processes"];
  readonly follow: boolean;
  /** What was in it when it was opened. */
  readonly fingerprint: Fingerprint;
}

/** Which process of a file, and what is assumed of it. */
export interface FileChoice {
  readonly token: string;
  readonly process?: number | undefined;
  readonly touchOnMap?: boolean | undefined;
  /** All of them. */
  readonly service?: boolean | undefined;
}

export interface Files {
  /** Surveys a file and keeps it. Errors: BadInputError where it cannot be used. */
  open(path: string, format: TraceFormat | undefined): Promise<OpenedFile>;
  /** What a run of it needs. Errors: BadInputError where it is not open, or has no such process. */
  resolve(choice: FileChoice): {
    readonly workload: ResolvedWorkload;
    readonly task: FileTask;
    readonly fingerprint: Fingerprint;
  };
}

/** "process_madvise 18, userfaultfd 1" */
function listCounts(counts: Readonly<Record<string, number>>): string {
  const named = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return named.join(", ").slice(0, 200);
}

/** All processes of a trace: what is kept of them, and what each is called. */
function serviceOf({ about, processes }: OpenFile) {
  const [busiest] = processes;
  const allocators = [...new Set(processes.flatMap((each) => each.allocators))];
  const hidden: Record<string, number> = {};
  for (const each of processes)
    for (const [call, count] of Object.entries(each.hidden)) hidden[call] = (hidden[call] ?? 0) + count;
  return {
    params: {
      processes: processes.length,
      program: busiest.comm.slice(0, 100),
      allocators: allocators.join(","),
      ...(Object.keys(hidden).length > 0 ? { hidden_calls: listCounts(hidden) } : {}),
    },
    title: oneLine(`${busiest.comm}, ${formatCount(processes.length)} processes, from ${about.name}`),
    names: processes.slice(0, PROCESSES_MAX).map(({ pid, comm }) => ({ pid, comm: comm.slice(0, 100) })),
  };
}

export function createFiles(): Files {
  const files = new Map<string, OpenFile>();

  return {
    async open(path, format) {
      const full = resolve(path);
      const report = new ImportReport();
      const kind = await stat(full).catch(() => null);
      if (kind !== null && !kind.isFile() && !kind.isDirectory())
        throw new BadInputError("It is no regular file", {
          where: path,
          why: "a run reads it more than once",
          todo: "Write what comes out of it to a file first, or read it with import",
        });
      const found = await atFile(path, async () => survey(await openSource(full), report, format));
      if (found.format !== "ops" && found.processes.length === 0)
        throw new BadInputError("There is no event of a process in it", { where: path });
      const about: OpenedFile = {
        token: randomBytes(16).toString("base64url"),
        name: basename(full),
        format: found.format,
        hasFaults: found.hasFaults,
        events: found.events,
        processes: found.processes
          .slice(0, PROCESSES_MAX)
          .map(({ ancestors: _ancestors, is32Bit: _is32Bit, hidden: _hidden, ...each }) => ({
            ...each,
            allocators: [...each.allocators],
          })),
        problems: report.problems().map(describeProblem),
      };
      const fingerprint = await atFile(path, () => fingerprintOf(full));
      files.set(about.token, { path: full, about, processes: found.processes, follow: found.follow, fingerprint });
      const [oldest] = files.keys();
      if (files.size > FILES_MAX && oldest !== undefined) files.delete(oldest);
      return about;
    },

    resolve({ token, process, touchOnMap = false, service = false }) {
      const file = files.get(token);
      if (file === undefined) throw new BadInputError("This file is not open any more", { todo: "Open it again" });
      const { path, about, processes, follow, fingerprint } = file;
      const { name, format } = about;
      if (format === "ops") {
        const workload = {
          kind: "file",
          name,
          title: oneLine(name),
          params: {},
          operationsTotal: about.events,
        } as const;
        const task: FileTask = {
          kind: "file",
          path,
          format,
          ancestors: [],
          follow: follow && !service,
          touchOnMap: false,
          ...(service ? { service: [] } : {}),
        };
        return { workload, task, fingerprint };
      }
      if (service) {
        const { params, title, names } = serviceOf(file);
        const workload = { kind: "file", name, title, params, operationsTotal: null } as const;
        const task: FileTask = {
          kind: "file",
          path,
          format,
          ancestors: [],
          follow: false,
          touchOnMap,
          service: names,
        };
        return { workload, task, fingerprint };
      }
      const chosen = chooseProcess(name, processes, process);
      const params = {
        pid: chosen.pid,
        program: chosen.comm.slice(0, 100),
        allocators: chosen.allocators.join(","),
        ...(Object.keys(chosen.hidden).length > 0 ? { hidden_calls: listCounts(chosen.hidden) } : {}),
        ...(touchOnMap ? { touch_on_map: true } : {}),
      };
      const title = oneLine(`${chosen.comm}, from ${name}`);
      const workload = { kind: "file", name, title, params, operationsTotal: null } as const;
      return {
        workload,
        task: {
          kind: "file",
          path,
          format,
          process: chosen.pid,
          ancestors: [...chosen.ancestors],
          follow: chosen.ancestors.length > 0,
          touchOnMap,
        },
        fingerprint,
      };
    },
  };
}
