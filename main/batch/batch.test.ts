/** Plans, shards, resuming and failures: through the functions behind `batch`, with real workers and real Parquet files. */
import { execFile, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VERSION } from "../version.ts";
import { partFiles, readFolder } from "./folder.ts";
import { KNOWN, profileValue } from "./known.ts";
import { readPlan } from "./plan.ts";
import { runShard, type ShardOptions } from "./run-shard.ts";
import { SCHEDULER, shellWord } from "./schedulers.ts";
import { statusOf } from "./status.ts";
import { inShard, type Shard, tasksOf, WHOLE } from "./tasks.ts";

const PLAN = {
  version: 1,
  name: "a study",
  workloads: [
    { preset: "commit-table", params: { size: ["64M", "128M"], chunk: "2M" } },
    { preset: "redis-flush", params: { dataset: "16M" } },
    { trace: "traces/*.gz" },
  ],
  policies: ["none", "sync"],
  seeds: [1, 2],
};
/** One page touched, in the words of perf script. */
const TRACE = [
  "app 7/7 1.000000000: syscalls:sys_enter_execve: filename: 0x1, argv: 0x2, envp: 0x3",
  "app 7/7 1.000000000: PERF_RECORD_COMM exec: app:7/7",
  "app 7/7 1.000000001: PERF_RECORD_MMAP2 7/7: [0x7f0000000000(0x400000) @ 0x7f0000000000 00:00 0 0]: rw-p //anon",
  "app 7/7 1.000000002: syscalls:sys_exit_execve: 0x0",
  "app 7/7 1.000000003: exceptions:page_fault_user: address=0x7f0000000000 ip=0x401000 error_code=0x6",
].join("\n");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "batch-"));
  await mkdir(join(folder, "traces"));
  await writeFile(join(folder, "traces", "a.gz"), gzipSync(`${TRACE}\n`));
  await writeFile(join(folder, "plan.json"), JSON.stringify(PLAN));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function planned(value: unknown = PLAN) {
  await writeFile(join(folder, "plan.json"), JSON.stringify(value));
  const plan = await readPlan(join(folder, "plan.json"), KNOWN);
  return { plan, tasks: tasksOf(plan, VERSION, profileValue) };
}

function made(out: string, { plan, tasks }: Awaited<ReturnType<typeof planned>>, other: Partial<ShardOptions> = {}) {
  return runShard(plan, tasks, {
    folder: join(folder, out),
    shard: WHOLE,
    jobs: 2,
    engine: VERSION,
    retryFailed: false,
    signal: new AbortController().signal,
    onStart: () => {},
    onProgress: () => {},
    warn: () => {},
    ...other,
  });
}

/** Every row of a folder, in the order of its digests, each digest once. */
async function rowsOf(out: string): Promise<Record<string, unknown>[]> {
  const rows = new Map<string, Record<string, unknown>>();
  for (const file of partFiles(join(folder, out), "results"))
    for (const row of await parquetReadObjects({ file: await asyncBufferFromFile(file) })) rows.set(row.digest, row);
  return [...rows.values()].sort((a, b) => (String(a.digest) < String(b.digest) ? -1 : 1));
}

it("of a trace that is cut off it is said, once", async () => {
  const whole = gzipSync(Array.from({ length: 4000 }, (_, at) => TRACE.replaceAll("7/7", `${at}/${at}`)).join("\n"));
  await writeFile(join(folder, "traces", "a.gz"), whole.subarray(0, whole.length >> 1));
  const said: string[] = [];
  const plan = await planned({ ...PLAN, workloads: [{ trace: "traces/*.gz" }] });
  await made("out", plan, { warn: (text) => said.push(text) });
  expect(said.filter((text) => text.includes("unexpected end of file"))).toEqual([
    expect.stringMatching(/^traces\/a\.gz: /),
  ]);
});

describe("a plan", () => {
  it("is crossed: every workload, parameter, policy and seed, each task once", async () => {
    const { tasks } = await planned();
    expect(tasks).toHaveLength((2 + 1 + 1) * 2 * 2);
    expect(new Set(tasks.map(({ digest }) => digest)).size).toBe(tasks.length);
  });

  it("is refused with the place and the reason of everything that is wrong", async () => {
    const refused = (value: unknown) => expect(planned(value)).rejects;
    await refused({ ...PLAN, version: 2 }).toThrow(/version: .*version 1/);
    await refused({ ...PLAN, policies: [] }).toThrow(/policies: give at least one/);
    await refused({ ...PLAN, policies: ["nosuch"] }).toThrow(
      /policies\[0\]: there is no policy "nosuch"; choose from none, sync/,
    );
    await refused({ ...PLAN, profiles: ["nosuch"] }).toThrow(/profiles\[0\]: there is no profile "nosuch"/);
    await refused({ ...PLAN, colour: 1 }).toThrow(/colour: is not a part of a plan/);
    await refused({ ...PLAN, seeds: [1.5] }).toThrow(/seeds\[0\]/);
    await refused({ ...PLAN, workloads: [{ preset: "nosuch" }] }).toThrow(/workloads\[0\]\.preset: there is no preset/);
    await refused({ ...PLAN, workloads: [{ trace: "x", preset: "y" }] }).toThrow(/workloads\[0\]\.preset/);
    await refused({ ...PLAN, workloads: [{ trace: "nosuch*" }] }).toThrow(/workloads\[0\]\.trace: no file matches/);
    await refused({
      ...PLAN,
      workloads: [{ preset: "commit-table", params: { size: ["64M", "no"], nosuch: 1 } }],
    }).toThrow(/workloads\[0\]\.params\.nosuch: there is no such parameter.*params\.size: "no" is not a size/s);
  });

  it("is refused before it is crossed where it makes more tasks than are possible", async () => {
    const many = Array.from({ length: 1001 }, (_, i) => `${i + 1}M`);
    const entry = { preset: "commit-table", params: { size: many, chunk: many } };
    const refused = (change: object) =>
      expect(planned({ ...PLAN, policies: ["none"], seeds: [1], ...change })).rejects.toThrow(
        /^it makes [\d,]+ tasks; the maximum is 1,000,000/,
      );
    await refused({ workloads: [entry] });
    const half = { preset: "commit-table", params: { size: many, chunk: many.slice(500) } };
    await refused({ workloads: [half, half] });
    const numbers = many.map((_, i) => i);
    await refused({ seeds: numbers, workloads: [{ preset: "commit-table", params: { size: many } }] });
    await refused({
      policies: ["async"],
      knobs: { scan_interval: numbers, resched: numbers },
    });
    await writeFile(join(folder, "plan.json"), " ".repeat((4 << 20) + 1));
    await expect(readPlan(join(folder, "plan.json"), KNOWN)).rejects.toMatchObject({ why: "a plan is at most 4 MiB" });
    const limits = await readFile(join(import.meta.dirname, "../../docs/limits.md"), "utf8");
    expect(limits).toContain("| a plan of `batch` | 4 MiB, 1,000,000 tasks |");
  });

  it("names as traces only files that have an end", async () => {
    const traces = (trace: string) => expect(planned({ ...PLAN, workloads: [{ trace }] })).rejects;
    spawnSync("mkfifo", [join(folder, "pipe")]);
    await symlink(join(folder, "circle"), join(folder, "circle"));
    await writeFile(join(folder, "empty"), "");
    for (const odd of ["pipe", "circle", "/dev/zer*", "traces"]) await traces(odd).toThrow(/no file matches/);
    await traces("empty").toThrow(/trace: empty is empty/);
    // Reading it waits for what the kernel says next.
    if (process.platform === "linux") await traces("/proc/kmsg").toThrow(/kmsg is empty/);
  });

  it("crosses what is set of policies, where it changes something", async () => {
    const workloads = [{ preset: "commit-table", params: { size: "64M" } }];
    const of = (knobs: unknown) => planned({ ...PLAN, workloads, policies: ["none", "async"], seeds: [1], knobs });
    const { tasks } = await of({ scan_interval: [1, "100 ms"], resched: [0, 10] });
    // Of none, what is set of async is nothing.
    expect(tasks.filter(({ policy }) => policy === "none").map(({ knobs }) => knobs)).toEqual([{}, {}]);
    const scans = tasks.filter(({ policy }) => policy === "async");
    expect(scans.map(({ knobs }) => knobs.scan_interval).sort()).toEqual([1, 1, 100, 100]);
    expect(new Set(scans.map(({ switches }) => switches.resched))).toEqual(new Set([0, 10]));
    const all = await of({ scan_interval: [1, 100] });
    await made("knobs", all);
    const rows = await rowsOf("knobs");
    const peak = (policy: string, knobs: string) =>
      rows.find((row) => row.policy === policy && row.knobs === knobs)?.peak_vmpte_kb;
    expect(rows).toHaveLength(3);
    expect(Number(peak("async", '{"scan_interval":1}'))).toBeLessThan(Number(peak("none", "{}")));
    expect(Number(peak("async", '{"scan_interval":1}'))).toBeLessThan(Number(peak("async", '{"scan_interval":100}')));
    // A plan that sets nothing has the tasks that it always had.
    const digests = (each: Awaited<ReturnType<typeof planned>>) => each.tasks.map(({ digest }) => digest);
    expect(digests(await of({}))).toEqual(digests(await of(undefined)));
    await expect(of({ scan_interval: [0, 1], nosuch: 1 })).rejects.toThrow(/knobs\.nosuch: there is no such knob; .*/);
    await expect(of({ scan_interval: [0, 1] })).rejects.toThrow(/knobs\.scan_interval: 0 ms is outside/);
  });

  it("has tasks that count by what they are: by a trace's bytes and not by its name, and by the engine", async () => {
    const digests = async (engine = VERSION) =>
      tasksOf((await planned({ ...PLAN, workloads: [{ trace: "traces/*.gz" }] })).plan, engine, profileValue)
        .map(({ digest }) => digest)
        .join();
    const before = await digests();
    expect(await digests("another")).not.toBe(before);
    await rm(join(folder, "traces", "a.gz"));
    await writeFile(join(folder, "traces", "b.gz"), gzipSync(`${TRACE}\n`));
    expect(await digests()).toBe(before);
    await writeFile(join(folder, "traces", "b.gz"), gzipSync(`${TRACE}\n\n`));
    expect(await digests()).not.toBe(before);
  });
});

describe("shards", () => {
  it("share every task out, and their rows are those of a run in one go", async () => {
    const all = await planned();
    for (let index = 0; index < 3; index++) await made("shards", all, { shard: { index, count: 3 } });
    await made("whole", all);
    const whole = await rowsOf("whole");
    expect(whole).toHaveLength(all.tasks.length);
    expect(whole.every(({ status }) => status === "done")).toBe(true);
    expect(await rowsOf("shards")).toEqual(whole);
    const counted = all.tasks.map((task) => [0, 1, 2].filter((index) => inShard(task, { index, count: 3 } as Shard)));
    expect(counted.every((each) => each.length === 1)).toBe(true);
  });

  it("write the same files, bytes and names, whoever runs them with however many threads", async () => {
    const all = await planned({ ...PLAN, samples: true });
    await made("one", all, { jobs: 1 });
    await made("two", all, { jobs: 2 });
    for (const kind of ["results", "samples"] as const) {
      const [one, two] = await Promise.all(["one", "two"].map((out) => readdir(join(folder, out, kind))));
      expect(one).toEqual(two);
      expect(one).toHaveLength(1);
      const bytes = await Promise.all(["one", "two"].map((out) => readFile(join(folder, out, kind, one[0]))));
      expect(bytes[0].equals(bytes[1])).toBe(true);
    }
    expect(await readFile(join(folder, "one", "plan.json"), "utf8")).toBe(
      await readFile(join(folder, "two", "plan.json"), "utf8"),
    );
  });
});

describe("an attempt", () => {
  it("that is cut off keeps what it made, and the next makes the rest", async () => {
    const all = await planned();
    const stop = new AbortController();
    const cut = await made("cut", all, {
      jobs: 1,
      signal: stop.signal,
      onProgress: ({ done }) => {
        if (done === 5) stop.abort();
      },
    });
    expect(cut.cut).toBe(true);
    // What was on its way when it was cut off is kept, too.
    expect(cut.made).toBeGreaterThanOrEqual(5);
    const missing = all.tasks.length - cut.made;
    expect(missing).toBeGreaterThan(0);
    expect(await statusOf(join(folder, "cut"))).toMatchObject({ done: cut.made, missing, failed: 0 });
    expect(await made("cut", all)).toMatchObject({ there: cut.made, made: missing, cut: false });
    await made("whole", all);
    expect(await rowsOf("cut")).toEqual(await rowsOf("whole"));
    expect(await made("cut", all)).toMatchObject({ there: all.tasks.length, made: 0 });
  });

  it("has its failures as rows with their reason, and the rest goes on", async () => {
    await writeFile(join(folder, "traces", "bad.gz"), gzipSync("this is no trace\n"));
    const all = await planned({ ...PLAN, workloads: [{ trace: "traces/*.gz" }], seeds: [1] });
    expect(await made("out", all)).toMatchObject({ made: 4, failed: 2 });
    const rows = await rowsOf("out");
    const failed = rows.filter(({ status }) => status === "failed");
    expect(failed.map(({ workload }) => workload)).toEqual(["traces/bad.gz", "traces/bad.gz"]);
    expect(failed.every(({ reason }) => typeof reason === "string" && reason.length > 10)).toBe(true);
    expect(JSON.stringify(failed, (_, value) => (typeof value === "bigint" ? Number(value) : value))).not.toContain(
      folder,
    );
    expect(await statusOf(join(folder, "out"))).toMatchObject({ done: 2, failed: 2, missing: 0 });
    expect(await made("out", all)).toMatchObject({ there: 4, made: 0 });
    expect(await made("out", all, { retryFailed: true })).toMatchObject({ there: 2, made: 2, failed: 2 });
  });

  it("refuses the folder of another plan and leaves it as it is", async () => {
    await made("out", await planned());
    const before = await rowsOf("out");
    await expect(made("out", await planned({ ...PLAN, seeds: [3] }))).rejects.toThrow(/another plan/);
    expect(await rowsOf("out")).toEqual(before);
  });

  it("is of one plan where two are begun in it at the same moment", async () => {
    const atMs = Date.now() + 1500;
    const begun = async (name: string): Promise<string> => {
      const stored = { format: "reclaim-lab results", version: 1, engine_version: VERSION, tasks: 1, plan: { name } };
      const script = `
        import { openFolder } from ${JSON.stringify(new URL("./folder.ts", import.meta.url).href)};
        while (Date.now() < ${atMs});
        try {
          openFolder(${JSON.stringify(join(folder, "both"))}, ${JSON.stringify(stored)});
          console.log("begun");
        } catch (error) {
          console.log(error.message);
        }`;
      const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
      return stdout.trim();
    };
    const ends = await Promise.all(["a", "b"].map(begun));
    expect(ends.toSorted()).toEqual(["The folder holds the results of another plan", "begun"]);
  });

  it("refuses the folder of a plan that no one wrote", async () => {
    const stored = { format: "reclaim-lab results", version: 1, engine_version: VERSION, tasks: 5 };
    await mkdir(join(folder, "odd"));
    for (const odd of [{ plan: {} }, { plan: 7 }, { plan: { name: 7 } }, { plan: { name: "a" }, tasks: 1e308 }, {}]) {
      await writeFile(join(folder, "odd", "plan.json"), JSON.stringify({ ...stored, ...odd }));
      await expect(statusOf(join(folder, "odd"))).rejects.toThrow("not a folder of results");
    }
  });

  it("makes again what stood in a part that is damaged", async () => {
    const all = await planned();
    await made("out", all);
    const [part] = partFiles(join(folder, "out"), "results");
    const before = await rowsOf("out");
    await writeFile(part, (await readFile(part)).subarray(0, 400));
    const warned: string[] = [];
    const end = await made("out", all, { warn: (text) => warned.push(text) });
    expect(end.made).toBe(all.tasks.length);
    expect(warned).toEqual([expect.stringContaining("cannot be read")]);
    expect(await rowsOf("out")).toEqual(before);
    expect((await readFolder(join(folder, "out"))).damaged).toEqual([]);
  });

  it("that cannot write a part says so, and loses nothing that was there", async () => {
    const all = await planned();
    await made("whole", all);
    const [name] = await readdir(join(folder, "whole", "results"));
    await mkdir(join(folder, "out", "results", name), { recursive: true });
    await expect(made("out", all)).rejects.toThrow(/not written/);
    expect(await readdir(join(folder, "out", "results"))).toEqual([name]);
    await rm(join(folder, "out", "results", name), { recursive: true });
    expect(await made("out", all)).toMatchObject({ made: all.tasks.length });
    expect(await rowsOf("out")).toEqual(await rowsOf("whole"));
  });
});

describe("a job for a scheduler", () => {
  const facts = {
    name: "It's a `study`\nof $(things)",
    plan: "/a folder/it's/plan.json",
    folder: "/out put",
    shards: 7,
    jobs: 2,
    program: ["/opt/node 24/node", "cli.ts"],
  };

  it("is a shell script whatever the names are", () => {
    for (const name of ["slurm", "parallel"] as const) {
      const { stderr, status } = spawnSync("sh", ["-n"], { input: SCHEDULER[name].job(facts), encoding: "utf8" });
      expect([name, status, stderr]).toEqual([name, 0, ""]);
    }
    const odd = "a 'b' $c `d`\n\"e\"";
    expect(spawnSync("sh", ["-c", `printf %s ${shellWord(odd)}`], { encoding: "utf8" }).stdout).toBe(odd);
  });

  it("tells Slurm where its log goes, in a folder with a blank and a percent sign too", () => {
    const of = (folder: string) => /^#SBATCH --output=(.*)$/m.exec(SCHEDULER.slurm.job({ ...facts, folder }))?.[1];
    expect(of("/out/put")).toBe("/out/put/slurm-%A_%a.log");
    expect(of("/out put 5%")).toBe('"/out put 5%%/slurm-%A_%a.log"');
    expect(() => of("/out\nput")).toThrow("A job of Slurm cannot name a folder with a line end in its name");
  });

  it("names every shard once", () => {
    expect(SCHEDULER.slurm.job(facts)).toContain("--array=1-7");
    expect(SCHEDULER.kubernetes.job(facts)).toContain("completions: 7");
    expect(SCHEDULER.parallel.job(facts)).toContain("$(seq 7)");
  });
});
