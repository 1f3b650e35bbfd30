import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { describeError } from "../engine/error.ts";
import { ensureProbe } from "./detect.ts";
import { smallDisk } from "./small-disk.testing.ts";
import { runTrial } from "./trial.ts";

const missing = ensureProbe();
if (missing !== null) console.warn(`trials are not tested: ${missing}`);

const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-test-trial-"));
const disk = smallDisk(join(folder, "disk"), "4k");
afterAll(() => {
  disk.remove();
  rmSync(folder, { recursive: true, force: true });
});

const signal = new AbortController().signal;
const about = { env: process.env, cwd: folder, intervalUs: 1000, signal };
const shell = (script: string) => runTrial({ ...about, command: ["/bin/sh", "-c", script] });

describe.skipIf(missing !== null)("a trial", () => {
  test("has the program's exit status", async () => {
    const { run, readings } = await shell("sleep 0.2; exit 3");
    expect(run).toMatchObject({ exit_code: 3, wall_ms: expect.any(Number) });
    expect(run.wall_ms).toBeGreaterThanOrEqual(200);
    expect(readings.length).toBeGreaterThan(10);
  });

  test("of what does not start says so", async () => {
    const why = async (path: string) => runTrial({ ...about, command: [path] }).catch(describeError);
    expect(await why("/no/such")).toMatch(/^\/no\/such does not start: it, or the interpreter .* is not there/);
    const script = join(folder, "without-interpreter");
    writeFileSync(script, "exit 0\n", { mode: 0o755 });
    expect(await why(script)).toMatch(
      /without-interpreter does not start: it is neither .* \(#!\)\. If it is a script/,
    );
  });

  test("whose launcher is killed is no run", async () => {
    const error = await shell("sleep 0.3; kill -9 $PPID; sleep 5").catch(describeError);
    expect(error).toMatch(/The program could not be measured to its end: its launcher ended with 137 \(SIGKILL\)/);
  });

  test.skipIf(disk.why !== null)(
    "whose readings cannot be written is no run; its program ends as it would",
    async () => {
      const before = process.env.TMPDIR;
      onTestFinished(() => {
        if (before === undefined) delete process.env.TMPDIR;
        else process.env.TMPDIR = before;
      });
      const done = join(folder, "done");
      process.env.TMPDIR = join(folder, "disk");
      const error = await shell(`sleep 2; echo finished > ${done}; exit 7`).catch(describeError);
      expect(error).toMatch(/disk\/.*: The readings of the program's memory could not be written: the disk is full/);
      expect(error).toMatch(/the program itself ran to its end, with exit status 7$/);
      expect(existsSync(done) && readFileSync(done, "utf8")).toBe("finished\n");
    },
  );
});
