/** `try` as its users have it: what a program that fails is said of. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
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

  // Where files run with their owner's rights: not where the temporary folder is mounted nosuid.
  it.skipIf(process.getuid?.() !== 0 || !existsSync("/usr/bin/perl"))(
    "ends at Ctrl-C where the program took another user's rights, and says which process it leaves",
    async () => {
      const place = mkdtempSync(join(tmpdir(), "reclaim-lab-test-try-"));
      chmodSync(place, 0o777);
      const program = join(place, "perl");
      copyFileSync("/usr/bin/perl", program);
      chmodSync(program, 0o4755);
      const noted = join(place, "pid");
      // The lab listens to Ctrl-C by then.
      const script = `$( = $); $< = $>; sleep 5; open(F, ">${noted}"); print F $$; close F; sleep 600`;
      const words = ["try", "--db", join(place, "h.sqlite"), "--repeat", "1", "--setting", "x: A=1", "--", program];
      const lab = spawn(process.execPath, [CLI, ...words, "-e", script], {
        stdio: ["ignore", "ignore", "pipe"],
        uid: 65_534,
        gid: 65_534,
      });
      let said = "";
      lab.stderr.on("data", (chunk) => {
        said += chunk;
      });
      const there = () => existsSync(noted) && readFileSync(noted, "utf8") !== "";
      await vi.waitFor(() => expect(there()).toBe(true), { timeout: 60_000 });
      const pid = Number(readFileSync(noted, "utf8"));
      try {
        lab.kill("SIGINT");
        const [status] = await once(lab, "close");
        expect(said).toContain(`process ${pid}: The program could not be ended, and goes on`);
        expect(status).toBe(130);
        expect(() => process.kill(pid, 0)).not.toThrow();
      } finally {
        process.kill(pid, "SIGKILL");
        rmSync(place, { recursive: true });
      }
    },
    120_000,
  );
});
