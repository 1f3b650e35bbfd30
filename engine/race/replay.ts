/** Runs one schedule and says, step by step, what each CPU does and what the tables look like after it. */

import { BadInputError } from "../error.ts";
import { PTRS_PER_TABLE } from "../mm/geometry.ts";
import { describeObject, lockHolder } from "../mm/sched.ts";
import {
  TABLE_DEPOSITED,
  TABLE_FREE,
  TABLE_GATHERED,
  TABLE_HUGE_BARE,
  TABLE_LIVE,
  TABLE_RCU,
  TABLE_UNLINKED,
} from "../mm/tables.ts";
import { Cursor } from "./cursor.ts";
import type { MachineExecution, MachineProgram, World } from "./machine.ts";
import { narrate } from "./narrate.ts";
import type { Point, Violation } from "./program.ts";
import { tableOf } from "./scenario.ts";

export interface ReplayedStep {
  /** From 1. */
  readonly step: number;
  readonly cpu: number;
  /** The kernel function that acts. */
  readonly fn: string;
  /** What it does, and to what: `lock ptl of table 4`. */
  readonly event: string;
  /** What the kernel does here, in words. */
  readonly words: string;
  /** The PMD entry of the scenario's slot after the step. */
  readonly pmd: string;
  /** The tables that the scenario has seen, after the step. */
  readonly tables: string;
  /** The step that breaks the invariant. */
  readonly failing: boolean;
}

export interface Replay {
  readonly steps: readonly ReplayedStep[];
  readonly violation: Violation | null;
  /** The schedule ended, and so did every CPU. */
  readonly finished: boolean;
}

const STATES: Readonly<Record<number, string>> = {
  [TABLE_FREE]: "freed",
  [TABLE_LIVE]: "in use",
  [TABLE_DEPOSITED]: "deposited",
  [TABLE_HUGE_BARE]: "huge",
  [TABLE_GATHERED]: "detached",
  [TABLE_RCU]: "waits for RCU",
  [TABLE_UNLINKED]: "new",
};

function describeTables({ tables }: World): string {
  const seen: string[] = [];
  for (let row = 1; row < tables.top; row++) {
    if (tables.level[row] !== 0) continue;
    const count = tables.count[row];
    const entries =
      count === 0 ? "empty" : count === PTRS_PER_TABLE ? "full" : `${count} ${count === 1 ? "entry" : "entries"}`;
    const state = tables.state[row];
    seen.push(state === TABLE_FREE ? `${row}: freed` : `${row}: ${STATES[state]}, ${entries}`);
  }
  return seen.join("; ");
}

function describePmd(world: World): string {
  const row = tableOf(world, world.base);
  return row === 0 ? "none" : row > 0 ? `table ${row}` : `huge page`;
}

/** What a point is about to do: the event and its object. */
function describeEvent(point: Point, world: World): string {
  const event = point.event.replaceAll("_", " ");
  switch (point.event) {
    case "need_resched":
      return point.write ? "set need_resched" : "need_resched?";
    case "unlock":
      return `${lockHolder(world.k, point.object) > 0 ? "read unlock" : "unlock"} ${describeObject(point.object)}`;
    case "rcu_read_lock":
    case "rcu_read_unlock":
    case "tlb_flush":
    case "tlb_fill":
    case "ipi":
    case "irq_disable":
    case "irq_enable":
    case "page_read":
    case "page_write":
      return event;
    case "free_table":
      return point.object % 2 ** 40 === 0 ? "free pages" : `free ${describeObject(point.object)}`;
    default:
      return `${event} ${describeObject(point.object)}`;
  }
}

function badStep(at: number, cpu: number, why: string): BadInputError {
  return new BadInputError("The schedule cannot be run", {
    where: `step ${at + 1}, CPU ${cpu}`,
    why,
    todo: "Use a schedule that a counterexample of this scenario printed",
  });
}

/**
 * Replays `schedule` (the CPU of each step) from the beginning, up to a violation. Errors: BadInputError for a step by a CPU that
 * has finished or must wait.
 */
export function replaySchedule(program: MachineProgram, schedule: readonly number[]): Replay {
  const cursor = new Cursor(program);
  const { world } = cursor.execution as MachineExecution;
  const steps: ReplayedStep[] = [];
  let violation: Violation | null = null;
  for (let at = 0; at < schedule.length && violation === null; at++) {
    const cpu = schedule[at];
    const point = cursor.points[cpu];
    if (point === null || point === undefined)
      throw badStep(at, cpu, point === null ? "it has finished" : "the scenario has no such CPU");
    if (!cursor.enabled(cpu)) throw badStep(at, cpu, `it must wait in ${point.fn} for ${describeEvent(point, world)}`);
    const { fn } = point;
    const event = describeEvent(point, world);
    const words = narrate(point, world);
    violation = cursor.step(cpu);
    if (violation === null && at === schedule.length - 1 && cursor.enabledMask() === 0) violation = cursor.end();
    world.trace.on = false;
    steps.push({
      step: at + 1,
      cpu,
      fn,
      event,
      words,
      pmd: describePmd(world),
      tables: describeTables(world),
      failing: violation !== null,
    });
  }
  return { steps, violation, finished: cursor.finished() };
}
