/**
 * All processes of a trace as one workload: each has a number in the operations, in the order in which they begin. A process
 * that is forked goes on from its parent's address space, with the tables that fork copied; one that is made by vfork or
 * posix_spawn begins with the program that it executes.
 */
import type { TraceEvent } from "./event.ts";
import type { ImportReport } from "./report.ts";
import type { TraceSink } from "./trace-sink.ts";
import { newShared, TASKS_MAX } from "./traced-space.ts";
import { type Kin, Translator } from "./translate.ts";

export interface ServiceOptions {
  /** What processes are called, by their pid. */
  readonly names: ReadonlyMap<number, string>;
  /** TranslateOptions.touchOnMap. */
  readonly touchOnMap?: boolean;
}

export class ServiceTranslator {
  readonly #sink: TraceSink;
  readonly #report: ImportReport;
  readonly #touchOnMap: boolean;
  readonly #kin: Kin;
  readonly #processes = new Map<number, Translator>();
  /** Processes that run in another's address space until they execute a program, by whose it is. */
  readonly #guests = new Map<number, number>();
  /** Those that have ended, but for records of it that are still to come. */
  readonly #gone = new Set<number>();
  #startNs = -1;
  #endNs = 0;

  constructor(sink: TraceSink, report: ImportReport, { names, touchOnMap = false }: ServiceOptions) {
    this.#sink = sink;
    this.#report = report;
    this.#touchOnMap = touchOnMap;
    this.#kin = {
      shared: newShared(names),
      forked: (event, child) => {
        this.#guests.delete(event.childPid);
        this.#gone.delete(event.childPid);
        this.#processes.set(event.childPid, child);
      },
      shares: (childPid, pid) => void this.#guests.set(childPid, pid),
    };
  }

  /** Takes the next event of the trace. */
  take(event: TraceEvent): void {
    if (event.kind === "lost") {
      this.#report.problem("lost", event.line, `${event.ret} events lost`, Math.max(1, event.ret || 1));
      return;
    }
    if (event.pid <= 0) return;
    if (event.timeNs > 0) {
      if (this.#startNs < 0) this.#startNs = event.timeNs;
      this.#endNs = Math.max(this.#endNs, event.timeNs);
    }
    const { kind, pid, childPid, childTid } = event;
    if (kind === "until") return;
    const host = this.#guests.get(pid);
    if (host !== undefined && this.#hasExecuted(event)) {
      this.#processes.get(host)?.take(event);
      this.#guests.delete(pid);
      this.#begin(pid)?.take(event);
      return;
    }
    (host === undefined ? this.#begin(pid) : this.#processes.get(host))?.take(event);
    if (kind === "enter" && event.call === "exit_group" && host === undefined) this.#end(pid, event);
    else if (kind === "task-exit" && childTid === childPid) {
      this.#guests.delete(childPid);
      this.#end(childPid, event);
      this.#processes.delete(childPid);
      this.#gone.delete(childPid);
    }
  }

  /** From the first event to the last, on the trace's clock; null: there is none. */
  lifetime(): { readonly startNs: number; readonly endNs: number } | null {
    return this.#startNs < 0 ? null : { startNs: this.#startNs, endNs: this.#endNs };
  }

  /** Call it after the last event. */
  finish(): void {
    for (const process of this.#processes.values()) process.finish();
  }

  /** A guest's own program begins: by its record, or by the end of its execve in traces without such records. */
  #hasExecuted({ kind, exec, call, ret }: TraceEvent): boolean {
    return kind === "comm" ? exec : kind === "exit" && ret === 0 && (call === "execve" || call === "execveat");
  }

  /** The process, which begins where it is not known. */
  #begin(pid: number): Translator | undefined {
    const known = this.#processes.get(pid);
    if (known !== undefined || this.#processes.size >= TASKS_MAX) return known;
    const process = new Translator(this.#sink, this.#report, { pid, touchOnMap: this.#touchOnMap }, this.#kin);
    this.#processes.set(pid, process);
    return process;
  }

  /** It is gone; the last one stays as it was in the end. */
  #end(pid: number, event: TraceEvent): void {
    const process = this.#processes.get(pid);
    if (process === undefined || this.#gone.has(pid)) return;
    this.#gone.add(pid);
    for (const [other, { begun }] of this.#processes) {
      if (!begun || this.#gone.has(other)) continue;
      process.end(event);
      return;
    }
  }
}
