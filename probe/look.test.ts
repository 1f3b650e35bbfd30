/**
 * Processes whose tables are known: random scripts that a probe performs and the engine knows the outcome of, looked at
 * from outside. RECLAIM_LOOK_SEED draws others, RECLAIM_LOOK_SCRIPTS so many of each class.
 */
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isLook, type Look } from "../engine/live/look.ts";
import { type Tables, tablesOf } from "../engine/live/tables.ts";
import { Conformance } from "../engine/workload/conform.ts";
import { generateScript } from "./conformance/generate.ts";
import { KernelAnswers, startProbe } from "./conformance/kernel-answers.ts";
import { CLASSES, type ScriptClass } from "./conformance/vocabulary.ts";
import { type KernelLimits, type Looker, startLooker } from "./look.ts";
import { OWN, type Truth, truthOf } from "./look-truth.testing.ts";
import { describeKernel, foundKernel, skipReason } from "./testing.ts";

const profile = skipReason === null ? foundKernel().profile : null;
const mode = profile?.ptReclaim ? "sync" : "none";

const SEED = Number(process.env.RECLAIM_LOOK_SEED ?? 1);
const SCRIPTS = Number(process.env.RECLAIM_LOOK_SCRIPTS ?? 4);
const LENGTH = 25;

interface Known {
  readonly script: readonly string[];
  readonly look: Look;
  readonly truth: Truth;
}

/** Makes the process, looks at it; null where this kernel answers the script otherwise than the engine does (then nothing is known). */
async function known(looker: Looker, script: readonly string[]): Promise<Known | null> {
  const conformance = new Conformance(
    mode,
    profile === null ? {} : { profile: { ...profile, hugetlbPages: 0, khugepaged: false } },
  );
  const answers = script.map((line, at) => ({ ...conformance.perform(line, `line ${at + 1}`) }));
  const made = new KernelAnswers(startProbe("whole"));
  try {
    const measured = await made.hold(script);
    if (measured.some(({ deltaKb }, at) => deltaKb !== answers[at].deltaKb)) return null;
    const look = await looker.look(made.pid);
    if (!isLook(look)) throw new Error(`not looked at: ${look.why}`);
    return { script, look, truth: truthOf(conformance.kernel.state, conformance.kernel.state.processes[0]) };
  } finally {
    await made.close();
  }
}

/** What must hold on every kernel. */
function expectBounds(tables: Tables, truth: Truth): void {
  expect(tables.empty.min).toBeLessThanOrEqual(truth.empty);
  expect(tables.empty.max).toBeGreaterThanOrEqual(truth.empty);
  expect(tables.upper.min).toBeLessThanOrEqual(truth.upper + OWN.upper);
  expect(tables.upper.max).toBeGreaterThanOrEqual(truth.upper + OWN.upper);
  const { in_use, deposited, pinned } = tables;
  expect({ in_use, deposited, pinned }).toEqual({
    in_use: truth.in_use + OWN.in_use,
    deposited: truth.deposited,
    pinned: truth.pinned,
  });
}

function lookerOf(limits: KernelLimits): () => Looker {
  let looker: Looker;
  beforeAll(() => {
    looker = startLooker(limits);
  });
  afterAll(() => looker.close());
  return () => looker;
}

/** Scripts of a class whose outcome is known here, with their seeds; at least one. */
async function forKnown(looker: Looker, kind: ScriptClass, check: (known: Known) => void): Promise<void> {
  let compared = 0;
  for (let seed = SEED; seed < SEED + SCRIPTS; seed++) {
    // Whether a page can be paged out depends on who holds it at that moment; VmPTE does not tell.
    const script = generateScript(kind, seed, LENGTH).filter((line) => !line.startsWith("pageout"));
    const result = await known(looker, script);
    if (result === null) continue;
    compared++;
    try {
      check(result);
    } catch (error) {
      throw new Error(`class ${kind}, seed ${seed}:\n${script.join("\n")}`, { cause: error });
    }
  }
  if (compared === 0)
    console.warn(`class ${kind}: this kernel answers all ${SCRIPTS} scripts otherwise than the model`);
}

describeKernel(`known processes, scripts from seed ${SEED} on`, () => {
  const looker = lookerOf({});
  test.each(CLASSES)("%s: the tables are what the engine knows", async (kind) => {
    await forKnown(looker(), kind, ({ look, truth, script }) => {
      const tables = tablesOf(look);
      expectBounds(tables, truth);
      expect(look.still).toBe(true);
      const off = Math.abs(tables.empty.estimate - truth.empty);
      expect(off).toBeLessThanOrEqual(Math.max(8, truth.empty * 0.02));
      // What userfaultfd protects is told by time.
      if (look.means !== "exact" || script.some((line) => line.startsWith("uffd"))) return;
      expect([tables.empty.min, tables.empty.estimate]).toEqual([truth.empty, truth.empty]);
    });
  });
});

describe.skipIf(skipReason !== null).each([
  ["by plain reads of pagemap", { plain: true }],
  ["by time", { noExact: true }],
] as const)("known processes, looked at %s", (_, limits) => {
  const looker = lookerOf(limits);
  test.each(["core", "anon", "file", "thp", "fork"] as const)("%s: the bounds hold", async (kind) => {
    await forKnown(looker(), kind, ({ look, truth }) => {
      const { empty, in_use, deposited } = tablesOf(look);
      expect(look.means).not.toBe("exact");
      expect(empty.min).toBeLessThanOrEqual(truth.empty);
      expect(empty.max).toBeGreaterThanOrEqual(truth.empty);
      expect(empty.estimate).toBeGreaterThanOrEqual(empty.min);
      expect(empty.estimate).toBeLessThanOrEqual(empty.max);
      expect(in_use + deposited).toBe(truth.in_use + truth.deposited + OWN.in_use);
    });
  });
});

/** A process of one's own that performs a script and then waits. */
async function held<T>(script: readonly string[], body: (pid: number, made: KernelAnswers) => Promise<T>): Promise<T> {
  const made = new KernelAnswers(startProbe("whole"));
  try {
    for (const { status } of await made.hold(script)) expect(status).toMatch(/^(ok|child|segv=0)/);
    return await body(made.pid, made);
  } finally {
    await made.close();
  }
}

describeKernel("looks at processes", () => {
  const looker = lookerOf({});

  test("terabytes reserved are no tables, and an interval is told where time has to tell", async () => {
    const script = ["map 0 1T", "touch 1G 40M stride=2M", "dontneed_step 1G 40M 1M", "map 2T 4T none"];
    await held(script, async (pid) => {
      const look = await looker().look(pid);
      if (!isLook(look)) throw new Error(look.why);
      const { empty } = tablesOf(look);
      expect(empty.min).toBeLessThanOrEqual(20);
      expect(empty.max).toBeGreaterThanOrEqual(20);
      if (look.means === "exact") expect(empty).toEqual({ min: 20, estimate: 20, max: 20 });
      const blind = startLooker({ noExact: true });
      const timed = await blind.look(pid);
      blind.close();
      if (!isLook(timed)) throw new Error(timed.why);
      const interval = tablesOf(timed).empty;
      expect(interval.min).toBe(0);
      expect(interval.max).toBeGreaterThanOrEqual(20);
    });
  });

  test("a process that moves: the bounds hold at every moment, and it is said", async () => {
    // Tables of the second GiB come and go while it is looked at; those of the first stay.
    const still = ["map 0 200M", "touch 0 200M stride=2M", "dontneed_step 0 200M 1M", "map 1G 400M"];
    const moves = ["touch 1G 400M stride=2M", "dontneed_step 1G 400M 1M", "dontneed_step 1G 400M 2M"];
    await held(still, async (pid, made) => {
      let moving = 0;
      let done = false;
      const mover = (async () => {
        while (!done) await made.hold(moves);
      })();
      for (let i = 0; i < 40; i++) {
        const look = await looker().look(pid);
        if (!isLook(look)) throw new Error(look.why);
        const { empty } = tablesOf(look);
        if (!look.still || look.passes.length > 1) moving++;
        expect(empty.min).toBeLessThanOrEqual(300);
        expect(empty.max).toBeGreaterThanOrEqual(100);
        expect(empty.min).toBeLessThanOrEqual(empty.estimate);
        expect(empty.estimate).toBeLessThanOrEqual(empty.max);
      }
      done = true;
      await mover;
      expect(moving).toBeGreaterThan(0);
    });
  });

  test("one that is gone, a kernel thread and a zombie are told apart", async () => {
    const gone = await looker().look(2 ** 22 - 1);
    expect(gone).toMatchObject({ why: "gone" });
    const thread = await looker().look(2);
    if (existsSync("/proc/2/stat") && readFileSync("/proc/2/cmdline", "utf8") === "")
      expect(thread).toMatchObject({ why: "no memory" });
  });

  test("many questions at once are answered in their order", async () => {
    await held(["map 0 64M", "touch 0 64M stride=2M"], async (pid) => {
      const looks = await Promise.all(Array.from({ length: 50 }, () => looker().look(pid)));
      for (const look of looks) {
        if (!isLook(look)) throw new Error(look.why);
        expect(tablesOf(look).in_use).toBe(33);
      }
    });
  });
});
