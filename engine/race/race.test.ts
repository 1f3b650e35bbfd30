import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_BASELINE, POLICY_IDS, SERIES_POLICY } from "../experiment/policies.ts";
import { Cursor } from "./cursor.ts";
import { digest } from "./digest.ts";
import { explore } from "./explore.ts";
import { counterexampleText, replayCommand, verdictTable } from "./format.ts";
import type { MachineExecution, MachineProgram } from "./machine.ts";
import { dependent, type Violation } from "./program.ts";
import {
  findScenario,
  RACE_PATCHES,
  type RacePatch,
  type RaceResult,
  raceCases,
  raceJson,
  replayResult,
  runScenario,
  SCENARIOS,
  type Scenario,
  scenarioNamed,
  scenarioProgram,
} from "./race.ts";
import { formatSchedule, parseSchedule } from "./schedule.ts";

/** Verdict of every case that `race` runs; "holds" for those not named. */
const BROKEN: Readonly<Record<string, Partial<Record<RacePatch, string>>>> = {
  "refault-resched": { "9fix": "no write lost" },
  "anonymous-collapse": { "617fix": "no access through a freed table" },
  "khugepaged-retract": { "1": "no access through a freed table" },
  "uffdio-move": { "2": "no write lost" },
  "walker-single-free": { "10": "a reader inside rcu_read_lock never sees its table freed" },
  "resumed-zap": { "8": "an emptied table is reclaimed" },
};

const results = new Map<string, RaceResult>();
function resultOf(scenario: Scenario, without: RacePatch | null): RaceResult {
  const key = `${scenario.name} ${without}`;
  let result = results.get(key);
  if (result === undefined) {
    result = runScenario(scenario, without);
    results.set(key, result);
  }
  return result;
}

/** Runs every schedule with at most `switches` switches of CPU, without reduction; `onRun` sees where each stands. Counts them. */
function everySchedule(
  program: MachineProgram,
  switches: number,
  onRun: (cursor: Cursor, violation: Violation | null) => void,
): number {
  let runs = 0;
  const visit = (prefix: readonly number[], left: number): void => {
    for (let cpu = 0; cpu < program.cpus; cpu++) {
      if (cpu === prefix.at(-1)) continue;
      for (let schedule = prefix; ; ) {
        const cursor = new Cursor(program);
        cursor.replay(schedule, schedule.length);
        if (!cursor.enabled(cpu)) break;
        let violation = cursor.step(cpu);
        if (violation === null && cursor.enabledMask() === 0) violation = cursor.end();
        runs++;
        onRun(cursor, violation);
        if (violation !== null) break;
        schedule = [...schedule, cpu];
        if (left > 0) visit(schedule, left - 1);
      }
    }
  };
  visit([], switches);
  return runs;
}

function named(name: string): Scenario {
  return scenarioNamed(name);
}

describe("every case", () => {
  test.each(
    raceCases(SCENARIOS, null, SERIES_POLICY).map((each) => [each.scenario.name, each.without, each.scenario] as const),
  )("%s, without %s", (name, without, scenario) => {
    const result = resultOf(scenario, without);
    const broken = without === null ? undefined : BROKEN[name]?.[without];
    expect(result.bound).toBeNull();
    expect(result.verdict).toBe(broken === undefined ? "holds" : "broken");
    expect(result.violation?.invariant).toBe(broken);
  });

  test.each(POLICY_IDS.filter((id) => id !== SERIES_POLICY))("under %s every scenario holds", (mode) => {
    for (const { scenario } of raceCases(SCENARIOS, null, mode)) {
      const { verdict, bound, violation } = runScenario(scenario, null, {}, mode);
      expect([scenario.name, verdict, bound, violation]).toEqual([scenario.name, "holds", null, null]);
    }
  });

  test("under every policy but the baseline the emptied table is gone in the end", () => {
    const scenario = named("resumed-zap");
    for (const mode of POLICY_IDS.filter((id) => id !== DEFAULT_BASELINE)) {
      const program = scenarioProgram(scenario, null, mode);
      const running = program.start();
      const { world, cpus } = running;
      for (const [cpu, path] of cpus.entries()) {
        for (let done = false; !done; ) {
          running.select(cpu, false);
          done = path.next().done === true;
        }
      }
      expect([mode, world.mm.ptes]).toEqual([mode, 0]);
    }
  });

  test("each patch that the explorer can take out is broken by a scenario, with a schedule", () => {
    const found = Object.values(BROKEN).flatMap((patches) => Object.keys(patches));
    expect(found.sort()).toEqual([...RACE_PATCHES].sort());
  });

  test("taking patch 8 out breaks nothing but reclaim: without that demand its scenario holds", () => {
    const scenario = { ...named("resumed-zap"), goal: null };
    expect(explore(scenarioProgram(scenario, "8"))).toMatchObject({ verdict: "holds", bound: null });
  });

  test("a patch that is taken out has its finding in words", () => {
    for (const { patches, findings } of SCENARIOS)
      for (const patch of patches) expect(findings[patch]?.length).toBeGreaterThan(80);
  });
});

describe("a counterexample", () => {
  const scenario = named("refault-resched");
  const result = () => resultOf(scenario, "9fix");

  test("ends at the step that breaks the invariant, and replays to the same end", () => {
    const violation = result().violation!;
    expect(violation.steps.filter((step) => step.failing).map((step) => step.step)).toEqual([violation.cpus.length]);
    const again = replayResult(scenario, "9fix", violation.cpus);
    expect(again.result.violation).toEqual(violation);
    // With the fix in, the same CPUs in the same order get as far as they can and break nothing.
    expect(replayResult(scenario, null, violation.cpus.slice(0, -1)).result.violation).toBeNull();
    // A schedule that ends early shows nothing of what would have come.
    expect(replayResult(scenario, null, [0]).result).toMatchObject({ verdict: "unknown", bound: expect.any(String) });
  });

  test("has no more switches than needed: none with fewer is broken", () => {
    const { switches } = result().violation!;
    // One fewer takes minutes; two fewer is the same code.
    const runs = everySchedule(scenarioProgram(scenario, "9fix"), switches - 2, (_, violation) => {
      expect(violation).toBeNull();
    });
    expect(runs).toBeGreaterThan(100);
  });

  test("is a table with a column a CPU, the command that replays it, and words", () => {
    const text = counterexampleText(scenario, result(), result().violation!);
    const lines = text.split("\n");
    expect(lines.find((line) => line.includes("CPU 1: writer"))).toContain("CPU 2: timer");
    expect(lines.filter((line) => line.startsWith(">>"))).toHaveLength(1);
    expect(text).toContain(replayCommand(result(), result().violation!.cpus));
    expect(text).toContain("The zap drops the PTE lock.");
  });
});

describe("the output of race", () => {
  test("is the same twice, byte for byte", () => {
    const cases = raceCases(SCENARIOS, null).filter(({ scenario }) => scenario.lanes.length === 2);
    const once = () => JSON.stringify(raceJson(cases.map(({ scenario, without }) => runScenario(scenario, without))));
    expect(once()).toBe(once());
  });

  test("has the keys of the design, in their order", () => {
    const document = raceJson([resultOf(named("walker-single-free"), "10")]) as Record<string, unknown>[];
    expect(Object.keys(document[0])).toEqual(["scenario", "mode", "without", "verdict", "interleavings", "violation"]);
    const violation = document[0].violation as { schedule: object[] };
    expect(Object.keys(violation)).toEqual(["invariant", "schedule"]);
    expect(Object.keys(violation.schedule[0])).toEqual(["step", "cpu", "function", "event"]);
  });

  test("verdicts line up", () => {
    const lines = verdictTable([
      resultOf(named("two-dontneeds"), null),
      resultOf(named("walker-single-free"), "10"),
    ]).split("\n");
    const column = lines[0].indexOf("verdict");
    expect(lines[1].slice(column)).toMatch(/^holds /);
    expect(lines[2].slice(column)).toMatch(/^broken /);
  });
});

describe("schedules as text", () => {
  test("read back as they were written", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 60 }), (cpus) => {
        expect(parseSchedule(formatSchedule(cpus))).toEqual(cpus);
      }),
    );
    expect(formatSchedule([0, 0, 0, 2, 0])).toBe("0*3,2,0");
  });

  test.each(["", "4", "0*0", "0*", "0,,1", "0*9999999", "x", "0*999999,0*999999"])("refuses %j", (text) => {
    expect(() => parseSchedule(text)).toThrow("not a schedule");
  });

  test("that cannot be run are refused with step, CPU and reason", () => {
    const scenario = named("two-dontneeds");
    expect(() => replayResult(scenario, null, [3])).toThrow("The schedule cannot be run");
    expect(() => replayResult(scenario, null, new Array<number>(200).fill(0))).toThrow("The schedule cannot be run");
    expect(findScenario("nonsense")).toBeUndefined();
  });
});

const PAIRS = SCENARIOS.flatMap((scenario) => [null, ...scenario.patches].map((without) => ({ scenario, without })));

describe("the reduction on the real kernel", () => {
  test("steps whose footprints are independent commute: either order leads to the same state", () => {
    let compared = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...PAIRS),
        fc.array(fc.nat(2), { maxLength: 60 }),
        ({ scenario, without }, choices) => {
          const program = scenarioProgram(scenario, without);
          const cursor = new Cursor(program);
          const prefix: number[] = [];
          for (const choice of choices) {
            const cpu = choice % program.cpus;
            if (!cursor.enabled(cpu)) continue;
            prefix.push(cpu);
            if (cursor.step(cpu) !== null) return;
          }
          const enabled = Array.from({ length: program.cpus }, (_, cpu) => cpu).filter((cpu) => cursor.enabled(cpu));
          for (const a of enabled) {
            for (const b of enabled) {
              if (a >= b) continue;
              const first = bothOrders(program, prefix, a, b);
              const second = bothOrders(program, prefix, b, a);
              if (first === null || second === null || dependent(first.footprints[0], second.footprints[0])) continue;
              compared++;
              expect(second.state, `${scenario.name}: ${formatSchedule([...prefix, a, b])}`).toBe(first.state);
            }
          }
        },
      ),
      { numRuns: 1500 },
    );
    expect(compared).toBeGreaterThan(100);
  });

  function bothOrders(program: ReturnType<typeof scenarioProgram>, prefix: readonly number[], a: number, b: number) {
    const cursor = new Cursor(program);
    cursor.replay(prefix, prefix.length);
    const footprints: (readonly number[])[] = [];
    for (const cpu of [a, b]) {
      if (!cursor.enabled(cpu) || cursor.step(cpu) !== null) return null;
      footprints.push(cursor.execution.footprint());
    }
    const points = cursor.points.map((point) =>
      point === null ? "end" : `${point.fn} ${point.event} ${point.object}`,
    );
    return { footprints, state: digest((cursor.execution as MachineExecution).world) + points.join(";") };
  }

  test.each(["two-dontneeds", "khugepaged-retract", "uffdio-move", "gup-fast-single-free", "walker-single-free"])(
    "%s: every end that a search without reduction reaches with three switches, the reduced search reaches",
    (name) => {
      const scenario = named(name);
      const program = scenarioProgram(scenario, null);
      const reduced = new Set<string>();
      explore(program, { onEnd: (execution) => reduced.add(digest((execution as MachineExecution).world)) });
      const ends = new Set<string>();
      const runs = everySchedule(program, 3, (cursor) => {
        if (cursor.finished()) ends.add(digest((cursor.execution as MachineExecution).world));
      });
      expect(runs).toBeGreaterThan(200);
      expect(ends.size).toBeGreaterThan(0);
      expect([...ends].filter((end) => !reduced.has(end))).toEqual([]);
    },
  );
});

test.each(SCENARIOS.map(({ name }) => name))("%s: taking private steps at once leaves out no interleaving", (name) => {
  const program = scenarioProgram(named(name), null);
  const all = explore(program, { everyState: true, countSchedules: true });
  const quick = explore(program, { countSchedules: true });
  expect([quick.interleavings, quick.schedules]).toEqual([all.interleavings, all.schedules]);
  expect(quick.states).toBeLessThanOrEqual(all.states);
});

test("an execution that begins at the checkpoint is one on a fresh kernel", () => {
  for (const { scenario, without } of PAIRS) {
    const fresh = () => scenarioProgram(scenario, without);
    const used = fresh();
    const start = digest(fresh().start().world);
    const cursor = new Cursor(used);
    for (let step = 0; step < 40; step++) {
      const cpu = step % used.cpus;
      if (cursor.enabled(cpu) && cursor.step(cpu) !== null) break;
    }
    expect(digest(used.start().world), scenario.name).toBe(start);
  }
});
