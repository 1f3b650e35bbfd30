/** `try` as its users have it: what a program that fails is said of. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, it } from "vitest";
import { describeKernel } from "../../probe/testing.ts";

const CLI = resolve(import.meta.dirname, "..", "cli.ts");
const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-test-try-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function tried(script: string) {
  const words = ["try", "--db", join(folder, "history.sqlite"), "--repeat", "1", "--setting", "x: ANSWER=1"];
  const { status, stderr } = spawnSync(process.execPath, [CLI, ...words, "--", "sh", "-c", script], {
    encoding: "utf8",
  });
  return { status, stderr };
}

describeKernel("try", () => {
  it("says that the program fails in each of its runs, and fails itself", () => {
    const { status, stderr } = tried("sleep 0.2; exit 3");
    expect(stderr).toContain("the program failed in each of its 2 runs, with 3");
    expect(status).toBe(1);
  });

  it("does not where it fails under a setting only", () => {
    const { status, stderr } = tried('sleep 0.2; [ -z "$ANSWER" ] || exit 3');
    expect(stderr).toContain("the program ended with 3 in some of its runs");
    expect(status).toBe(0);
  });
});
