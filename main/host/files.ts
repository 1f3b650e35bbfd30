/** The traces and workload files that were opened, by their tokens. Paths stay here. */
import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { BadInputError } from "../../engine/error.ts";
import { formatDuration } from "../../engine/experiment/format.ts";
import { DEFAULT_BASELINE, SERIES_POLICY } from "../../engine/experiment/policies.ts";
import { oneLine } from "../../engine/experiment/text-limits.ts";
import type { WhatIf } from "../../engine/experiment/what-if.ts";
import { numberOfProcesses } from "../../engine/live/words.ts";
import type { KernelProfile } from "../../engine/mm/kernel-profile.ts";
import { REFERENCE_PROFILE } from "../../engine/mm/kernel-profiles.ts";
import {
  type Contents,
  describeProblem,
  ImportReport,
  survey,
  type TraceFormat,
} from "../../engine/workload/import/index.ts";
import { captureKernel } from "../../probe/named-profile.ts";
import type { FileTask } from "../contract/worker.ts";
import type { OpenedFile } from "../contract.ts";
import { type Capture, captureAt, programOf } from "../trace/capture.ts";
import { chooseProcess } from "../trace/choose.ts";
import { atFile, openSource } from "../trace/source.ts";
import { withReleasesChanged } from "./changed.ts";
import { type Fingerprint, fingerprintOf } from "./kept-file.ts";
import type { ResolvedWorkload } from "./spec.ts";

/** So many stay open; the one opened first is forgotten. */
const FILES_MAX = 100;
/** So much is kept of how a program was started. */
const COMMAND_MAX = 400;
/** So many processes are listed. */
const PROCESSES_MAX = 1000;

interface OpenFile {
  /** Of the trace, also where its folder was opened. */
  readonly path: string;
  readonly capture: Capture | null;
  /** Of the kernel that it was recorded on; null: not kept. */
  readonly kernel: KernelProfile | null;
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
  /** Its releases are changed. */
  readonly whatIf?: WhatIf | undefined;
}

interface Resolved {
  readonly workload: ResolvedWorkload;
  readonly task: FileTask;
  readonly fingerprint: Fingerprint;
  readonly kernel: KernelProfile | null;
}

export interface Files {
  /** Surveys a file and keeps it. Errors: BadInputError where it cannot be used. */
  open(path: string, format: TraceFormat | undefined): Promise<OpenedFile>;
  /** What a run of it needs. Errors: BadInputError where it is not open, or has no such process. */
  resolve(choice: FileChoice): Resolved;
}

type Processes = Contents["processes"];

/** From the first to the last event of all its processes, in ms. */
function durationOf(processes: Processes): number {
  const starts = processes.map(({ startNs }) => startNs).filter((ns) => ns > 0);
  if (starts.length === 0) return 0;
  const last = processes.reduce((most, { endNs }) => Math.max(most, endNs), 0);
  return Math.max(0, (last - starts.reduce((least, ns) => Math.min(least, ns))) / 1e6);
}

/** What the window is told of a capture. `processes`: the busiest first. */
function aboutCapture(capture: Capture, processes: Processes, kernel: KernelProfile | null): OpenedFile["capture"] {
  return {
    folder: basename(capture.folder),
    measured: [...capture.measured.keys()],
    command: capture.command,
    durationMs: durationOf(processes),
    kernel: kernel?.name ?? null,
  };
}

/** The readings of a process, and where its clock is among them. */
function measuredOf(
  { measured }: Capture,
  process: Processes[number],
  processes: Processes,
  kernel: KernelProfile | null,
): Pick<FileTask, "measured"> {
  const path = measured.get(process.pid);
  if (path === undefined) return {};
  // What is replayed begins with the first of those that it was forked from.
  const [first] = process.ancestors;
  const { startNs } = processes.find(({ pid }) => pid === first) ?? process;
  const mode = (kernel ?? REFERENCE_PROFILE).ptReclaim ? SERIES_POLICY : DEFAULT_BASELINE;
  return { measured: { path, startNs, endNs: process.endNs, mode } };
}

/** "process_madvise 18, userfaultfd 1" */
function listCounts(counts: Readonly<Record<string, number>>): string {
  const named = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return named.join(", ").slice(0, 200);
}

/** From this share of the events on, those of other processes are worth to be told. */
const OTHERS_SHARE = 0.1;

/** How many processes a trace has and how little of it the chosen one is, where the others matter. */
function besideOthers(
  chosen: Processes[number],
  processes: Processes,
): { readonly of_processes?: number; readonly share_of_events?: number } {
  const all = processes.reduce((sum, { events }) => sum + events, 0);
  if (all === 0 || chosen.events > all * (1 - OTHERS_SHARE)) return {};
  return { of_processes: processes.length, share_of_events: Math.round((chosen.events / all) * 1000) / 1000 };
}

/** All processes of a trace: what is kept of them, and what each is called. */
function serviceOf({ about, processes, capture }: OpenFile) {
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
      ...(processes.some(({ light }) => light) ? { light: true } : {}),
    },
    title: oneLine(
      capture === null
        ? `${busiest.comm}, ${numberOfProcesses(processes.length)}, from ${about.name}`
        : `${about.name}, ${numberOfProcesses(processes.length)}, ${formatDuration(durationOf(processes))}`,
    ),
    names: processes.slice(0, PROCESSES_MAX).map(({ pid, comm }) => ({ pid, comm: comm.slice(0, 100) })),
  };
}

export function createFiles(): Files {
  const files = new Map<string, OpenFile>();

  function resolveAsItIs({ token, process, touchOnMap = false, service = false }: FileChoice): Resolved {
    const file = files.get(token);
    if (file === undefined) throw new BadInputError("This file is no longer open", { todo: "Open it again" });
    const { path, capture, kernel, about, processes, follow, fingerprint } = file;
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
      return { workload, task, fingerprint, kernel };
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
      return { workload, task, fingerprint, kernel };
    }
    const chosen = chooseProcess(name, processes, process);
    const params = {
      pid: chosen.pid,
      program: chosen.comm.slice(0, 100),
      allocators: chosen.allocators.join(","),
      ...(capture?.command ? { command: capture.command.slice(0, COMMAND_MAX) } : {}),
      ...(Object.keys(chosen.hidden).length > 0 ? { hidden_calls: listCounts(chosen.hidden) } : {}),
      ...(touchOnMap ? { touch_on_map: true } : {}),
      ...(chosen.light ? { light: true } : {}),
      ...besideOthers(chosen, processes),
    };
    const lasted = formatDuration((chosen.endNs - chosen.startNs) / 1e6);
    const title = oneLine(
      capture === null
        ? `${chosen.comm}, from ${name}`
        : // A process' name holds 15 characters.
          `${name.startsWith(chosen.comm) ? name : `${name}: ${chosen.comm}`}, ${lasted}`,
    );
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
        ...(about.capture && capture ? measuredOf(capture, chosen, processes, kernel) : {}),
      },
      fingerprint,
      kernel,
    };
  }

  return {
    async open(path, format) {
      const given = resolve(path);
      const capture = captureAt(given);
      const full = capture?.events ?? given;
      const report = new ImportReport();
      const kind = await stat(full).catch(() => null);
      if (kind !== null && !kind.isFile() && !kind.isDirectory())
        throw new BadInputError("It is not a regular file", {
          where: path,
          why: "a run reads it more than once",
          todo: "Write its output to a file first, or read it with import",
        });
      const found = await atFile(path, async () => survey(await openSource(full), report, format));
      if (found.format !== "ops" && found.processes.length === 0)
        throw new BadInputError("It has no event of any process", { where: path });
      const kernel = capture === null ? null : captureKernel(full);
      const [busiest] = found.processes;
      const about: OpenedFile = {
        token: randomBytes(16).toString("base64url"),
        name: capture === null ? basename(full) : programOf(capture, busiest?.comm ?? ""),
        format: found.format,
        hasFaults: found.hasFaults,
        events: found.events,
        processes: found.processes
          .slice(0, PROCESSES_MAX)
          .map(({ pid, comm, events, dontneed, threads, allocators }) => ({
            pid,
            comm,
            events,
            dontneed,
            threads,
            allocators: [...allocators],
          })),
        problems: report.problems().map(describeProblem),
        ...(capture !== null && capture.folder === given
          ? { capture: aboutCapture(capture, found.processes, kernel) }
          : {}),
      };
      const fingerprint = await atFile(path, () => fingerprintOf(full));
      const { processes, follow } = found;
      files.set(about.token, { path: full, capture, kernel, about, processes, follow, fingerprint });
      const [oldest] = files.keys();
      if (files.size > FILES_MAX && oldest !== undefined) files.delete(oldest);
      return about;
    },

    resolve({ whatIf, ...choice }) {
      const chosen = resolveAsItIs(choice);
      return whatIf === undefined ? chosen : { ...chosen, ...withReleasesChanged(chosen, whatIf) };
    },
  };
}
