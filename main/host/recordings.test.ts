/** Recordings as the window asks for them: launched, attached, stopped, refused; and what is left of one that is cut off. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { captureMeans } from "../../probe/capture-means.ts";
import { KernelAnswers, startProbe } from "../../probe/conformance/kernel-answers.ts";
import { resultOf } from "../answer.ts";
import type { CallArguments, CallResult, EventPayload, LabCallName } from "../contract.ts";
import { type Lab, openLab } from "./lab.ts";

const means = await captureMeans();
const records = it.skipIf(means.how === null);
const attaches = it.skipIf(means.how !== "perf");

type End = EventPayload<"record.ended">;

let folder: string;
let lab: Lab;
let ended: Promise<End>;
/** Told of every state. */
let onState: (state: EventPayload<"record.changed">) => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "recordings-"));
  onState = () => undefined;
  let tell: (end: End) => void = () => undefined;
  ended = new Promise((resolve) => {
    tell = resolve;
  });
  lab = openLab({
    file: join(folder, "history.sqlite"),
    emit: (name, payload) => {
      if (name === "record.ended") tell(payload as End);
      if (name === "record.changed") onState(payload as EventPayload<"record.changed">);
    },
    log: (error) => {
      throw error;
    },
  });
});

afterEach(async () => {
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

async function ask<N extends LabCallName>(name: N, ...params: CallArguments<N>): Promise<CallResult<N>> {
  return resultOf(name, await lab.call(name, params[0]));
}

/** Resolves when so many readings have come. */
const readings = (least: number): Promise<void> =>
  new Promise((resolve) => {
    onState = (state) => {
      if (state?.phase === "recording" && state.line.length >= least) resolve();
    };
  });

function runs(word: string): boolean {
  return readdirSync("/proc").some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(word);
    } catch {
      return false;
    }
  });
}

const launch = (command: string, more: { folder?: string; env?: string } = {}) =>
  ask("record.run", { command, folder: more.folder ?? folder, env: more.env ?? "", stacks: false });

const loop = (word: string): string => `/bin/sh -c 'while :; do sleep 0.02; done' ${word}`;

records("a launched program is seen while it runs, ends when it is stopped, and is a capture then", async () => {
  const seen = readings(3);
  await launch(loop("recordings-test-stopped"));
  await seen;
  const now = await ask("record.look");
  expect(now?.name).toBe("sh");
  expect(now?.line.at(-1)?.vmpteKb).toBeGreaterThan(0);
  expect(runs("recordings-test-stopped")).toBe(true);
  await expect(ask("record.run", { command: "true", folder, env: "", stacks: false })).rejects.toThrow(
    "A recording is already in progress",
  );
  expect(await ask("record.stop")).toBe(true);
  const end = await ended;
  if (end.kind === "failed") throw new Error(JSON.stringify(end.error));
  expect(end.opened.name).toBe("sh");
  expect(end.opened.capture?.command).toContain("recordings-test-stopped");
  expect(end.opened.capture?.measured.length).toBeGreaterThan(0);
  expect(runs("recordings-test-stopped")).toBe(false);
});

records("folder and environment are what was typed, and its end is told", async () => {
  const said = join(folder, "said");
  const phases = new Set<string | undefined>();
  onState = (state) => phases.add(state?.phase);
  await launch(`/bin/sh -c 'echo "$PWD $GREETING" > said; sleep 0.2'`, { env: "GREETING=hello there" });
  expect((await ended).kind).toBe("recorded");
  expect(readFileSync(said, "utf8")).toBe(`${folder} hello there\n`);
  // It ended by itself, and what was recorded was written down after that.
  expect([...phases].slice(-2)).toEqual(["finishing", undefined]);
});

records("what is no program, no command, no folder and no variable is refused before anything is made", async () => {
  await expect(launch("/bin/sh -c 'unfinished")).rejects.toThrow("This is not a command");
  await expect(launch("true", { folder: "/no/such/folder" })).rejects.toThrow("There is no such folder");
  await expect(launch("true", { env: "not a variable" })).rejects.toThrow("is not VAR=VALUE");
  await launch("recordings-no-such-program");
  const end = await ended;
  expect(end.kind === "failed" && end.error.message).toBe("There is no program recordings-no-such-program");
  expect(readdirSync(join(folder, "captures"))).toEqual([]);
  expect(await ask("record.stop")).toBe(false);
});

records("a lab that closes ends the program and keeps nothing of it", async () => {
  const seen = readings(1);
  await launch(loop("recordings-test-closed"));
  await seen;
  await lab.close();
  expect(runs("recordings-test-closed")).toBe(false);
  expect(readdirSync(join(folder, "captures"))).toEqual([]);
});

attaches("a process that runs already is recorded from what it has on, and goes on", async () => {
  const known = new KernelAnswers(startProbe("whole"));
  try {
    await known.hold(["map 0 64M", "touch 0 64M stride=2M"]);
    const seen = readings(2);
    await ask("record.attach", { pid: known.pid, children: false, stacks: false, light: false });
    await seen;
    await known.hold(["dontneed_step 0 64M 1M"]);
    await ask("record.stop");
    const end = await ended;
    if (end.kind === "failed") throw new Error(JSON.stringify(end.error));
    expect(end.opened.processes.map(({ pid }) => pid)).toEqual([known.pid]);
    expect(end.opened.processes[0].dontneed).toBe(64);
    expect(end.opened.capture?.measured).toEqual([known.pid]);
    expect(existsSync(`/proc/${known.pid}`)).toBe(true);
  } finally {
    known.close();
  }
});

it("a process that is gone is refused in words", async () => {
  await expect(ask("record.attach", { pid: 4_194_303, children: false, stacks: false, light: false })).rejects.toThrow(
    "There is no process 4194303",
  );
});
