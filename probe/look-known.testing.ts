/** Processes whose tables are known: a probe performs a script, and the engine knows its outcome. */
import { afterAll, beforeAll, expect } from "vitest";
import { isLook, type Look } from "../engine/live/look.ts";
import type { Tables } from "../engine/live/tables.ts";
import { Conformance } from "../engine/workload/conform.ts";
import { KernelAnswers, startProbe } from "./conformance/kernel-answers.ts";
import { type KernelLimits, type Looker, startLooker } from "./look.ts";
import { OWN, type Truth, truthOf } from "./look-truth.testing.ts";
import { foundKernel, skipReason } from "./testing.ts";

const profile = skipReason === null ? foundKernel().profile : null;
const mode = profile?.ptReclaim ? "sync" : "none";

export interface Known {
  readonly script: readonly string[];
  readonly look: Look;
  readonly truth: Truth;
}

/** What differs of the machine from how it is found: pages in the pool of huge pages. */
export interface Settings {
  readonly hugetlbPages?: number;
}

/** Makes the process; null where this kernel answers the script otherwise than the engine does (then nothing is known). */
export async function withKnown<T>(
  script: readonly string[],
  body: (pid: number, truth: Truth, made: KernelAnswers) => Promise<T>,
  { hugetlbPages = 0 }: Settings = {},
): Promise<T | null> {
  const conformance = new Conformance(
    mode,
    profile === null ? {} : { profile: { ...profile, hugetlbPages, khugepaged: false } },
  );
  const answers = script.map((line, at) => ({ ...conformance.perform(line, `line ${at + 1}`) }));
  const made = new KernelAnswers(startProbe("whole"));
  try {
    const measured = await made.hold(script);
    if (measured.some(({ deltaKb }, at) => deltaKb !== answers[at].deltaKb)) return null;
    return await body(made.pid, truthOf(conformance.kernel.state, conformance.kernel.state.processes[0]), made);
  } finally {
    await made.close();
  }
}

/** Makes the process, looks at it; null as above. */
export function known(looker: Looker, script: readonly string[]): Promise<Known | null> {
  return withKnown(script, async (pid, truth) => {
    const look = await looker.look(pid);
    if (!isLook(look)) throw new Error(`not looked at: ${look.why}`);
    return { script, look, truth };
  });
}

/** What must hold on every kernel. */
export function expectBounds(tables: Tables, truth: Truth): void {
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

/** A looker for a suite. */
export function lookerOf(limits: KernelLimits): () => Looker {
  let looker: Looker;
  beforeAll(() => {
    looker = startLooker(limits);
  });
  afterAll(() => looker.close());
  return () => looker;
}

/** A process of one's own that performs a script and then waits. */
export async function held<T>(
  script: readonly string[],
  body: (pid: number, made: KernelAnswers) => Promise<T>,
): Promise<T> {
  const made = new KernelAnswers(startProbe("whole"));
  try {
    for (const { status } of await made.hold(script)) expect(status).toMatch(/^(ok|child|segv=0)/);
    return await body(made.pid, made);
  } finally {
    await made.close();
  }
}
