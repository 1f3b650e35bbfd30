/**
 * Fuzzing of everything that is read. Each target gets its inputs in a process of its own with a bound on its memory;
 * a case that takes too long, an error that is none of ours, a crash or too much memory is a finding.
 *
 *     --only a,b          these targets
 *     --inputs N          so many inputs each
 *     --from N            beginning with case N, where a long run is done in pieces
 *     --case TARGET:I     show case I of a target (with the run's --seed) and try it alone
 */
import { fork } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PartOptions, runPart } from "../lib/part.ts";
import { cpuMs } from "../lib/processes.ts";
import { mixSeed, seeded } from "../lib/random.ts";
import { textTable } from "../lib/table.ts";
import type { AnyTarget } from "./target.ts";
import { callsWithout } from "./targets/calls.ts";
import { TARGETS } from "./targets/index.ts";

/** The bounds: memory of JavaScript, of the whole process, and the processor time of one input; by the clock, what a busy machine may make of it. */
const HEAP_MB_MAX = 768;
const RSS_MB_MAX = 1536;
const CASE_MS_MAX = 20_000;
const CASE_CLOCK_MS_MAX = 10 * CASE_MS_MAX;
/** After so many findings a target has told enough. */
const FINDINGS_MAX = 8;

interface Finding {
  readonly at: number;
  readonly what: string;
}

interface Tally {
  taken: number;
  refused: number;
  rssMb: number;
  seconds: number;
  readonly findings: Finding[];
}

interface Message {
  readonly kind: "beat" | "finding" | "done";
  readonly at?: number;
  readonly taken: number;
  readonly refused: number;
  readonly rssMax: number;
  readonly error?: string;
}

/** Runs cases from..from+count; gives the first finding, or null where all went well. */
function stretch(target: AnyTarget, seed: number, from: number, count: number, tally: Tally): Promise<Finding | null> {
  const note = join(tmpdir(), `reclaim-lab-fuzz-${process.pid}-${target.name}.case`);
  return new Promise((resolve) => {
    const child = fork(join(import.meta.dirname, "worker.ts"), [target.name, seed, from, count, note].map(String), {
      execArgv: [`--max-old-space-size=${HEAP_MB_MAX}`],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4000);
    });
    let last = { taken: 0, refused: 0 };
    let finding: Finding | null = null;
    let done = false;
    let seenCase = -1;
    let seenAt = performance.now();
    let seenCpuMs = 0;
    const current = (): number => {
      try {
        return Number(readFileSync(note).readBigUInt64LE());
      } catch {
        return from;
      }
    };
    const watch = setInterval(() => {
      const now = current();
      if (now !== seenCase) {
        seenCase = now;
        seenAt = performance.now();
        seenCpuMs = cpuMs(child.pid ?? 0);
      } else if (
        cpuMs(child.pid ?? 0) - seenCpuMs > CASE_MS_MAX ||
        performance.now() - seenAt > (done ? CASE_MS_MAX : CASE_CLOCK_MS_MAX)
      ) {
        const what = done ? "the process did not end after the last case, within" : "took longer than";
        finding ??= { at: now, what: `${what} ${CASE_MS_MAX / 1000} s` };
        child.kill("SIGKILL");
      }
    }, 500);
    child.on("message", (message: Message) => {
      if (message.kind === "finding") {
        finding ??= { at: message.at ?? current(), what: message.error ?? "" };
        return;
      }
      done = message.kind === "done";
      if (done) seenAt = performance.now();
      last = { taken: message.taken, refused: message.refused };
      tally.rssMb = Math.max(tally.rssMb, message.rssMax / 2 ** 20);
      if (tally.rssMb > RSS_MB_MAX && finding === null) {
        finding = { at: message.at ?? current(), what: `the process holds ${tally.rssMb.toFixed(0)} MB` };
        child.kill("SIGKILL");
      }
    });
    child.once("exit", (code, signal) => {
      clearInterval(watch);
      if (!done && finding === null)
        finding = { at: current(), what: `the process ended (${signal ?? code}): ${said.trim().slice(-1500)}` };
      tally.taken += last.taken;
      tally.refused += last.refused;
      rmSync(note, { force: true });
      resolve(finding);
    });
  });
}

async function fuzz(target: AnyTarget, first: number, count: number, { seed, say, out }: PartOptions): Promise<Tally> {
  const tally: Tally = { taken: 0, refused: 0, rssMb: 0, seconds: 0, findings: [] };
  const began = performance.now();
  const end = first + count;
  for (let from = first; from < end && tally.findings.length < FINDINGS_MAX; ) {
    const finding = await stretch(target, seed, from, end - from, tally);
    if (finding === null) break;
    tally.findings.push(finding);
    const input: unknown = target.make(seeded(mixSeed(target.name, seed, finding.at)));
    writeFileSync(join(out, `${target.name}-${finding.at}.txt`), `${finding.what}\n\n${target.show(input)}\n`);
    say(
      `  FOUND in ${target.name}, case ${finding.at}: ${finding.what.split("\n").slice(0, 3).join(" ").slice(0, 400)}`,
    );
    say(`    again: node long/fuzz/main.ts --seed ${seed} --case ${target.name}:${finding.at}`);
    from = finding.at + 1;
  }
  tally.seconds = (performance.now() - began) / 1000;
  return tally;
}

async function tryCase(text: string, { seed, say }: PartOptions) {
  const [name, at] = text.split(":");
  const target = TARGETS.find((each) => each.name === name);
  if (target === undefined || !/^\d+$/.test(at ?? ""))
    throw new Error(`--case is TARGET:NUMBER; targets are ${TARGETS.map((each) => each.name).join(", ")}`);
  const input: unknown = target.make(seeded(mixSeed(target.name, seed, Number(at))));
  say(target.show(input));
  try {
    return { ok: true, summary: `case ${text} was ${await target.give(input)}` };
  } finally {
    await target.tidy?.();
  }
}

await runPart(
  "fuzz",
  async (options) => {
    const { values, short, say } = options;
    if (typeof values.case === "string") return tryCase(values.case, options);
    if (callsWithout.length > 0)
      throw new Error(`long/fuzz/targets/calls.ts has no sound payload of ${callsWithout.join(", ")}`);
    const only = typeof values.only === "string" ? values.only.split(",") : null;
    const targets = TARGETS.filter((each) => only === null || only.includes(each.name));
    const tallies: (Tally & { name: string })[] = [];
    const queue = [...targets];
    const next = async (): Promise<void> => {
      for (let target = queue.shift(); target !== undefined; target = queue.shift()) {
        const count =
          values.inputs === undefined ? (short ? target.inputsShort : target.inputs) : Number(values.inputs);
        const tally = await fuzz(target, Number(values.from ?? 0), count, options);
        tallies.push({ name: target.name, ...tally });
        say(
          `  ${target.name}: ${(tally.taken + tally.refused).toLocaleString("en-US")} inputs in ${tally.seconds.toFixed(0)} s`,
        );
      }
    };
    await Promise.all([next(), next()]);
    say(
      textTable(
        ["target", "inputs", "taken", "refused", "seconds", "memory, MB", "findings"],
        tallies.map((each) => [
          each.name,
          each.taken + each.refused,
          each.taken,
          each.refused,
          each.seconds,
          Math.round(each.rssMb),
          each.findings.length,
        ]),
      ),
    );
    const inputs = tallies.reduce((sum, each) => sum + each.taken + each.refused, 0);
    const findings = tallies.reduce((sum, each) => sum + each.findings.length, 0);
    return {
      ok: findings === 0,
      summary: `${inputs.toLocaleString("en-US")} inputs over ${tallies.length} targets, ${findings} findings (bounds: ${CASE_MS_MAX / 1000} s an input, ${RSS_MB_MAX} MB a process)`,
    };
  },
  {
    only: { type: "string" },
    inputs: { type: "string" },
    from: { type: "string" },
    case: { type: "string" },
  },
);
