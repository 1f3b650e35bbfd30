/** Small shared-memory programs and a search without any reduction: what the explorer's search is tested against. */

import { Cursor } from "./cursor.ts";
import { History } from "./history.ts";
import { access, type Execution, type Point, type Program, type Violation } from "./program.ts";

/** Memory words and locks of a toy program. */
export class Toy {
  readonly words: number[];
  readonly locks: (number | null)[];
  cpu = 0;
  /** What each CPU ended with. */
  readonly results: number[][];

  constructor(words: readonly number[], locks: number, cpus: number) {
    this.words = [...words];
    this.locks = new Array<number | null>(locks).fill(null);
    this.results = Array.from({ length: cpus }, () => []);
  }

  digest(): string {
    return JSON.stringify([this.words, this.locks, this.results]);
  }
}

export type ToyPath = Generator<Point, void, void>;

const WORD = 1;
const LOCK = 1000;

function point(fn: string, event: string, object: number, write: boolean): Point {
  return { fn, event, object, write };
}

export function* load(toy: Toy, word: number): Generator<Point, number, void> {
  yield point("load", "read", WORD + word, false);
  return toy.words[word];
}

export function* store(toy: Toy, word: number, value: number): ToyPath {
  yield point("store", "write", WORD + word, true);
  toy.words[word] = value;
}

export function* take(toy: Toy, lock: number): ToyPath {
  yield point("take", "lock", LOCK + lock, true);
  toy.locks[lock] = toy.cpu;
}

export function* tryTake(toy: Toy, lock: number): Generator<Point, boolean, void> {
  yield point("tryTake", "trylock", LOCK + lock, true);
  if (toy.locks[lock] !== null) return false;
  toy.locks[lock] = toy.cpu;
  return true;
}

export function* give(toy: Toy, lock: number): ToyPath {
  yield point("give", "unlock", LOCK + lock, true);
  toy.locks[lock] = null;
}

/** Waits until a word has a value: blocked, not spinning. */
export function* waitFor(_toy: Toy, word: number, value: number): ToyPath {
  yield point(`waitFor ${value}`, "await", WORD + word, false);
}

export interface ToyProgram {
  readonly words?: readonly number[];
  readonly locks?: number;
  readonly cpus: readonly ((toy: Toy, cpu: number) => ToyPath)[];
  /** An invariant of the whole state, after each step. */
  readonly check?: (toy: Toy) => string | null;
  readonly finish?: (toy: Toy) => string | null;
}

export interface ToyExecution extends Execution {
  readonly toy: Toy;
}

export function toyOf(execution: Execution): Toy {
  return (execution as ToyExecution).toy;
}

function* watched(path: ToyPath, onPoint: (point: Point) => void): ToyPath {
  for (const next of path) {
    onPoint(next);
    yield next;
  }
}

export function toyProgram(definition: ToyProgram): Program {
  const found = (detail: string | null | undefined): Violation | null =>
    detail === null || detail === undefined ? null : { invariant: "counts equal recounts", detail };
  return {
    cpus: definition.cpus.length,
    start(): ToyExecution {
      const toy = new Toy(definition.words ?? [], definition.locks ?? 0, definition.cpus.length);
      const at = new Array<Point | null>(definition.cpus.length).fill(null);
      let last: Point | null = null;
      const cpus = definition.cpus.map((path, cpu) => watched(path(toy, cpu), (next) => (at[cpu] = next)));
      return {
        toy,
        cpus,
        select: (cpu) => {
          toy.cpu = cpu;
          last = at[cpu];
        },
        footprint: () => (last === null ? [] : [access(last.object, last.write)]),
        enabled: (_cpu, at) => {
          if (at.event === "lock") return toy.locks[at.object - LOCK] === null;
          if (at.event === "await") return toy.words[at.object - WORD] === Number(at.fn.split(" ")[1]);
          return true;
        },
        check: () => found(definition.check?.(toy)),
        finish: () => found(definition.finish?.(toy)),
        explain: () => null,
      };
    },
  };
}

export interface BruteForce {
  /** Complete schedules, every order of every step. */
  readonly schedules: number;
  /** Classes of complete schedules that differ in the order of independent actions only. */
  readonly classes: number;
  /** Classes of all schedules, incomplete ones too. */
  readonly states: number;
  readonly finals: ReadonlySet<string>;
  readonly violations: ReadonlySet<string>;
  /** Fewest switches of CPU on the way to a violation; Infinity: none. */
  readonly fewestSwitches: number;
}

/** Runs every schedule of a toy program; a schedule ends at a violation. */
export function bruteForce(program: Program): BruteForce {
  const finals = new Set<string>();
  const violations = new Set<string>();
  const classes = new Set<number>();
  const states = new Set<number>();
  let schedules = 0;
  let fewestSwitches = Infinity;
  const visit = (schedule: readonly number[]): void => {
    const cursor = new Cursor(program);
    const history = new History(program.cpus);
    let violation: Violation | null = null;
    for (const cpu of schedule) {
      violation = cursor.step(cpu);
      history.record(cpu, cursor.execution.footprint());
    }
    states.add(history.key());
    const enabled = cursor.enabledMask();
    if (violation === null && enabled === 0) violation = cursor.end();
    if (violation !== null) {
      violations.add(`${violation.invariant}: ${violation.detail}`);
      const switches = schedule.filter((cpu, step) => step > 0 && schedule[step - 1] !== cpu).length;
      fewestSwitches = Math.min(fewestSwitches, switches);
    }
    if (violation !== null || enabled === 0) {
      schedules++;
      classes.add(history.key());
      finals.add(toyOf(cursor.execution).digest());
      return;
    }
    for (let cpu = 0; cpu < program.cpus; cpu++) if ((enabled & (1 << cpu)) !== 0) visit([...schedule, cpu]);
  };
  visit([]);
  return { schedules, classes: classes.size, states: states.size, finals, violations, fewestSwitches };
}
