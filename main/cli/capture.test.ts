/** What `capture` prints beside what the program itself writes. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { captureMeans } from "../../probe/capture-means.ts";

const CLI = resolve(import.meta.dirname, "..", "cli.ts");
const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-test-capture-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(process.getuid?.() !== 0)(
  "an ordinary user cannot record a process of root's, and nothing is left of the try",
  () => {
    const out = join(tmpdir(), `reclaim-lab-test-others-${process.pid}`);
    const words = [CLI, "capture", "--pid", String(process.pid), "--out", out];
    const { status, stderr } = spawnSync(process.execPath, words, { uid: 65_534, gid: 65_534, encoding: "utf8" });
    expect(stderr).toContain(`Process ${process.pid} may not be recorded: it belongs to another user`);
    expect([status, existsSync(out)]).toEqual([1, false]);
  },
);

const PROGRAM = ["sh", "-c", "printf 'a\\200\\377'; echo error >&2"];
const WRITTEN = Buffer.from("a\u0080\u00ff", "latin1");

const lab = (args: readonly string[]) =>
  spawnSync(process.execPath, [CLI, ...args], { env: { ...process.env, RECLAIM_LAB_DATA: folder, NODE_OPTIONS: "" } });

function captured(name: string, options: readonly string[]) {
  const { status, stdout, stderr } = lab(["capture", "--out", join(folder, name), ...options, "--", ...PROGRAM]);
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

const tracefs = await captureMeans("tracefs");

test.skipIf(tracefs.how === null)(
  "a program that a signal ends has a trace up to its last call, and that is said",
  () => {
    const out = (name: string, script: string) =>
      lab(["capture", "--with", "tracefs", "--out", join(folder, name), "--", "sh", "-c", script]).stdout.toString();
    const [killed, ended] = [out("killed", "sleep 0.1; kill -SEGV $$"), out("ended", "exit 3")];
    expect(killed).toMatch(/ended with 139 \(SIGSEGV\)\n {2}a signal ended it.*ends with its last call/);
    expect(ended).not.toContain("a signal ended it");
  },
);

const means = await captureMeans();

test.skipIf(means.how === null)("the folder of a program with an odd name is one that can be shown", () => {
  const program = join(folder, "odd \u001b[2J\n\u202ename");
  copyFileSync("/bin/true", program);
  const into = mkdtempSync(join(folder, "into-"));
  const { status } = spawnSync(process.execPath, [CLI, "capture", "--", program], {
    cwd: into,
    env: { ...process.env, RECLAIM_LAB_DATA: folder, NODE_OPTIONS: "" },
  });
  expect(status).toBe(0);
  expect(readdirSync(into)).toEqual([expect.stringMatching(/^capture-odd _\[2J__name-\d{4}-/)]);
});

test.skipIf(means.how === null)("a file that the kernel does not execute is refused, and nothing is left", () => {
  const program = join(folder, "junk");
  writeFileSync(program, "junk", { mode: 0o755 });
  const out = join(folder, "new", "folders", "of-junk");
  const { status, stderr } = lab(["capture", "--out", out, "--", program]);
  expect({ status, words: stderr.toString() }).toEqual({
    status: 2,
    words: expect.stringContaining("junk does not start: it is neither a program for this machine"),
  });
  expect(existsSync(join(folder, "new"))).toBe(false);
});

test.skipIf(means.how === null)("what cannot be checked is not told to be, and can be run", () => {
  const out = join(folder, "of-true");
  const { stdout } = lab(["capture", "--out", out, "--", "true"]);
  const readings = /, no reading of VmPTE/.test(stdout.toString()) ? 0 : 1;
  expect(stdout.includes("reclaim-lab check")).toBe(readings > 0);
  const { status, stderr } = lab(["run", out]);
  expect(status, stderr.toString()).toBe(0);
});
