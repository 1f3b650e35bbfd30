/**
 * Processes whose tables are known: random scripts that a probe performs and the engine knows the outcome of, looked at
 * from outside. RECLAIM_LOOK_SEED draws others, RECLAIM_LOOK_SCRIPTS so many of each class.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { isLook, STATE, stateOf } from "../engine/live/look.ts";
import { tablesOf } from "../engine/live/tables.ts";
import { generateScript } from "./conformance/generate.ts";
import { CLASSES, type ScriptClass } from "./conformance/vocabulary.ts";
import { type Looker, startLooker } from "./look.ts";
import { expectBounds, held, type Known, known, lookerOf } from "./look-known.testing.ts";
import { OWN } from "./look-truth.testing.ts";
import { describeKernel, skipReason } from "./testing.ts";

const SEED = Number(process.env.RECLAIM_LOOK_SEED ?? 1);
const SCRIPTS = Number(process.env.RECLAIM_LOOK_SCRIPTS ?? 4);
const LENGTH = 25;

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
      for (let i = 0; i < 40 || moving === 0; i++) {
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

  test("mappings that went while it was looked at are not taken for tables", async () => {
    // A scan says as little of what is mapped no more as of an empty table.
    await held(["map 0 128G", "touch 0 128G r stride=2M", "dontneed_step 0 128G 1M"], async (pid, made) => {
      const own = looker();
      const ranFor = (): number => Number(readFileSync(`/proc/${own.pid}/schedstat`, "utf8").split(" ")[0]);
      const begun = ranFor();
      let answered = false;
      const asked = own.look(pid, { once: true }).then((look) => {
        answered = true;
        return look;
      });
      // 5 ms of some 100 that a look at 65,536 tables takes.
      while (ranFor() < begun + 5e6 && !answered) await new Promise(setImmediate);
      process.kill(own.pid, "SIGSTOP");
      await made.hold(["unmap 2M 131068M"]);
      process.kill(own.pid, "SIGCONT");
      const look = await asked;
      if (!isLook(look)) throw new Error(look.why);
      const { runs } = look.passes[look.passes.length - 1];
      const empty = runs.windows.reduce(
        (sum, windows, i) => sum + (stateOf(runs.state[i]) === STATE.empty ? windows : 0),
        0,
      );
      expect(empty).toBe(2);
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
