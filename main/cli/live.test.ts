/** `inspect` and `top` as their users have them, on processes made for it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { KernelAnswers, startProbe } from "../../probe/conformance/kernel-answers.ts";
import { describeKernel, skipReason } from "../../probe/testing.ts";

const CLI = resolve(import.meta.dirname, "..", "cli.ts");
const root = process.getuid?.() === 0;

interface Outcome {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function lab(args: readonly string[], options: { readonly uid?: number } = {}): Promise<Outcome> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ["ignore", "pipe", "pipe"], ...options });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.once("close", (status) => done({ status, out, err }));
  });
}

/** Starts it, waits for so many lines on stdout, does something, and gives all that it said. */
async function watching(args: readonly string[], lines: number, then: (child: ChildProcess) => void): Promise<Outcome> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ["ignore", "pipe", "pipe"], detached: true });
  let out = "";
  let err = "";
  let acted = false;
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  child.stdout.on("data", (chunk) => {
    out += chunk;
    if (acted || out.split("\n").length <= lines) return;
    acted = true;
    then(child);
  });
  const [status] = await once(child, "close");
  return { status, out, err };
}

/** As a terminal does: to the whole process group. */
const pressCtrlC = ({ pid }: ChildProcess): void => void process.kill(-(pid ?? 0), "SIGINT");
const documents = (out: string): Record<string, unknown>[] =>
  out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

let folder: string;
/** 100 empty tables, 50 sparse ones, 7 pinned by guard pages (where the kernel has them), 30 of a file, of which a child has 29 too. */
let known: KernelAnswers;
let guards = 0;
/** A process whose name would act on a terminal. */
let named: ChildProcess;
/** The folder of its file. */
let odd: string;

beforeAll(async () => {
  if (skipReason !== null) return;
  folder = mkdtempSync(join(tmpdir(), "live-"));
  // Some programs take these for the end of a line.
  odd = join(folder, "x\r\u2028y");
  known = new KernelAnswers(startProbe("whole"));
  const answers = await known.hold([
    "map 0 200M",
    "touch 0 200M stride=2M",
    "dontneed_step 0 200M 1M",
    "map 1G 100M",
    "touch 1G 100M stride=2M",
    "map 2G 14M",
    ...Array.from({ length: 7 }, (_, i) => `guard_install ${2048 + i * 2}M 4K`),
    // With a page of its own in it, fork copies the tables of a private mapping of a file.
    "map 3G 60M file",
    "touch 3G 60M r stride=2M",
    "touch 3G 4K w",
    "fork",
  ]);
  guards = answers.filter(({ status }, at) => at >= 6 && at < 13 && status === "ok").length;
  const program = join(odd, "a\u001b[31m\nb\u202ec");
  mkdirSync(odd);
  copyFileSync("/bin/sleep", program);
  chmodSync(program, 0o755);
  writeFileSync(join(folder, "cgroup.procs"), "not a number\n");
  named = spawn(program, ["600"], { stdio: "ignore" });
  await once(named, "spawn");
});

afterAll(async () => {
  if (skipReason !== null) return;
  named.kill();
  await known.close();
  rmSync(folder, { recursive: true, force: true });
});

describeKernel("inspect", () => {
  it("prints one JSON document with the tables of a process by cause", async () => {
    const { status, out, err } = await lab(["inspect", String(known.pid), "--json"]);
    expect(status).toBe(0);
    expect(err).toMatch(/^(looking at .*\n)*$/);
    const document = JSON.parse(out);
    expect(document).toMatchObject({ pid: known.pid, name: "reclaim-probe", moving: false });
    const { tables, vmpte_kb, mappings } = document;
    expect(tables).toMatchObject({ deposited: 0, pinned: guards, in_use: 81, sparse: 80 });
    expect(tables.empty.min).toBeLessThanOrEqual(100);
    expect(tables.empty.max).toBeGreaterThanOrEqual(100);
    expect(Math.abs(tables.empty.estimate - 100)).toBeLessThanOrEqual(8);
    expect(vmpte_kb).toBe(4 * (tables.in_use + tables.pinned + tables.empty.max + tables.upper.min));
    expect(Object.keys(document)).toEqual(
      expect.arrayContaining(["kernel", "took_ms", "rss_kb", "virt_kb", "mappings", "shared", "causes"]),
    );
    const sum = (of: string) => mappings.reduce((total: number, row: Record<string, number>) => total + row[of], 0);
    expect([sum("in_use"), sum("sparse"), sum("pinned"), sum("deposited")]).toEqual([81, 80, guards, 0]);
    expect(document.causes[0]).toMatchObject({ cause: "empty", kb: tables.empty.estimate * 4 });
  });

  it("tells what several processes have of the same file, and what one copy would cost", async () => {
    const { status, out } = await lab(["inspect", "--name", "^reclaim-probe$", "--json"]);
    expect(status).toBe(0);
    const { processes, shared, total } = JSON.parse(out);
    const pair = processes.filter(({ tables }: { tables: { shared: number } }) => tables.shared === 29);
    expect(pair.map(({ pid }: { pid: number }) => pid)).toContain(known.pid);
    expect(pair).toHaveLength(2);
    expect(total.tables.shared).toBeGreaterThanOrEqual(58);
    expect(shared).toContainEqual({
      file: "/memfd:workload (deleted)",
      processes: 2,
      tables: 58,
      kb: 232,
      one_copy_kb: 116,
      huge_kb: 8,
    });
  });

  it("names no process with the name of none, says so and ends with status 2", async () => {
    for (const args of [
      ["inspect", "4194303"],
      ["inspect", "--name", "^no such program$"],
      ["inspect", "--name", "("],
      // Too large: V8 says so when it is first used.
      ["inspect", "--name", "x".repeat(120_000)],
      ["inspect", "--cgroup", "no/such/group"],
      // A folder elsewhere is no group, even where it has the file of one.
      ["inspect", "--cgroup", folder],
      ["inspect", "--cgroup", `../../../..${folder}`],
      ["inspect"],
      ["inspect", "1", "--name", "x"],
      ["inspect", "zero"],
    ]) {
      const { status, out, err } = await lab(args);
      expect([args, status, out]).toEqual([args, 2, ""]);
      expect(err).toMatch(/^reclaim-lab: /);
    }
  });

  it("has the keys that are promised, and the verdict", async () => {
    const one = JSON.parse((await lab(["inspect", String(known.pid), "--json"])).out);
    const PROCESS =
      "pid name kernel moving took_ms vmpte_kb rss_kb virt_kb tables mappings shared causes verdict allocators";
    expect(Object.keys(one)).toEqual(PROCESS.split(" "));
    expect(Object.keys(one.tables)).toEqual("upper in_use sparse deposited pinned shared empty".split(" "));
    expect(Object.keys(one.tables.upper)).toEqual(["min", "max"]);
    expect(Object.keys(one.tables.empty)).toEqual(["min", "estimate", "max"]);
    expect(Object.keys(one.mappings[0])).toEqual("start end name in_use sparse deposited pinned empty".split(" "));
    expect(Object.keys(one.causes[0])).toEqual(["cause", "kb", "advice"]);
    const several = JSON.parse((await lab(["inspect", "--name", "^reclaim-probe$", "--json"])).out);
    expect(Object.keys(several)).toEqual(["processes", "shared", "total"]);
    expect(Object.keys(several.processes[0])).toEqual(PROCESS.split(" "));
    expect(Object.keys(several.shared[0])).toEqual("file processes tables kb one_copy_kb huge_kb".split(" "));
    const top = JSON.parse((await lab(["top", "--json"])).out);
    expect(Object.keys(top)).toEqual(
      expect.arrayContaining(["page_tables_kb", "explained_kb", "processes", "not_readable"]),
    );
    expect(Object.keys(top.processes[0])).toEqual(expect.arrayContaining(["pid", "name", "vmpte_kb", "tables"]));
    // What a fleet's records are told apart by: the same words in both.
    expect(top.kernel).toBe(one.kernel);
    const itself = top.processes.find(({ pid }: { pid: number }) => pid === known.pid);
    expect(itself.allocators).toEqual(one.allocators);
  });

  it("is watched until Ctrl-C, one document a line", async () => {
    const args = ["inspect", String(known.pid), "--watch", "--interval", "1", "--json"];
    const { status, out } = await watching(args, 2, pressCtrlC);
    expect(status).toBe(0);
    expect(documents(out).length).toBeGreaterThanOrEqual(2);
    for (const document of documents(out)) expect(document).toMatchObject({ pid: known.pid, moving: false });
  });

  it("keeps what was watched at Ctrl-C, and where the process ends meanwhile", async () => {
    const db = join(folder, "kept.sqlite");
    const watch = (pid: number) => [
      "inspect",
      String(pid),
      "--watch",
      "--interval",
      "1",
      "--keep",
      "--db",
      db,
      "--json",
    ];
    const stopped = await watching(watch(known.pid), 2, pressCtrlC);
    expect(stopped.status).toBe(0);
    expect(documents(stopped.out).at(-1)).toMatchObject({ kept: 1, forecast: { kbPerHour: null } });

    const short = spawn("sleep", ["600"], { stdio: "ignore" });
    await once(short, "spawn");
    const ended = await watching(watch(short.pid ?? 0), 2, () => short.kill());
    expect(ended.status).toBe(0);
    expect(ended.err).toMatch(/There is no process \d+: the watch has ended after \d+ looks/);
    expect(documents(ended.out).at(-1)).toEqual({ kept: 2, forecast: null });
    const shown = await lab(["show", "2", "--db", db]);
    expect(shown.out).toContain("as it ran");
  });

  it("keeps what was watched where nobody reads on, and where the terminal goes away", async () => {
    const db = join(folder, "unread.sqlite");
    const words = ["inspect", String(known.pid), "--watch", "--interval", "1", "--keep", "--db", db];
    const unread = await watching(words, 1, (child) => child.stdout?.destroy());
    expect(unread.status).toBe(0);
    expect(unread.err).toContain("kept as experiment 1");
    const hungUp = await watching(words, 1, (child) => child.kill("SIGHUP"));
    expect(hungUp.status).toBe(0);
    expect(hungUp.out).toContain("Kept as experiment 2");
  });

  it("refuses a kernel thread in words", async () => {
    if (readFileSync("/proc/2/cmdline", "utf8") !== "") return;
    const { status, err } = await lab(["inspect", "2"]);
    expect(status).toBe(2);
    expect(err).toContain("has no page tables of its own");
  });

  it.skipIf(!root)("says that another user's process is not readable", async () => {
    const { status, out, err } = await lab(["inspect", String(known.pid)], { uid: 65_534 });
    expect([status, out]).toEqual([1, ""]);
    expect(err).toContain("cannot be read");
    expect(err).toContain("as root");
  });

  it("shows names that would act on a terminal as what they are", async () => {
    const { status, out } = await lab(["inspect", String(named.pid)]);
    expect(status).toBe(0);
    expect(out).not.toContain("\u001b");
    expect(out.split("\n")[0]).toContain("a\\u001b[31m\\nb\\u202ec");
    const json = await lab(["inspect", String(named.pid), "--json"]);
    const { name, mappings } = JSON.parse(json.out);
    expect(name).toBe("a\u001b[31m\nb\u202ec");
    // The kernel writes a line end in the name of a file as \012.
    expect(mappings.map((row: { name: string }) => row.name)).toContain(`${odd}/a\u001b[31m\\012b\u202ec`);
    const db = join(folder, "named.sqlite");
    const kept = await lab(["inspect", String(named.pid), "--keep", "--db", db]);
    expect([kept.status, kept.err]).toEqual([0, ""]);
    expect((await lab(["list", "--db", db])).out).toMatch(/ a\\u001b\[31m\\nb\ufffdc \d+, as it ran\n$/);
  });
});

describeKernel("top", () => {
  it("lists processes by their page tables, sums them up, and keeps to one document", async () => {
    const { status, out, err } = await lab(["top", "--json"]);
    expect(status).toBe(0);
    // On a busy machine it takes longer than a second, and says how far it is.
    expect(err).toMatch(/^(looking at .*\n)*$/);
    const document = JSON.parse(out);
    expect(document.page_tables_kb).toBeGreaterThan(0);
    const sizes = document.processes.map((row: { vmpte_kb: number }) => row.vmpte_kb);
    expect(sizes).toEqual(sizes.toSorted((a: number, b: number) => b - a));
    expect(document.explained_kb).toBe(sizes.reduce((sum: number, kb: number) => sum + kb, 0));
    const mine = document.processes.find((row: { pid: number }) => row.pid === known.pid);
    expect(mine.tables).toMatchObject({ pinned: guards, deposited: 0 });
    expect(Number.isInteger(document.not_readable)).toBe(true);
  });

  it.skipIf(!root)("counts what an ordinary user may not look at", async () => {
    const { status, out } = await lab(["top", "--json"], { uid: 65_534 });
    expect(status).toBe(0);
    const document = JSON.parse(out);
    expect(document.not_readable).toBeGreaterThan(0);
    expect(document.processes.some((row: { pid: number }) => row.pid === known.pid)).toBe(false);
  });
});
