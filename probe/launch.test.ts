/** The probe's launcher where it cannot write its readings, or open as many files as there are processes. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { notesIn } from "./capture-folder.ts";
import { ensureProbe } from "./detect.ts";
import { PROBE_PATH } from "./locate.ts";
import { smallDisk } from "./small-disk.testing.ts";

const missing = ensureProbe();
if (missing !== null) console.warn(`the launcher is not tested: ${missing}`);

const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-test-launch-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Why processes cannot be hidden from a program here; null where they can. */
const cannotHide = ((): string | null => {
  const { status } = spawnSync("unshare", ["--mount", "mount", "-t", "proc", "-o", "hidepid=1", "proc", "/proc"]);
  if (status !== 0) return "mounting /proc anew takes root";
  const { stdout } = spawnSync("findmnt", ["-no", "OPTIONS", "-T", folder], { encoding: "utf8" });
  return stdout.includes("nosuid") ? `no program has another user's rights in ${folder}` : null;
})();
if (cannotHide !== null) console.warn(`the launcher with hidden processes is not tested: ${cannotHide}`);

/** Launches a shell's script, summing its processes or measuring each (`run`: its stderr is descriptor 3). */
function launch(out: string, how: "run" | "sum", script: string, limit = "true") {
  const words = [PROBE_PATH, "launch", out, how === "sum" ? "200" : "20000", how, "/bin/sh", "-c", script];
  return spawnSync("/bin/sh", ["-c", `${limit} && exec "$@" 3>&2`, "sh", ...words], { encoding: "utf8" });
}

describe.skipIf(missing !== null)("the launcher", () => {
  test("notes the program's exit status last, that of a signal too", () => {
    const out = join(folder, "status.txt");
    expect(launch(out, "sum", "exit 7").status).toBe(7);
    expect(notesIn(out).at(-1)).toEqual(["exit_status", 7]);
    launch(out, "sum", "kill -9 $$");
    expect(notesIn(out).at(-1)).toEqual(["exit_status", 137]);
  });

  test("starts no program whose readings it could not begin, and leaves no file of one that does not start", () => {
    const done = join(folder, "never");
    const { status, stderr } = launch(join(folder, "no", "such.txt"), "sum", `echo > ${done}`);
    expect([status, stderr]).toEqual([1, "reclaim-probe: cannot write the readings: ENOENT\n"]);
    const out = join(folder, "unstarted.txt");
    expect(spawnSync(PROBE_PATH, ["launch", out, "2000", "sum", "/no/such"], { encoding: "utf8" })).toMatchObject({
      status: 127,
      stderr: "reclaim-probe: /no/such: ENOENT\n",
    });
    expect(readdirSync(folder)).not.toContain("unstarted.txt");
    expect(readdirSync(folder)).not.toContain("never");
  });

  /** Twelve processes below the program, for so many seconds. */
  const twelve = (seconds: number): string =>
    `ulimit -n; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep ${seconds} & done; wait`;
  const files = (name: string): number => readdirSync(join(folder, name)).length;

  test("without files for more of them measures those that it has files for, to their end, and says so", () => {
    mkdirSync(join(folder, "few"));
    const out = join(folder, "few", "v.txt");
    const { status, stdout, stderr } = launch(out, "run", twelve(3), "ulimit -n 12");
    expect([status, stdout, stderr]).toEqual([0, "12\n", ""]);
    const notes = new Map(notesIn(out));
    expect(notes.get("full")).toBe(files("few"));
    expect(notes.get("full")).toBeGreaterThan(1);
    expect(notes.get("exit_status")).toBe(0);
    const readings = readFileSync(out, "utf8")
      .split("\n")
      .filter((line) => /^\d/.test(line));
    const seconds = readings.map((line) => Number(line.split(" ")[0]));
    expect(seconds[seconds.length - 1] - seconds[0]).toBeGreaterThan(2.5);
  });

  test("opens as many files as it may; the program has the limit that was set for it", () => {
    mkdirSync(join(folder, "all"));
    const out = join(folder, "all", "v.txt");
    const { stdout } = launch(out, "run", twelve(2), "ulimit -Sn 12");
    expect(stdout).toBe("12\n");
    expect(new Map(notesIn(out)).has("full")).toBe(false);
    expect(files("all")).toBe(13);
  });

  test.skipIf(cannotHide !== null)("notes readings that /proc does not allow, apart from those that fail", () => {
    const own = join(folder, "hidden");
    mkdirSync(own);
    chmodSync(folder, 0o755);
    chownSync(own, 65534, 65534);
    for (const [name, file, mode] of [
      ["probe", PROBE_PATH, 0o755],
      ["of-root", "/bin/sleep", 0o4755],
    ] as const) {
      copyFileSync(file, join(own, name));
      chmodSync(join(own, name), mode);
    }
    const script = `mount -t proc -o hidepid=1 proc /proc
      exec setpriv --reuid 65534 --regid 65534 --clear-groups \
        "$0/probe" launch "$0/v.txt" 20000 sum /bin/sh -c "$0/of-root 0.5; true"`;
    const { status, stderr } = spawnSync("unshare", ["--mount", "/bin/sh", "-c", script, own], { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
    const notes = new Map(notesIn(join(own, "v.txt")));
    expect(notes.get("denied")).toBeGreaterThan(1);
    expect(notes.has("skipped")).toBe(false);
    expect(notes.get("exit_status")).toBe(0);
  });
});

const disk = smallDisk(join(folder, "disk"), "4k");
afterAll(() => disk.remove());

describe.skipIf(missing !== null || disk.why !== null)("on a full disk", () => {
  let ended: ReturnType<typeof launch>;
  const out = join(folder, "disk", "v.txt");
  const done = join(folder, "done");
  beforeAll(() => {
    ended = launch(out, "sum", `sleep 3; echo finished > ${done}; exit 5`);
  });

  test("the program runs to its end, and its exit status is its own", () => {
    expect(readFileSync(done, "utf8")).toBe("finished\n");
    expect(ended.status).toBe(5);
  });

  test("that the readings end is said, and they end with a whole one", () => {
    expect(ended.stderr).toBe("reclaim-probe: cannot write the readings: ENOSPC\n");
    const text = readFileSync(out, "utf8");
    expect(text).toMatch(/\n[\d.]+ \d+ \d+ \d+ \d+\.\d{9}\n(# \w+ \d+\n)*$/);
    expect(new Map(notesIn(out)).has("exit_status")).toBe(false);
  });

  test("a limit of a file's size is the same", () => {
    const limited = launch(join(folder, "limited.txt"), "sum", "sleep 2; exit 6", "ulimit -f 8");
    expect([limited.status, limited.stderr]).toEqual([6, "reclaim-probe: cannot write the readings: EFBIG\n"]);
  });
});

test.skipIf(missing !== null)("the program has SIGXFSZ as it was", () => {
  const out = join(folder, "signals.txt");
  const script = "grep SigIgn /proc/self/status";
  expect(launch(out, "run", script).stdout).toBe(execFileSync("/bin/sh", ["-c", script], { encoding: "utf8" }));
});
