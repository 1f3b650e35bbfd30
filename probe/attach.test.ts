/** A process that runs already, recorded: what it was is known by construction, what it does then is checked against its VmPTE. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { describeError } from "../engine/error.ts";
import { DEFAULT_BASELINE, featuresOf, SERIES_POLICY } from "../engine/experiment/policies.ts";
import type { Mode } from "../engine/experiment/types.ts";
import { createKernel } from "../engine/mm/kernel.ts";
import { checkTrace } from "../engine/workload/check.ts";
import { ImportReport, importOperations, survey } from "../engine/workload/import/index.ts";
import { readMeasured } from "../engine/workload/measured.ts";
import { traceKernel } from "../engine/workload/trace-kernel.ts";
import { attach } from "./attach.ts";
import { captureMeans } from "./capture-means.ts";
import { KernelAnswers, startProbe } from "./conformance/kernel-answers.ts";
import { foundStates } from "./found-state.ts";
import { startLooker } from "./look.ts";
import { captureKernel } from "./named-profile.ts";
import { hasEnded, processesBelow } from "./processes.ts";
import { smallDisk } from "./small-disk.testing.ts";

const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-test-attach-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const means = await captureMeans("perf");
const disk = smallDisk(join(folder, "disk"), "1m");
afterAll(() => disk.remove());

/** Sparse and full memory, empty tables, a guard, a file, terabytes that are reserved. */
const BEFORE = [
  "map 0 64M",
  "touch 0 64M stride=2M",
  "dontneed_step 0 32M 64K",
  "map 1G 32M",
  "touch 1G 32M",
  "map 2G 8M file",
  "touch 2G 8M r stride=2M",
  "map 4096G 64M",
];
/** Releases of all sizes, over what was there before and what was not. */
const AFTER = [
  "touch 4096G 64M stride=64K",
  "dontneed 1G 64K",
  "dontneed 1G 2M",
  "dontneed 0 32M",
  "dontneed_step 1G 16M 4K",
  "touch 1G 32M",
  "dontneed 1G 32M",
  "dontneed 4096G 64M",
  "unmap 32M 8M",
  "map 3G 16M",
  "touch 3G 16M",
  "dontneed_step 3G 16M 512K",
];

/** Between two of these it is looked at; what is used and given back within one is seen as an empty table only. */
const LIGHT = [
  ["touch 4096G 64M stride=64K"],
  ["dontneed 4096G 64M"],
  ["map 3G 32M", "touch 3G 32M"],
  ["dontneed_step 3G 32M 512K"],
  ["map 5G 32M", "touch 5G 32M stride=2M", "dontneed_step 5G 32M 1M"],
  ["map 6G 32M", "touch 6G 32M"],
  ["unmap 6G 32M", "unmap 1G 8M"],
];

async function* textOf(path: string): AsyncGenerator<Buffer> {
  const bytes = readFileSync(path);
  yield path.endsWith(".gz") ? gunzipSync(bytes) : bytes;
}

async function checked(out: string, pid: number) {
  const vmpte = join(out, "vmpte.txt");
  const profile = captureKernel(vmpte);
  const mode = profile?.ptReclaim ? SERIES_POLICY : DEFAULT_BASELINE;
  return checkTrace({
    trace: textOf(join(out, "events.txt.gz")),
    measured: await readMeasured(textOf(vmpte), new ImportReport()),
    machine: createKernel({ features: featuresOf(mode), seed: 1, ...traceKernel(profile ?? {}) }),
    report: new ImportReport(),
    pid,
  });
}

const waitFor = async (what: () => boolean): Promise<void> => {
  while (!what()) await new Promise((done) => setTimeout(done, 20));
};

if (means.how === null) {
  console.warn(`captures of running processes are not tested: ${means.why}`);
  test.skip(`skipped: ${means.why}`, () => undefined);
} else {
  describe("a process that runs already", () => {
    test("every sample is explained, those of one possible value exactly, and it goes on", async () => {
      const worker = new KernelAnswers(startProbe("whole"));
      await worker.hold(BEFORE);
      const controller = new AbortController();
      const out = join(folder, "worker");
      const recording = attach({
        pid: worker.pid,
        children: false,
        maxMb: 512,
        stacks: false,
        intervalUs: 1000,
        folder: out,
        signal: controller.signal,
        onRecording: () => {
          void worker
            .hold(AFTER.flatMap((line) => [line, "sleep 15"]))
            .then(() => setTimeout(() => controller.abort(), 200));
        },
      });
      const result = await recording;
      expect(() => process.kill(worker.pid, 0)).not.toThrow();
      await worker.close();
      expect(result).toMatchObject({ how: "perf", pid: worker.pid, others: [], lost: 0 });
      expect(result.cost.found_ms).toBeGreaterThan(0);
      // How much it is, and whether it can be told from noise, is the machine's.
      expect(result.cost.measured).toEqual({ pairs: 9, fault_ns: expect.any(Number), call_ns: expect.any(Number) });
      expect(result.cost.recording_ms).toEqual(expect.any(Number));
      const { result: check, unexplained } = await checked(out, worker.pid);
      expect(unexplained).toEqual([]);
      expect(check.samples).toBeGreaterThan(50);
      expect(check.explained).toBe(check.samples);
      expect(check.zero_width).toBeGreaterThan(50);
      expect(check.zero_width_exact).toBe(check.zero_width);
      const { processes } = await survey(textOf(join(out, "events.txt.gz")), new ImportReport());
      expect(processes.map(({ pid, comm }) => [pid, comm])).toEqual([[worker.pid, "reclaim-probe"]]);
    });

    test("without page faults: what snapshots show stays, with its tables, under every policy", async () => {
      const worker = new KernelAnswers(startProbe("whole"));
      await worker.hold(BEFORE);
      const controller = new AbortController();
      const out = join(folder, "light");
      let looks = 0;
      const nextLook = async (): Promise<void> => {
        // One that is under way has perhaps passed what comes now.
        const from = looks;
        await waitFor(() => looks >= from + 2);
      };
      let work: Promise<void> | undefined;
      const result = await attach({
        pid: worker.pid,
        children: false,
        maxMb: 512,
        stacks: false,
        intervalUs: 1000,
        folder: out,
        lightMs: 20,
        signal: controller.signal,
        onSnapshot: () => void looks++,
        onRecording: () => {
          work = (async () => {
            for (const lines of LIGHT) {
              await worker.hold(lines);
              await nextLook();
            }
          })().finally(() => controller.abort());
        },
      });
      await work;
      const measured = Number(/VmPTE:\s+(\d+)/.exec(readFileSync(`/proc/${worker.pid}/status`, "utf8"))?.[1]);
      await worker.close();
      expect(result.cost.measured?.fault_ns).toBeNull();
      expect(result.cost.snapshots).toBeGreaterThanOrEqual(2 * LIGHT.length);
      const trace = gunzipSync(readFileSync(join(out, "events.txt.gz"))).toString("latin1");
      expect(trace).not.toContain("page_fault");
      const profile = captureKernel(join(out, "vmpte.txt"));
      const end = async (mode: Mode) => {
        const report = new ImportReport();
        const kernel = createKernel({ features: featuresOf(mode), seed: 1, ...traceKernel(profile ?? {}) });
        for await (const batch of importOperations(textOf(join(out, "events.txt.gz")), { pid: worker.pid }, report))
          for (const operation of batch) kernel.execute(operation);
        expect(report.count("no_faults")).toBe(1);
        expect(report.count("outside_mapping")).toBe(0);
        return kernel.vmpteKb();
      };
      // Upper tables that hold nothing are seen by nobody from outside.
      const unseenKb = 8;
      expect(
        Math.abs((await end(profile?.ptReclaim ? SERIES_POLICY : DEFAULT_BASELINE)) - measured),
      ).toBeLessThanOrEqual(unseenKb);
      // 32 tables were given back whole, 16 + 16 in pieces: these stay either way.
      expect((await end(DEFAULT_BASELINE)) - (await end(SERIES_POLICY))).toBe(32 * 4);
      await expect(checked(out, worker.pid)).rejects.toThrow("recorded without page faults");
    });

    test("an end by time, and processes below it", async () => {
      const parent = spawn("sh", ["-c", "sleep 600 & sleep 600"], { stdio: "ignore" });
      await once(parent, "spawn");
      const pid = parent.pid ?? 0;
      const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
      await waitFor(() => children().length === 2);
      const below = children();
      const out = join(folder, "children");
      const about = { pid, children: true, seconds: 1, maxMb: 64, stacks: false, intervalUs: 2000, folder: out };
      const result = await attach({ ...about, signal: new AbortController().signal });
      for (const each of below) process.kill(each);
      parent.kill();
      expect([result.pid, ...result.others].toSorted()).toEqual([pid, ...below].toSorted());
      const { processes } = await survey(textOf(join(out, "events.txt.gz")), new ImportReport());
      expect(processes.map((each) => each.pid).toSorted()).toEqual([pid, ...below].toSorted());
      // They did nothing, and were recorded for a second.
      for (const { startNs, endNs } of processes) expect(endNs - startNs).toBeGreaterThan(0.9e9);
    });

    test("a child that has ended, and whose end nobody has noticed, is left out", async () => {
      const parent = spawn("sh", ["-c", "sleep 0 & exec sleep 600"], { stdio: "ignore" });
      await once(parent, "spawn");
      const pid = parent.pid ?? 0;
      await waitFor(() => processesBelow(pid).slice(1).some(hasEnded));
      const about = { pid, children: true, seconds: 1, maxMb: 64, stacks: false, intervalUs: 2000 };
      try {
        const result = await attach({ ...about, folder: join(folder, "zombie"), signal: new AbortController().signal });
        expect([result.pid, result.others]).toEqual([pid, []]);
      } finally {
        parent.kill();
      }
    });

    test("processes below it that end while its recording begins are left out", async () => {
      const script = "sleep 600 & while :; do sleep 0.2 & sleep 0.01; done";
      const parent = spawn("sh", ["-c", script], { stdio: "ignore", detached: true });
      await once(parent, "spawn");
      const pid = parent.pid ?? 0;
      await waitFor(() => processesBelow(pid).length > 10);
      const stays = processesBelow(pid)[1];
      const about = { pid, children: true, seconds: 1, maxMb: 64, stacks: false, intervalUs: 2000 };
      try {
        const result = await attach({ ...about, folder: join(folder, "ending"), signal: new AbortController().signal });
        expect([result.pid, ...result.others]).toEqual(expect.arrayContaining([pid, stays]));
      } finally {
        process.kill(-pid, "SIGKILL");
      }
    });

    test("of processes that have ended by the time they are looked at, the others are found", async () => {
      const [stays, ends] = [spawn("sleep", ["600"]), spawn("sleep", ["600"])];
      await Promise.all([once(stays, "spawn"), once(ends, "spawn")]);
      ends.kill();
      await once(ends, "exit");
      const looker = startLooker();
      try {
        const found = await foundStates(looker, [ends.pid ?? 0, stays.pid ?? 0], "first");
        expect([...found.keys()]).toEqual([stays.pid]);
      } finally {
        looker.close();
        stays.kill();
      }
    });

    test("killed, it leaves no program, no temporary folder and no tracing instance", async () => {
      const target: ChildProcess = spawn("sleep", ["600"], { stdio: "ignore" });
      await once(target, "spawn");
      const out = join(folder, "killed");
      const cli = resolve(import.meta.dirname, "..", "main", "cli.ts");
      const lab = spawn(process.execPath, [cli, "capture", "--pid", String(target.pid), "--out", out], {
        stdio: "ignore",
      });
      const temporaries = () => readdirSync(tmpdir()).filter((name) => name.includes(`capture-${lab.pid}-`));
      await waitFor(() => existsSync(join(out, "vmpte.txt")) && temporaries().length === 1);
      const ours = () =>
        readdirSync("/proc")
          .filter((name) => /^\d+$/.test(name))
          .filter((name) => {
            try {
              return (
                readFileSync(`/proc/${name}/cmdline`, "utf8").includes(out) ||
                readFileSync(`/proc/${name}/cmdline`, "utf8").includes(`capture-${lab.pid}-`)
              );
            } catch {
              return false;
            }
          });
      expect(ours().length).toBeGreaterThan(1);
      lab.kill("SIGKILL");
      await waitFor(() => ours().length === 0 && temporaries().length === 0);
      expect(() => process.kill(target.pid ?? 0, 0)).not.toThrow();
      expect(existsSync(`/sys/kernel/tracing/instances/reclaim-lab-${lab.pid}`)).toBe(false);
      target.kill();
    });
  });
}

test.skipIf(means.how !== "perf")(
  "a process that ends meanwhile is said to have ended, and no folder stays",
  async () => {
    const out = join(folder, "ended-meanwhile");
    const about = { children: false, maxMb: 1, stacks: false, intervalUs: 1000, signal: new AbortController().signal };
    // Over before perf is found to work, which it is asked first.
    const short = spawn("sleep", ["0.1"]);
    await expect(attach({ ...about, pid: short.pid ?? 0, folder: out })).rejects.toThrow(
      /ended before it could be recorded|There is no process/,
    );
    expect(existsSync(out)).toBe(false);
  },
);

test.skipIf(means.how !== "perf")("a recording whose end fails keeps its readings and names the folder", async () => {
  const out = join(folder, "end-fails");
  const about = { children: false, maxMb: 16, stacks: false, intervalUs: 1000, signal: new AbortController().signal };
  const program = spawn("sleep", ["600"]);
  onTestFinished(() => void program.kill());
  const recorded = expect(attach({ ...about, pid: program.pid ?? 0, folder: out })).rejects.toThrow(
    "The recording could not be finished",
  );
  await vi.waitFor(() => expect(existsSync(join(out, "vmpte.txt"))).toBe(true), { timeout: 120_000 });
  // The events cannot be written there.
  mkdirSync(join(out, "events.txt.gz"));
  program.kill();
  await recorded;
  expect(readFileSync(join(out, "vmpte.txt"), "utf8")).toMatch(/^[\d.]+ \d+ \d+/m);
});

/** The probe that reads the VmPTE of a recording; undefined: it has ended. */
function watcherOf(out: string): number | undefined {
  for (const name of readdirSync("/proc").filter((each) => /^\d+$/.test(each))) {
    try {
      if (readFileSync(`/proc/${name}/cmdline`, "utf8").includes(`\0watch\0${out}/`)) return Number(name);
    } catch {
      // It has ended meanwhile.
    }
  }
  return undefined;
}

/** A recording of a process that sleeps: what is said of how it failed. */
async function failureOf(out: string, onRecording: () => void): Promise<unknown> {
  const about = { children: false, maxMb: 16, stacks: false, intervalUs: 200, signal: new AbortController().signal };
  const program = spawn("sleep", ["600"]);
  onTestFinished(() => void program.kill());
  const failure = await attach({ ...about, pid: program.pid ?? 0, folder: out, onRecording }).catch(describeError);
  expect(program.exitCode).toBeNull();
  expect(readFileSync(join(out, "vmpte.txt"), "utf8")).toMatch(/^[\d.]+ \d+ \d+/m);
  return failure;
}

test.skipIf(means.how !== "perf" || disk.why !== null)(
  "a recording whose readings cannot be written ends at once and says so; the process goes on",
  async () => {
    const out = join(folder, "disk", "attached");
    const filling = join(folder, "disk", "filling");
    const failure = await failureOf(out, () => {
      spawnSync("dd", ["if=/dev/zero", `of=${filling}`, "bs=1M"], { stdio: "ignore" });
      // Room again for the events, which perf has to end first.
      void waitFor(() => watcherOf(out) === undefined).then(() => rmSync(filling));
    });
    expect(failure).toMatch(/vmpte.txt: The readings of the process's memory ended early: the disk is full/);
  },
);

test.skipIf(means.how !== "perf")("a recording whose watcher is killed ends at once and says so", async () => {
  const out = join(folder, "unwatched");
  const failure = await failureOf(out, () => {
    setTimeout(() => process.kill(watcherOf(out) ?? Number.NaN, "SIGKILL"), 300);
  });
  expect(failure).toMatch(/memory ended early: the watcher ended with 137 \(SIGKILL\)/);
});

test("what is no process is refused in words", async () => {
  const about = { children: false, maxMb: 1, stacks: false, intervalUs: 1000, signal: new AbortController().signal };
  await expect(attach({ ...about, pid: 2 ** 22 + 1, folder: join(folder, "none") })).rejects.toThrow(
    "There is no process",
  );
  await expect(attach({ ...about, pid: process.pid, folder })).rejects.toThrow("The folder already exists");
});
