/** What `capture` prints beside what the program itself writes. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { captureMeans } from "../../probe/capture-means.ts";

const CLI = resolve(import.meta.dirname, "..", "cli.ts");
const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-test-capture-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAM = ["sh", "-c", "printf 'a\\200\\377'; echo error >&2"];
const WRITTEN = Buffer.from("a\u0080\u00ff", "latin1");

function captured(name: string, options: readonly string[]) {
  const args = ["capture", "--out", join(folder, name), ...options, "--", ...PROGRAM];
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  expect(status, stderr.toString()).toBe(0);
  return { stdout, stderr };
}

for (const how of ["perf", "tracefs"] as const) {
  const means = await captureMeans(how);
  if (means.how === null) console.warn(`captures with ${how} are not tested: ${means.why}`);
  test.skipIf(means.how === null)(`a program recorded with ${how} writes what it writes, where it writes it`, () => {
    const { stdout, stderr } = captured(how, ["--with", how]);
    expect(stdout.subarray(0, WRITTEN.length)).toEqual(WRITTEN);
    expect(stderr.toString()).toBe("error\n");
  });

  test.skipIf(means.how === null)(`with --json only the document of ${how} is on standard output`, () => {
    const { stdout, stderr } = captured(`${how}-json`, ["--with", how, "--json"]);
    expect(JSON.parse(stdout.toString())).toMatchObject({ how, exitCode: 0 });
    expect(stderr.includes(WRITTEN)).toBe(true);
    expect(stderr.toString()).toContain("error\n");
  });
}
