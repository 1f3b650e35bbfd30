/** A workload of several processes as one machine: its numbers are their sums, and each process has a row of its own. */
import { around, type Machine } from "../experiment/machine.ts";
import {
  type ProcessFigures,
  SAMPLE_COLUMNS,
  SAMPLE_INDEX,
  type SampleColumn,
  type SampleRow,
} from "../experiment/types.ts";
import type { Operation } from "./operation.ts";
import { ServiceLines } from "./service-lines.ts";

/** So many rows are given. */
const ROWS_MAX = 200;

/** The columns of a sample that are of one process; the others are of the machine. */
const OF_A_PROCESS = [
  "vmpte_kb",
  "pte_tables",
  "pmd_tables",
  "pud_tables",
  "empty_pte_tables",
  "rss_kb",
  "swap_kb",
  "virt_kb",
] as const satisfies readonly SampleColumn[];

interface Process {
  readonly process: number;
  pid: number;
  comm: string;
  peakVmpteKb: number;
  peakRssKb: number;
  vmpteKb: number;
  /** VmPTE by position, summed; and since when. */
  sum: number;
  readonly began: number;
  ended: number;
}

/**
 * Wraps a machine; run the workload on what is returned. A process begins with an exec of its number or by a fork, and counts
 * until its exit. RSS is that of each process: what they share counts in each.
 */
export function asService(machine: Machine): Machine {
  const all: Process[] = [];
  const living: Process[] = [];
  const lines = new ServiceLines();
  const scratch = new Float64Array(SAMPLE_COLUMNS.length);
  let position = 0;
  let vmpteKb = 0;
  let rssKb = 0;

  const begin = (process: number): Process => {
    const made = {
      process,
      pid: 0,
      comm: "",
      peakVmpteKb: 0,
      peakRssKb: 0,
      vmpteKb: 0,
      sum: 0,
      began: position,
      ended: -1,
    };
    all.push(made);
    living.push(made);
    return made;
  };
  begin(0);

  const passTo = (at: number): void => {
    const span = at - position;
    if (span <= 0) return;
    lines.reach(at);
    for (const each of living) {
      each.sum += each.vmpteKb * span;
      lines.hold(each.process, position, at, each.vmpteKb);
    }
    position = at;
  };

  /** A table may go from any process at any time, where policies work in the background. */
  const read = (): void => {
    vmpteKb = 0;
    rssKb = 0;
    for (const each of living) {
      const tables = machine.vmpteKb(each.process);
      const pages = machine.rssKb(each.process);
      each.vmpteKb = tables;
      if (tables > each.peakVmpteKb) each.peakVmpteKb = tables;
      if (pages > each.peakRssKb) each.peakRssKb = pages;
      vmpteKb += tables;
      rssKb += pages;
    }
  };

  const emptyOf = (process: number): number => machine.emptyPteTables?.(process) ?? 0;

  const figuresOf = (each: Process): ProcessFigures => {
    const lives = each.ended < 0;
    const span = (lives ? position : each.ended) - each.began;
    return {
      process: each.process,
      pid: each.pid,
      comm: each.comm,
      lives,
      peak_vmpte_kb: each.peakVmpteKb,
      average_vmpte_kb: span > 0 ? each.sum / span : each.vmpteKb,
      final_vmpte_kb: lives ? each.vmpteKb : 0,
      empty_pte_tables: lives ? emptyOf(each.process) : 0,
      peak_rss_kb: each.peakRssKb,
      line: lines.of(each.process),
    };
  };

  /** Who comes and goes by the operation. */
  const note = (operation: Operation): void => {
    if (operation.op === "fork") name(begin(all.length), operation);
    else if (operation.op === "exec") name(all[operation.process ?? 0] ?? begin(all.length), operation);
    else if (operation.op === "exit") {
      const number = operation.process ?? living.findLast(({ process }) => process !== 0)?.process;
      const at = living.findIndex(({ process }) => process === number);
      if (at < 0) return;
      living[at].ended = position;
      living.splice(at, 1);
    }
  };

  return around(machine, {
    execute(operation: Operation) {
      passTo(operation.at ?? position + 1);
      const result = machine.execute(operation);
      if (operation.op === "fork" || operation.op === "exec" || operation.op === "exit") note(operation);
      read();
      return result;
    },
    sampleInto(row: SampleRow, sequence: number) {
      machine.sampleInto(row, sequence, living[0]?.process ?? 0);
      for (const { process } of living.slice(1)) {
        machine.sampleInto(scratch, sequence, process);
        for (const column of OF_A_PROCESS) row[SAMPLE_INDEX[column]] += scratch[SAMPLE_INDEX[column]];
      }
    },
    vmpteKb: () => vmpteKb,
    rssKb: () => rssKb,
    emptyPteTables: () => living.reduce((sum, { process }) => sum + emptyOf(process), 0),
    // That is known of one process only.
    leastKb: () => Number.POSITIVE_INFINITY,
    processes: () => ({
      all: all.length,
      step: lines.step,
      largest: all
        .map(figuresOf)
        .sort((a, b) => b.peak_vmpte_kb - a.peak_vmpte_kb || a.process - b.process)
        .slice(0, ROWS_MAX),
    }),
  });
}

function name(process: Process, { pid, comm }: { readonly pid?: number; readonly comm?: string }): void {
  if (pid !== undefined) process.pid = pid;
  if (comm !== undefined) process.comm = comm;
}
