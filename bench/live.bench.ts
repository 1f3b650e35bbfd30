/** The live machine: a look at a million tables, a list of 300 processes, and what a look costs the process that is looked at. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { isLook } from "../engine/live/look.ts";
import { tablesOf } from "../engine/live/tables.ts";
import { lookAtAll } from "../main/live/inspect.ts";
import { KernelAnswers, startProbe } from "../probe/conformance/kernel-answers.ts";
import { startLooker } from "../probe/look.ts";
import { skipReason } from "../probe/testing.ts";
import { best, type Row, type Section } from "./harness.ts";

const MILLION = 2 ** 20;
const PROCESSES = 300;
const PAIRS = 30;

/** Processor time of the probe so far: what the machine does besides is not in it. */
const processorMs = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ", 1)[0]) / 1e6;

/** 2 TiB, in each 2 MiB a table that lost its one page again. */
const EMPTY = ["map 0 2T", "touch 0 2T r stride=2M", "dontneed_step 0 2T 1M"];
const SPARSE = ["map 0 2T", "touch 0 2T r stride=2M"];

async function* million(name: string, script: readonly string[]): AsyncGenerator<Row> {
  const made = new KernelAnswers(startProbe("whole"));
  const looker = startLooker();
  try {
    await made.hold(script);
    let tables = 0;
    const before = processorMs(looker.pid);
    let looks = 0;
    const ms = await best(3, async () => {
      looks++;
      const look = await looker.look(made.pid);
      if (!isLook(look)) throw new Error(look.why);
      const { empty, in_use } = tablesOf(look);
      tables = empty.estimate + in_use;
    });
    const spent = ((processorMs(looker.pid) - before) / looks).toFixed(0);
    const note = `${tables.toLocaleString("en-US")} tables told apart; ${spent} ms of processor time of the probe`;
    yield { what: `look at a million tables, ${name}`, value: ms, unit: "ms", budget: { atMost: 2000 }, note };
  } finally {
    looker.close();
    await made.close();
  }
}

async function* list(): AsyncGenerator<Row> {
  const sleepers = Array.from({ length: PROCESSES }, () => spawn("sleep", ["600"], { stdio: "ignore" }));
  await Promise.all(sleepers.map((each) => once(each, "spawn")));
  const looker = startLooker();
  try {
    let count = 0;
    const first = await best(3, async () => {
      count = (await lookAtAll(looker, () => undefined)).document.processes.length;
    });
    yield {
      what: "list of 300 processes",
      value: first,
      unit: "ms",
      budget: { atMost: 1000 },
      note: `${count} in all`,
    };
    let { looks } = await lookAtAll(looker, () => undefined);
    const again = await best(5, async () => {
      looks = (await lookAtAll(looker, () => undefined, looks)).looks;
    });
    yield { what: "the same again, where little changed", value: again, unit: "ms" };
  } finally {
    looker.close();
    for (const each of sleepers) each.kill();
  }
}

/** A program that maps, touches and unmaps for its life; it says how long a round took, and of the processor, in ms. */
const BUSY = `const a = [];
for (let round = 0; ; round++) {
  const begun = performance.now(), used = process.cpuUsage();
  for (let i = 0; i < 40; i++) a[i % 8] = Buffer.alloc(8 << 20, i);
  const { user, system } = process.cpuUsage(used);
  console.log(performance.now() - begun, (user + system) / 1000);
  await new Promise((done) => setImmediate(done));
}`;

/** What looks at it cost a busy program, beside as many looks at another: those take the same processor, but not its lock. */
async function* paired(): AsyncGenerator<Row> {
  const other = spawn(process.execPath, ["-e", "Buffer.alloc(64 << 20, 1); setInterval(() => undefined, 1e6)"], {
    stdio: "ignore",
  });
  const busy = spawn(process.execPath, ["--input-type=module", "-e", BUSY], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: busy.stdout })[Symbol.asyncIterator]();
  const looker = startLooker();
  const round = async (): Promise<readonly number[]> =>
    String((await lines.next()).value)
      .split(" ")
      .map(Number);
  const two = async (): Promise<readonly number[]> => {
    const [first, second] = [await round(), await round()];
    return first.map((ms, i) => ms + second[i]);
  };
  try {
    for (let i = 0; i < 10; i++) await round();
    let looks = 0;
    const whileLookingAt = async (pid: number): Promise<readonly number[]> => {
      let over = false;
      const looking = (async () => {
        for (; !over; looks++) await looker.look(pid, { once: true });
      })();
      await round();
      const took = await two();
      over = true;
      await looking;
      await round();
      return took;
    };
    const rounds: {
      readonly alone: readonly number[];
      readonly other: readonly number[];
      readonly own: readonly number[];
    }[] = [];
    for (let i = 0; i < PAIRS; i++) {
      const alone = await two();
      const beside = await whileLookingAt(other.pid ?? 0);
      rounds.push({ alone, other: beside, own: await whileLookingAt(busy.pid ?? 0) });
    }
    for (const [against, words] of [
      ["alone", "alone"],
      ["other", "while another is"],
    ] as const)
      for (const [at, what] of ["time", "processor time"].entries()) {
        const ratios = rounds.map((each) => each.own[at] / each[against][at]).sort((a, b) => a - b);
        const [low, high] = [ratios[PAIRS >> 2], ratios[PAIRS - 1 - (PAIRS >> 2)]];
        const median = ratios[PAIRS >> 1];
        const note = `${median.toFixed(2)}, the median of ${PAIRS} pairs, half of them ${low.toFixed(2)} to ${high.toFixed(2)}; ${looks} looks without a pause`;
        yield { what: `${what} of a program that maps, looked at / ${words}`, value: median, unit: "x", note };
      }
  } finally {
    looker.close();
    busy.kill();
    other.kill();
  }
}

async function* rows(): AsyncGenerator<Row> {
  if (skipReason !== null) {
    yield { what: "the live machine", value: Number.NaN, unit: "ms", note: `skipped: ${skipReason}` };
    return;
  }
  yield* million("empty", EMPTY);
  yield* million("one page each", SPARSE);
  yield* list();
  yield* paired();
}

export const section: Section = { title: `The live machine (${MILLION.toLocaleString("en-US")} tables)`, rows };
