import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { explore } from "./explore.ts";
import { shortestViolation } from "./shortest.ts";
import {
  bruteForce,
  give,
  load,
  store,
  type Toy,
  type ToyPath,
  type ToyProgram,
  take,
  toyOf,
  toyProgram,
  tryTake,
  waitFor,
} from "./toy.ts";

/** Runs the search to its end, violations or not, and collects what it saw. */
function everything(definition: ToyProgram, everyState = true) {
  const program = toyProgram(definition);
  const finals = new Set<string>();
  const violations = new Set<string>();
  const result = explore(program, {
    keepGoing: true,
    everyState,
    countSchedules: true,
    onEnd: (execution, violation) => {
      finals.add(toyOf(execution).digest());
      if (violation !== null) violations.add(`${violation.invariant}: ${violation.detail}`);
    },
  });
  return { result, finals, violations, brute: bruteForce(program), program };
}

function* increment(toy: Toy): ToyPath {
  const value = yield* load(toy, 0);
  yield* store(toy, 0, value + 1);
}

const lostUpdate: ToyProgram = {
  words: [0],
  cpus: [increment, increment],
  finish: (toy) => (toy.words[0] === 2 ? null : `counted ${toy.words[0]}`),
};

describe("textbook programs", () => {
  test("lost update: 6 schedules, 4 interleavings that differ, the loss found with two switches at most", () => {
    const { result, finals, brute, program } = everything(lostUpdate);
    expect(brute.schedules).toBe(6);
    // Read-read commutes: r r w w and its mirror image are one each for the order of the two writes.
    expect(brute.classes).toBe(4);
    expect(result).toMatchObject({ verdict: "broken", interleavings: 4, bound: null });
    expect(finals).toEqual(brute.finals);
    expect(shortestViolation(program)).toMatchObject({ schedule: [0, 1, 1, 0], switches: 2 });
  });

  test("the same under a lock holds, and its two interleavings are the two orders of the critical sections", () => {
    function* locked(toy: Toy): ToyPath {
      yield* take(toy, 0);
      yield* increment(toy);
      yield* give(toy, 0);
    }
    const { result } = everything({ ...lostUpdate, locks: 1, cpus: [locked, locked] });
    expect(result).toMatchObject({ verdict: "holds", interleavings: 2, bound: null });
    const three = everything({ words: [0], locks: 1, cpus: [locked, locked, locked] });
    expect(three.result).toMatchObject({ verdict: "holds", interleavings: 6, bound: null });
    expect([...three.finals]).toEqual([JSON.stringify([[3], [null], [[], [], []]])]);
  });

  test("locks taken in opposite order deadlock", () => {
    const order = (first: number, second: number) =>
      function* (toy: Toy): ToyPath {
        yield* take(toy, first);
        yield* take(toy, second);
        yield* give(toy, second);
        yield* give(toy, first);
      };
    const { result, program } = everything({ locks: 2, cpus: [order(0, 1), order(1, 0)] });
    expect(result.verdict).toBe("broken");
    expect(result.violation).toMatchObject({ invariant: "no deadlock" });
    expect(shortestViolation(program)).toMatchObject({ schedule: [0, 1], switches: 1 });
    expect(everything({ locks: 2, cpus: [order(0, 1), order(0, 1)] }).result.verdict).toBe("holds");
  });

  test("independent CPUs have one interleaving, however many schedules", () => {
    const writer = (word: number) =>
      function* (toy: Toy): ToyPath {
        for (let value = 1; value <= 4; value++) yield* store(toy, word, value);
      };
    const { result, brute } = everything({ words: [0, 0, 0], cpus: [writer(0), writer(1)] });
    expect(brute.schedules).toBe(70);
    expect(result.interleavings).toBe(1);
    // Every state is reached all the same: invariants of the whole state may be checked after each step.
    expect(result.states).toBe(25);
    expect(everything({ words: [0, 0, 0], cpus: [writer(0), writer(1)] }).result.states).toBe(brute.states);
  });

  test("an invariant of the whole state that only one order of independent steps breaks is found", () => {
    const set = (word: number) =>
      function* (toy: Toy): ToyPath {
        yield* store(toy, word, 1);
        yield* store(toy, word, 0);
      };
    const { violations } = everything({
      words: [0, 0],
      cpus: [set(0), set(1)],
      check: (toy) => (toy.words[0] === 1 && toy.words[1] === 1 ? "both set" : null),
    });
    expect([...violations]).toEqual(["counts equal recounts: both set"]);
  });

  const peterson = (turnFirst: boolean): ToyProgram => {
    const cpu = (me: number) =>
      function* (toy: Toy): ToyPath {
        const other = 1 - me;
        if (turnFirst) yield* store(toy, 2, other);
        yield* store(toy, me, 1);
        if (!turnFirst) yield* store(toy, 2, other);
        // One look, not a loop: enter where Peterson's algorithm lets one enter, else give up.
        const wants = yield* load(toy, other);
        const turn = yield* load(toy, 2);
        if (wants === 1 && turn === other) return;
        yield* store(toy, 3 + me, 1);
        yield* store(toy, 3 + me, 0);
        yield* store(toy, me, 0);
      };
    return {
      words: [0, 0, 0, 0, 0],
      cpus: [cpu(0), cpu(1)],
      check: (toy) => (toy.words[3] + toy.words[4] === 2 ? "both inside" : null),
    };
  };

  test("Peterson's algorithm keeps two CPUs apart; with its first two stores swapped it does not", () => {
    expect(everything(peterson(false)).result).toMatchObject({ verdict: "holds", bound: null });
    const swapped = everything(peterson(true));
    expect(swapped.result.verdict).toBe("broken");
    expect(shortestViolation(swapped.program)!.switches).toBe(swapped.brute.fewestSwitches);
  });

  test("a writer that waits for the readers of before (RCU) never frees under one", () => {
    // Words: 0 the pointer, 1 readers inside, 2 freed.
    const program = (waits: boolean): ToyProgram => ({
      words: [1, 0, 0],
      cpus: [
        function* reader(toy) {
          yield* store(toy, 1, 1);
          const pointer = yield* load(toy, 0);
          if (pointer === 1) {
            const freed = yield* load(toy, 2);
            toy.results[0].push(freed);
          }
          yield* store(toy, 1, 0);
        },
        function* writer(toy) {
          yield* store(toy, 0, 0);
          if (waits) yield* waitFor(toy, 1, 0);
          yield* store(toy, 2, 1);
        },
      ],
      finish: (toy) => (toy.results[0][0] === 1 ? "read freed memory" : null),
    });
    expect(everything(program(true)).result).toMatchObject({ verdict: "holds", bound: null });
    expect(everything(program(false)).result.verdict).toBe("broken");
  });

  test("a loop that no schedule ends is a run that does not finish", () => {
    function* forever(toy: Toy): ToyPath {
      for (;;) yield* load(toy, 0);
    }
    const result = explore(toyProgram({ words: [0], cpus: [forever, increment] }), { bounds: { depth: 50 } });
    expect(result.violation).toMatchObject({ invariant: "every run finishes" });
  });

  test("a loop that a fair schedule ends is no violation, and the search says that it is not exhaustive", () => {
    function* spin(toy: Toy): ToyPath {
      while ((yield* load(toy, 0)) === 0);
    }
    const result = explore(toyProgram({ words: [0], cpus: [spin, increment] }), { bounds: { depth: 50 } });
    expect(result.verdict).toBe("unknown");
    expect(result.bound).toContain("beyond 50 steps");
  });

  test("a bound on runs and a cancelled search say so", () => {
    const many: ToyProgram = { words: [0], cpus: [increment, increment, increment] };
    expect(explore(toyProgram(many), { bounds: { runs: 3 } })).toMatchObject({
      verdict: "unknown",
      bound: "stopped after 3 runs",
    });
    function* busy(toy: Toy): ToyPath {
      for (let at = 0; at < 4; at++) yield* increment(toy);
    }
    const result = explore(toyProgram({ words: [0], cpus: [busy, busy, busy] }), { onProgress: () => false });
    expect(result).toMatchObject({ verdict: "unknown", bound: "cancelled" });
  });
});

type Instruction =
  | { readonly op: "load" | "take" | "tryTake" | "add"; readonly at: number }
  | { readonly op: "store"; readonly at: number; readonly value: number };

/** Straight code with one branch: a load of an odd value skips the next instruction. */
function* interpret(toy: Toy, cpu: number, code: readonly Instruction[]): ToyPath {
  const held: number[] = [];
  for (let at = 0; at < code.length; at++) {
    const instruction = code[at];
    if (instruction.op === "load") {
      const value = yield* load(toy, instruction.at);
      toy.results[cpu].push(value);
      if (value % 2 === 1) at++;
    } else if (instruction.op === "store") yield* store(toy, instruction.at, instruction.value);
    else if (instruction.op === "add") yield* store(toy, instruction.at, toy.results[cpu].length + cpu);
    else if (instruction.op === "take") {
      if (held.includes(instruction.at)) continue;
      yield* take(toy, instruction.at);
      held.push(instruction.at);
    } else if (!held.includes(instruction.at) && (yield* tryTake(toy, instruction.at))) held.push(instruction.at);
  }
  for (const lock of held) yield* give(toy, lock);
}

const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  fc.record({ op: fc.constantFrom("load" as const, "add" as const), at: fc.integer({ min: 0, max: 2 }) }),
  fc.record({ op: fc.constantFrom("take" as const, "tryTake" as const), at: fc.integer({ min: 0, max: 1 }) }),
  fc.record({
    op: fc.constant("store" as const),
    at: fc.integer({ min: 0, max: 2 }),
    value: fc.integer({ min: 1, max: 3 }),
  }),
);

test("the reduced search sees exactly what brute force sees: final states, violations, interleavings, states", () => {
  const codes = fc.oneof(
    fc.array(fc.array(instruction, { maxLength: 4 }), { minLength: 2, maxLength: 2 }),
    fc.array(fc.array(instruction, { maxLength: 2 }), { minLength: 3, maxLength: 3 }),
  );
  fc.assert(
    fc.property(codes, (cpus) => {
      const definition: ToyProgram = {
        words: [0, 0, 0],
        locks: 2,
        cpus: cpus.map((code) => (toy: Toy, cpu: number) => interpret(toy, cpu, code)),
        finish: (toy) => (toy.words[2] === 1 ? "ends with 1" : null),
      };
      const { result, finals, violations, brute, program } = everything(definition);
      expect(finals).toEqual(brute.finals);
      expect(violations).toEqual(brute.violations);
      expect(result.interleavings).toBe(brute.classes);
      expect(result.schedules).toBe(brute.schedules);
      expect(result.states).toBe(brute.states);
      expect(shortestViolation(program)?.switches ?? Infinity).toBe(brute.fewestSwitches);

      // Steps that concern one CPU alone taken at once: as many interleavings, the same ends, fewer states.
      const quick = everything(definition, false);
      expect(quick.finals).toEqual(brute.finals);
      expect(quick.violations).toEqual(brute.violations);
      expect(quick.result.interleavings).toBe(brute.classes);
      expect(quick.result.schedules).toBe(brute.schedules);
      expect(quick.result.states).toBeLessThanOrEqual(brute.states);

      // An invariant of the whole state, which ends a run wherever it breaks.
      const checked = everything({
        ...definition,
        check: (toy) => (toy.words[0] === 2 && toy.words[1] === 3 ? "2 and 3" : null),
      });
      expect(checked.result.verdict).toBe(checked.brute.violations.size > 0 ? "broken" : "holds");
      expect(shortestViolation(checked.program)?.switches ?? Infinity).toBe(checked.brute.fewestSwitches);
    }),
    { numRuns: 300 },
  );
});
