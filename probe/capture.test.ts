import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { describeError } from "../engine/error.ts";
import { ImportReport, survey } from "../engine/workload/import/index.ts";
import { capture } from "./capture.ts";
import { notesIn } from "./capture-folder.ts";
import { captureMeans } from "./capture-means.ts";
import { captureKernel, namedProfile } from "./named-profile.ts";
import { smallDisk } from "./small-disk.testing.ts";

const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-test-capture-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const disk = smallDisk(join(folder, "disk"), "1m");
afterAll(() => disk.remove());

async function* inOne(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

const MEANS = [
  { how: "perf", means: await captureMeans("perf") },
  { how: "tracefs", means: await captureMeans("tracefs") },
] as const;

describe.each(MEANS)("a capture with $how", ({ how, means }) => {
  if (means.how === null) {
    console.warn(`captures with ${how} are not tested: ${means.why}`);
    test.skip(`skipped: ${means.why}`, () => undefined);
    return;
  }

  test("holds the program's events and its VmPTE on one clock", async () => {
    const out = join(folder, `${how}-short`);
    const result = await capture({ program: "sh", args: ["-c", "sleep 0.05; exit 3"], folder: out, how });
    expect(result).toMatchObject({ how, exitCode: 3, lost: 0, skipped: 0, denied: 0, measured_most: null });
    const events = gunzipSync(readFileSync(join(out, "events.txt.gz"))).toString();
    expect(events).toMatch(/page_fault_user: address=0x[0-9a-f]+/);
    expect(events).toContain(`${result.pid}`);
    expect(events).not.toMatch(/^reclaim-probe(?!.*sys_enter.*NR 59\b)/m);
    const list = await survey(inOne(events), new ImportReport());
    if (list.format === "ops") throw new Error("it is no trace");
    const names = list.processes.map(({ comm }) => comm).toSorted();
    // tracefs remembers one name a process: of a short one perhaps that of before its execve, or none.
    if (how === "tracefs") expect(names.filter((name) => !["sh", "sleep", ""].includes(name))).toEqual([]);
    else expect(names).toEqual(["sh", "sleep"]);
    expect(names).toHaveLength(2);
    // The program's own file ends with notes; that of the process below it, where that had more events, does not.
    const lines = readFileSync(join(out, "vmpte.txt"), "utf8").trim().split("\n");
    const readings = lines.filter((line) => !/^# \w+ \d+$/.test(line));
    expect(readings[0]).toBe(
      `# pid ${result.pid}  CLOCK_MONOTONIC before read, VmPTE kB, VmRSS kB, Threads, CLOCK_MONOTONIC after read`,
    );
    expect(readings).toHaveLength(result.readings + 1);
    const kernel = captureKernel(join(out, "vmpte.txt"));
    expect(kernel).toEqual(namedProfile("this"));
    for (const line of readings.slice(1)) expect(line).toMatch(/^\d+\.\d{9} \d+ \d+ \d+ \d+\.\d{9}$/);
  });

  test("tells what recording cost where that can be measured", async () => {
    const out = join(folder, `${how}-cost`);
    const program = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
    const { cost } = await capture({ program: "sh", args: ["-c", program], folder: out, how, cost: () => true });
    const notes = new Map(notesIn(join(out, "vmpte.txt")));
    expect((notes.get("user_us") ?? 0) + (notes.get("system_us") ?? 0)).toBeGreaterThan(0);
    if (how === "tracefs") return expect(cost).toBeNull();
    expect(cost?.measured).toEqual({ pairs: 9, fault_ns: expect.any(Number), call_ns: expect.any(Number) });
    expect(cost?.recording_ms).toEqual(expect.any(Number));
    expect(cost?.processor_ms).toBe(Math.round(((notes.get("user_us") ?? 0) + (notes.get("system_us") ?? 0)) / 1000));
  });

  test("names what a program left running, and says nothing of its processor time then", async () => {
    const out = join(folder, `${how}-outlived`);
    const { left } = await capture({ program: "sh", args: ["-c", "sleep 20 & exit 0"], folder: out, how });
    expect(left).toHaveLength(1);
    expect(readFileSync(`/proc/${left[0]}/cmdline`, "utf8")).toBe("sleep\u000020\u0000");
    process.kill(left[0]);
    expect(new Map(notesIn(join(out, "vmpte.txt"))).has("user_us")).toBe(false);
  });

  test("with nothing to start perf script with says so and keeps the readings", async () => {
    if (how === "tracefs" || means.how !== "perf") return;
    const out = join(folder, "no-script");
    const perf = join(folder, "perf");
    writeFileSync(perf, `#!/bin/sh\nexec ${means.perf} "$@"\n`, { mode: 0o755 });
    vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const recorded = capture({ program: "/bin/sh", args: ["-c", `sleep 0.2; rm ${perf}`], folder: out, how });
    expect(await recorded.catch(describeError)).toMatch(
      /no-script: The recording could not be finished: perf script cannot be started: it is not there/,
    );
    expect(readFileSync(join(out, "vmpte.txt"), "utf8")).toMatch(/^# exit_status 0$/m);
  });

  test.skipIf(disk.why !== null)("on a disk that is full meanwhile says so; the program ends as it would", async () => {
    const out = join(folder, "disk", `${how}-full`);
    const [filling, done] = [join(folder, "disk", "filling"), join(folder, `${how}-done`)];
    const script = `dd if=/dev/zero of=${filling} bs=1M 2>/dev/null; sleep 2; rm ${filling}; echo finished > ${done}; exit 9`;
    const asked = { program: "/bin/sh", args: ["-c", script], folder: out, how, intervalUs: 500 };
    const error = await capture(asked).catch(describeError);
    expect(readFileSync(done, "utf8")).toBe("finished\n");
    // With tracefs events are written meanwhile, too, and perhaps fail first.
    if (how === "tracefs") return expect(error).toMatch(/could not be (finished|written): .*the disk is full/);
    expect(error).toMatch(/vmpte.txt: The readings of the program's memory could not be written: the disk is full/);
    expect(error).toContain("the program itself ran to its end, with exit status 9");
    expect(existsSync(join(out, "events.txt.gz"))).toBe(true);
  });

  test("ends the program when it is aborted and keeps what was recorded", async () => {
    const out = join(folder, `${how}-aborted`);
    const controller = new AbortController();
    const vmpte = join(out, "vmpte.txt");
    const waiting = setInterval(() => {
      if (existsSync(vmpte) && readFileSync(vmpte, "utf8").startsWith("# pid")) controller.abort();
    }, 20);
    const result = await capture({ program: "sleep", args: ["600"], folder: out, how, signal: controller.signal });
    clearInterval(waiting);
    expect(result.exitCode).not.toBe(0);
    expect(result.events).toBeGreaterThan(0);
    expect(() => process.kill(result.pid ?? 0, 0)).toThrow();
    expect(existsSync(`/sys/kernel/tracing/instances/reclaim-lab-${process.pid}`)).toBe(false);
  });
});

test("refuses a program that is not there, a folder that is, and one that cannot be", async () => {
  const means = await captureMeans();
  await expect(capture({ program: "no-such-program", args: [], folder: join(folder, "x") })).rejects.toThrow(
    "There is no program no-such-program",
  );
  await expect(capture({ program: folder, args: [], folder: join(folder, "x") })).rejects.toThrow(
    `There is no program ${folder}`,
  );
  const script = join(folder, "script");
  writeFileSync(script, "exit 0\n", { mode: 0o644 });
  await expect(capture({ program: script, args: [], folder: join(folder, "x") })).rejects.toThrow(
    `${script} may not be executed`,
  );
  await expect(capture({ program: "sh", args: [], folder })).rejects.toThrow("The folder already exists");
  if (means.how === null) return;
  // Where mkdir says that what is there is not, too.
  for (const nowhere of ["/proc/x", "/proc/x/y", "/dev/null/x"])
    await expect(capture({ program: "sh", args: [], folder: nowhere })).rejects.toThrow("The folder cannot be created");
});

test("notes are read from the end of the readings, however many there are", () => {
  const path = join(folder, "notes.txt");
  const left = Array.from({ length: 500 }, (_, i) => ["left", 40_000 + i] as const);
  const notes = (names: readonly (readonly [string, number])[]) =>
    names.map((note) => `# ${note.join(" ")}\n`).join("");
  const reading = "1.000000000 36 100 1 1.000000300\n";
  writeFileSync(path, `# pid 7  CLOCK_MONOTONIC before read\n${reading.repeat(200)}${notes(left)}`);
  expect(notesIn(path)).toEqual(left);
  // Of a program that ended before it was read once.
  writeFileSync(path, `# pid 7  CLOCK_MONOTONIC before read\n${notes([["user_us", 5]])}`);
  expect(notesIn(path)).toEqual([["user_us", 5]]);
});
