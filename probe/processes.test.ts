/** Control groups of processes, on the groups of this machine. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { cgroupOf, commonCgroup, findCgroup, pidsOfCgroup } from "./processes.ts";

function takesGroups(folder: string): boolean {
  try {
    // Containers have it read-only.
    accessSync(join(folder, "cgroup.procs"), constants.W_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

/** Where a group can be made here; undefined: nowhere. */
const ROOT = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"].find(takesGroups);

/** A group at this path, and those that it is in; they go at the end. */
function group(...path: string[]): string {
  let folder = ROOT ?? "";
  for (const name of path) {
    folder = join(folder, name);
    if (existsSync(folder)) continue;
    mkdirSync(folder);
    const made = folder;
    onTestFinished(() => rmdirSync(made));
  }
  return folder;
}

/** A process in a group, which ends with the test. */
async function member(folder: string): Promise<number> {
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  await once(child, "spawn");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  writeFileSync(join(folder, "cgroup.procs"), String(child.pid));
  return child.pid ?? 0;
}

test.skipIf(ROOT === undefined)("a group's name may hold what other programs take for the end of a line", async () => {
  const name = `reclaim-lab-test-${process.pid}`;
  const [plain, odd] = [group(name), group(`${name}\rx\u2028y`)];
  const pids = [await member(plain), await member(odd)];
  expect(pids.map(cgroupOf)).toEqual([plain, odd]);
  expect(commonCgroup(pids)).toBeNull();
});

test.skipIf(ROOT === undefined)(
  "of a group outside the namespace nothing is read that lies where its path leads",
  async () => {
    const trap = mkdtempSync(join(tmpdir(), "reclaim-lab-cgroup-"));
    onTestFinished(() => rmSync(trap, { recursive: true }));
    execFileSync("mkfifo", [join(trap, "memory.current"), join(trap, "memory.usage_in_bytes")]);
    // From so deep a namespace, the path of the other group is that of the trap.
    const up = (ROOT ?? "")
      .split("/")
      .slice(1)
      .map(() => "x");
    const inside = group(`reclaim-lab-test-${process.pid}`, ...up.slice(1));
    const pid = await member(group(...trap.split("/").slice(1)));
    const source = `import { cgroupMemory, cgroupOf } from ${JSON.stringify(join(import.meta.dirname, "processes.ts"))};
    const folder = cgroupOf(${pid});
    console.log(folder, folder && cgroupMemory(folder));`;
    const words = [process.execPath, "--input-type=module", "-e", source];
    const shell = `echo $$ >"$1/cgroup.procs"; shift; exec unshare -C "$@"`;
    const said = execFileSync("sh", ["-c", shell, "sh", inside, ...words], { encoding: "utf8", timeout: 60_000 });
    expect(said).toBe("null null\n");
  },
);

test.skipIf(ROOT === undefined)("groups that come and go while their processes are listed are no error", async () => {
  const own = group(`reclaim-lab-test-going-${process.pid}`);
  const stays = group(`reclaim-lab-test-going-${process.pid}`, "stays");
  const pid = await member(stays);
  // It ends between two of its commands.
  const script = 'trap exit TERM; while :; do mkdir -p "$0/a/b/c"; rmdir "$0/a/b/c" "$0/a/b" "$0/a"; done';
  const coming = spawn("/bin/bash", ["-c", script, own], { stdio: "ignore" });
  try {
    for (let i = 0; i < 10_000; i++) expect(pidsOfCgroup(own)).toEqual([pid]);
    const below = join(own, "a", "b");
    const found = new Set(Array.from({ length: 20_000 }, () => findCgroup(below)));
    expect([...found].toSorted()).toEqual([below, null]);
    expect(coming.exitCode).toBe(null);
  } finally {
    coming.kill();
    await once(coming, "exit");
    for (const below of ["a/b/c", "a/b", "a"]) if (existsSync(join(own, below))) rmdirSync(join(own, below));
  }
  expect(pidsOfCgroup(join(own, "a"))).toEqual([]);
});
