/**
 * Processes of any mixture of tables: regions of random kinds and sizes beside each other, whose truth the engine knows.
 * Looked at while the machine is busy, while the process runs on, and as an older kernel would show it.
 * RECLAIM_LOOK_SEED draws others, RECLAIM_LOOK_MIXTURES so many.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { afterEach, expect, test } from "vitest";
import { isLook, type Look } from "../engine/live/look.ts";
import { type Tables, tablesOf } from "../engine/live/tables.ts";
import { createRandom } from "../engine/workload/random.ts";
import { type Looker, startLooker } from "./look.ts";
import { expectBounds, lookerOf, withKnown } from "./look-known.testing.ts";
import type { Truth } from "./look-truth.testing.ts";
import { describeKernel } from "./testing.ts";

const SEED = Number(process.env.RECLAIM_LOOK_SEED ?? 1);
const MIXTURES = Number(process.env.RECLAIM_LOOK_MIXTURES ?? 6);
const MIB = 2 ** 20;

/** A region of `n` tables at `at` (bytes from the start, a multiple of 4 GiB). */
type Kind = (at: number, n: number) => string[];
const M = (bytes: number): string => `${bytes / MIB}M`;

const KINDS: Readonly<Record<string, Kind>> = {
  empty: (at, n) => [
    `map ${M(at)} ${2 * n}M`,
    `touch ${M(at)} ${2 * n}M stride=2M`,
    `dontneed_step ${M(at)} ${2 * n}M 1M`,
  ],
  sparse: (at, n) => [`map ${M(at)} ${2 * n}M`, `touch ${M(at)} ${2 * n}M stride=2M`],
  read: (at, n) => [`map ${M(at)} ${2 * n}M`, `touch ${M(at)} ${2 * n}M r stride=2M`],
  partly: (at, n) => [`map ${M(at)} ${2 * n}M`, `touch ${M(at)} ${2 * n}M stride=32K`],
  full: (at, n) => [`map ${M(at)} ${2 * (1 + (n % 8))}M`, `touch ${M(at)} ${2 * (1 + (n % 8))}M`],
  pinned: (at, n) => [
    `map ${M(at)} ${2 * n}M`,
    ...Array.from({ length: 1 + (n % 9) }, (_, i) => `guard_install ${M(at + i * 2 * MIB)} 8K`),
  ],
  huge: (at, n) => [`map ${M(at)} ${2 * (1 + (n % 8))}M hugepage`, `touch ${M(at)} ${2 * (1 + (n % 8))}M stride=2M`],
  shared: (at, n) => [`map ${M(at)} ${2 * n}M shared`, `touch ${M(at)} ${2 * n}M stride=2M`],
  file: (at, n) => [`map ${M(at)} ${2 * n}M file`, `touch ${M(at)} ${2 * n}M r stride=2M`],
  // Two mappings lie in each table, and none of them has an entry in it.
  straddling: (at, n) => [
    `map ${M(at)} ${2 * n}M`,
    `touch ${M(at)} ${2 * n}M stride=2M`,
    ...Array.from({ length: Math.min(n, 12) }, (_, i) => `protect ${M(at + i * 2 * MIB + MIB)} 1M ro`),
    `dontneed_step ${M(at)} ${2 * n}M 1M`,
  ],
  reserved: (at) => [`map ${M(at)} 3G none`],
  "half unmapped": (at, n) => [
    `map ${M(at)} ${2 * n}M`,
    `touch ${M(at)} ${2 * n}M stride=2M`,
    ...Array.from({ length: Math.min(n, 10) }, (_, i) => `unmap ${M(at + i * 2 * MIB)} 1M`),
  ],
};

interface Mixture {
  readonly script: readonly string[];
  /** Regions by kind. */
  readonly words: string;
}

function mixtureOf(seed: number): Mixture {
  const random = createRandom(seed);
  const names = Object.keys(KINDS);
  const regions = 3 + Math.floor(random.float() * 8);
  const script: string[] = [];
  const words: string[] = [];
  for (let region = 0; region < regions; region++) {
    const name = names[Math.floor(random.float() * names.length)];
    // Regions lie 4 GiB apart, so that each has a PMD table of its own; now and then in the middle of one.
    const at = region * 4096 * MIB + (random.float() < 0.3 ? 1023 * MIB : 0);
    const n = 1 + Math.floor(random.float() ** 2 * 400);
    script.push(...KINDS[name](at - (at % (2 * MIB)), n));
    words.push(`${name} ${n}`);
  }
  return { script, words: words.join(", ") };
}

async function looked(looker: Looker, pid: number): Promise<Look> {
  const look = await looker.look(pid);
  if (!isLook(look)) throw new Error(`not looked at: ${look.why}`);
  return look;
}

function expectNear(tables: Tables, truth: Truth): void {
  expect(Math.abs(tables.empty.estimate - truth.empty)).toBeLessThanOrEqual(Math.max(8, truth.empty * 0.02));
}

/** Does it for each mixture that this kernel makes as the engine does; a failure says which. */
async function forMixtures(
  check: (pid: number, truth: Truth, hold: (script: readonly string[]) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  let compared = 0;
  for (let seed = SEED; seed < SEED + MIXTURES; seed++) {
    const { script, words } = mixtureOf(seed);
    try {
      const done = await withKnown(script, async (pid, truth, made) => {
        await check(pid, truth, (lines) => made.hold(lines));
        return true;
      });
      if (done) compared++;
      else console.warn(`seed ${seed} (${words}): this kernel answers otherwise than the model`);
    } catch (error) {
      throw new Error(`seed ${seed} (${words}):\n${script.join("\n")}`, { cause: error });
    }
  }
  expect(compared).toBeGreaterThan(0);
}

const busy: ChildProcess[] = [];
afterEach(() => {
  for (const each of busy.splice(0)) each.kill("SIGKILL");
});

describeKernel(`mixtures from seed ${SEED} on`, () => {
  const looker = lookerOf({});
  const plain = lookerOf({ plain: true });
  const twice = lookerOf({ twoScans: true });

  test("the tables are what the engine knows", async () => {
    await forMixtures(async (pid, truth) => {
      const look = await looked(looker(), pid);
      const tables = tablesOf(look);
      expectBounds(tables, truth);
      expectNear(tables, truth);
      expect(tables.sparse).toBeGreaterThanOrEqual(truth.sparse);
      expect(look.still).toBe(true);
      if (look.means === "exact")
        expect(tables.empty).toEqual({ min: truth.empty, estimate: truth.empty, max: truth.empty });
    });
  });

  test("... and one scan says of entries and empty tables what two say", async () => {
    await forMixtures(async (pid) => {
      const [once, both] = [await looked(looker(), pid), await looked(twice(), pid)];
      expect(once.means).toBe(both.means);
      const [{ runs }, other] = [once.passes[0], both.passes[0]];
      expect({ ...runs, mappings: [...once.passes[0].mappings] }).toEqual({
        ...other.runs,
        mappings: [...other.mappings],
      });
    });
  });

  test("... while the machine is busy", async () => {
    for (let i = 0; i < 3; i++) busy.push(spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }));
    await forMixtures(async (pid, truth) => {
      for (let i = 0; i < 3; i++) {
        const tables = tablesOf(await looked(looker(), pid));
        expectBounds(tables, truth);
        expectNear(tables, truth);
      }
    });
  });

  test("... while the process runs on, in tables that it has", async () => {
    // Its last table is used again and again: pages come and go, the table stays.
    const at = "1000G";
    await forMixtures(async (pid, truth, hold) => {
      await hold([`map ${at} 2M`, `touch ${at} 2M`]);
      const running = { ...truth, in_use: truth.in_use + 1, upper: truth.upper + 2 };
      let done = false;
      const runs = (async () => {
        while (!done) await hold([`dontneed ${at} 1M`, `touch ${at} 1M`]);
      })();
      try {
        for (let i = 0; i < 3; i++) {
          const tables = tablesOf(await looked(looker(), pid));
          expect(tables.empty.min).toBeLessThanOrEqual(truth.empty);
          expect(tables.empty.max).toBeGreaterThanOrEqual(truth.empty);
          expectNear(tables, truth);
          const { in_use, deposited, pinned } = tables;
          expect({ in_use: in_use - 1, deposited, pinned }).toEqual({
            in_use: running.in_use,
            deposited: running.deposited,
            pinned: running.pinned,
          });
        }
      } finally {
        done = true;
        await runs;
      }
    });
  });

  test("... as plain reads of pagemap show them, with bounds that hold", async () => {
    await forMixtures(async (pid, truth) => {
      const scanned = tablesOf(await looked(looker(), pid));
      const look = await looked(plain(), pid);
      const tables = tablesOf(look);
      expect(look.means).not.toBe("exact");
      expectBounds(tables, truth);
      const { in_use, sparse, deposited, pinned } = tables;
      expect({ in_use, sparse, deposited, pinned }).toEqual({
        in_use: scanned.in_use,
        sparse: scanned.sparse,
        deposited: scanned.deposited,
        pinned: scanned.pinned,
      });
      expect(tables.empty.min).toBeLessThanOrEqual(tables.empty.estimate);
      expect(tables.empty.estimate).toBeLessThanOrEqual(tables.empty.max);
    });
  });

  test("... by time, where a scan would not tell", async () => {
    const timed = startLooker({ noExact: true });
    try {
      await forMixtures(async (pid, truth) => {
        const look = await looked(timed, pid);
        expect(look.means).not.toBe("exact");
        expectBounds(tablesOf(look), truth);
      });
    } finally {
      timed.close();
    }
  });
});
