/** The command line as its users have it: a process of its own, its exit status, what goes to stdout and to stderr. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REFERENCE_PROFILE } from "../../engine/mm/kernel-profiles.ts";

const CLI = resolve(import.meta.dirname, "..", "cli.ts");

const OPS_HEADER = '{"format":"reclaim-lab-ops","version":1}\n';
const MAP = '{"op":"mmap","addr":4096,"len":4096,"prot":"rw","backing":"anon"}\n';

interface Outcome {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

let folder: string;
let db: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-"));
  db = join(folder, "history.sqlite");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function lab(
  args: readonly string[],
  signal?: { readonly name: NodeJS.Signals; readonly when: RegExp },
  cwd?: string,
  data = folder,
): Promise<Outcome> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [CLI, ...args], {
      env: { ...process.env, RECLAIM_LAB_DATA: data, NODE_OPTIONS: "" },
      stdio: ["ignore", "pipe", "pipe"],
      ...(cwd === undefined ? {} : { cwd }),
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
      if (signal?.when.test(err)) child.kill(signal.name);
    });
    child.once("close", (status) => done({ status, out, err }));
  });
}

describe("run", () => {
  it("prints one JSON document of the series' own experiment, and keeps it", async () => {
    const { status, out } = await lab(["run", "commit-table", "--json", "--db", db]);
    expect(status).toBe(0);
    const { experiment, runs } = JSON.parse(out);
    expect(experiment).toMatchObject({ workload: "commit-table", seed: 1, params: { size: 53_687_091_200 } });
    const [none, sync] = runs;
    expect(sync).toMatchObject({ source: "model", mode: "sync", status: "done", reclaimed_pte_tables: 25_600 });
    expect(none).toMatchObject({ source: "model", mode: "none", status: "done", reclaimed_pte_tables: 0 });
    expect([sync.final.vmpte_kb, none.final.vmpte_kb]).toEqual([240, 102_640]);

    const listed = await lab(["list", "--json", "--db", db]);
    expect(JSON.parse(listed.out)).toHaveLength(1);
    const shown = await lab(["show", String(experiment.id), "--json", "--db", db]);
    expect(JSON.parse(shown.out)).toEqual(JSON.parse(out));
  });

  it("twice gives the same CSV, byte for byte, ids aside", async () => {
    const files: string[] = [];
    for (const name of ["first", "second"]) {
      const path = join(folder, `${name}.csv`);
      const mine = join(folder, `${name}.sqlite`);
      const { out } = await lab(["run", "commit-table", "--set", "size=1G", "--json", "--db", mine]);
      await lab(["export", String(JSON.parse(out).experiment.id), "--format", "csv", "--out", path, "--db", mine]);
      files.push(await readFile(path, "utf8"));
    }
    expect(files[0]?.length).toBeGreaterThan(1000);
    // Both are the first experiment of their histories, so not even the ids differ.
    expect(files[0]).toBe(files[1]);
  });

  it("prints a table and a sentence for people", async () => {
    const { status, out } = await lab(["run", "commit-table", "--set", "size=1G", "--db", db]);
    expect(status).toBe(0);
    expect(out).toMatch(/no reclaim +sync reclaim/);
    expect(out).toMatch(/[\d.]+ KiB of page tables with sync reclaim, [\d.]+ MiB without reclaim: [\d.]+ % less\./);
    expect(out).toContain(`Saved in`);
  });

  it("is cancelled by Ctrl-C with status 130, its samples kept", async () => {
    const args = ["run", "commit-table", "--set", "rounds=10000", "--mode", "sync", "--json", "--db", db];
    const { status, out } = await lab(args, { name: "SIGINT", when: /operations/ });
    expect(status).toBe(130);
    const [run] = JSON.parse(out).runs;
    expect(run.status).toBe("cancelled");
    expect(run.operations).toBeGreaterThan(0);
  });
});

describe("conform --kernel", () => {
  const script = "map 4M 4M\ntouch 4M 4K r\nfork\npdontneed 4M 4K\n";
  const statuses = (out: string): string[] => out.split("\n").map((line) => line.split("\t")[2] ?? "");

  it("answers as the kernel of that name, or of that file, would", async () => {
    const ops = join(folder, "kernel.ops");
    const profile = join(folder, "kernel profile.json");
    await writeFile(ops, script);
    await writeFile(
      profile,
      JSON.stringify({ ...REFERENCE_PROFILE, name: "mine", zeroPage: false, processMadviseSelf: false }),
    );
    const answers = async (...kernel: string[]) => statuses((await lab(["conform", ops, ...kernel])).out);
    expect(await answers()).toEqual(["ok", "ok", "child=0", "ok=4096", ""]);
    expect(await answers("--kernel", "6.12")).toEqual(["ok", "ok", "child=0", "EINVAL", ""]);
    expect(await answers("--kernel", "6.18-no-zero-page")).toEqual(["ok", "ok", "child=12", "ok=4096", ""]);
    expect(await answers("--kernel", profile)).toEqual(["ok", "ok", "child=12", "EINVAL", ""]);
  });
});

describe("bad usage", () => {
  it.each([
    [["run", "nonsense"], /There is no preset "nonsense", and no file or folder of that name.*commit-table/],
    [["run", "./nonsense"], /nonsense: The file cannot be opened: there is no such file or folder/],
    [["run", "commit-table", "--set", "size=-1"], /size: -1 is outside 4K to 32T/],
    [["run", "commit-table", "--set", "nosuch=1"], /nosuch: there is no such parameter/],
    [["run", "commit-table", "--set", "size"], /name=value/],
    [["run", "commit-table", "--mode", "fast"], /no policy "fast"; the policies are none, sync,/],
    [["show", "999999"], /no experiment 999999/],
    [["show", "abc"], /whole number/],
    [["export", "999999", "--format", "csv"], /no experiment 999999/],
    [["export", "1", "--format", "gif"], /Allowed choices/],
    [["export", "1", "--format", "csv", "--run", "99999"], /experiment 1: There is no run 99999: its runs are 1, 2/],
    [["export", "1", "--format", "json", "--run", "99999"], /no run 99999/],
    [["export", "1", "--format", "csv", "--metric", "rss"], /--metric has no effect with --format csv/],
    [["export", "1", "--format", "csv", "--log"], /--log has no effect/],
    [["export", "1", "--format", "json", "--theme", "light"], /--theme has no effect.*--run and --baseline have one/],
    [["export", "1", "--format", "folded", "--run", "1"], /--run has no effect with --format folded\. Omit it$/m],
    [["export", "1", "--format", "svg", "--figure", "peak_rss"], /--figure has no effect here: a figure is of a sweep/],
    [["list", "--json", "--baseline", "none"], /--baseline has no effect with --json/],
    [["note", "1", "--append"], /--append has no effect without text/],
    [["tag", "1", "--remove"], /--remove has no effect without tags/],
    [["history", "backup", "-"], /cannot be standard output.*\.\/- is a file/],
    [["delete", "999999"], /no experiment 999999/],
    [["compare", "1"], /2 to 8/],
    [["list", "--limit", "0"], /--limit.*1 or more/],
    [["run", "commit-table", "--title", ""], /^reclaim-lab: This request is not valid: title/],
    [["sweep", "commit-table", "--param", "chunk", "--values", "1M"], /^reclaim-lab: --values: .*at least two/],
    [
      ["sweep", "commit-table", "--param", "chunk", "--values", "1M,1024K"],
      /^reclaim-lab: --values: 1024K is there twice/,
    ],
    [
      ["sweep", "commit-table", "--param", "chunk", "--values", "1M,2M", "--points", "3"],
      /--points has no effect with --values/,
    ],
    [["run", "commit-table", "--set", "__proto__=1"], /--set.*no parameter "__proto__"/],
    [["run", "commit-table", "--set", "constructor=1"], /--set.*no parameter "constructor"/],
    [["run", "commit-table", "--seed", "4294967296"], /--seed.*from 0 to 4,294,967,295/],
    [["run", "commit-table", "--pid", "3"], /commit-table: --pid is for traces/],
    [["run", "commit-table", "--service"], /commit-table: --service is for traces/],
    [["history", "purge", "--all", "3"], /Ids and --all/],
    [["import", "-", "--format", "strace"], /there is nothing to read in it/],
    [["import", CLI, "--json"], /--json: The operations are JSON Lines/],
    [["import", CLI, "--service", "--pid", "3"], /one process and --service is all/],
    [["frobnicate"], /unknown command/],
    [["batch", "plan.json", "--out", "out", "--jobs", "0"], /--jobs.*1 or more/],
    [["batch", "plan.json", "--out", "out", "--on", "slurm", "--shards", "0"], /--shards.*1 or more/],
    [["top", "--interval", "0"], /--interval.*whole number from 1 to 86,400 seconds/],
    [["inspect", "1", "--watch", "--interval", "-1"], /--interval.*from 1 to 86,400/],
    [["inspect", "4194305"], /whole number from 1 to 4,194,304/],
    [["capture", "--pid", "0"], /--pid.*whole number from 1/],
    [["capture", "--pid", "1", "--seconds", "9999999999"], /--seconds.*from 1 to 2,000,000/],
    [["capture", "--pid", "1", "--interval", "99"], /--interval.*from 100 to 900,000 microseconds/],
    [["capture", "--pid", "1", "--with", "tracefs"], /with perf only/],
    [["capture", "--out", "-", "--", "true"], /--out: The folder of a recording cannot be standard output/],
    [["atlas", "x", "--json", "--csv"], /--json and --csv are two forms/],
    [["atlas", "x", "--sql", " "], /--sql: There is no query/],
    [["atlas", "x", "--sql", "SELECT 1", "--chart", "x.svg"], /--chart has no effect with --sql/],
    [["top", "--interval", "3"], /--interval has no effect without --watch/],
    [["inspect", "1", "--db", "x"], /--db has no effect without --keep/],
    [["import", "x", "--list", "--out", "y"], /--out has no effect with --list/],
    [["batch", "plan.json", "--out", "out", "--shards", "3"], /--shards has no effect without --on/],
    [["batch", "plan.json", "--out", "-"], /--out: The folder of results cannot be standard output/],
    [["capture", "--seconds", "3", "--", "true"], /--seconds: A launched program is recorded whole/],
    [["try", "--repeat", "0", "--", "true"], /--repeat: Each setting runs 1 to 100 times/],
    [["conform", "/nowhere.ops"], /nowhere\.ops/],
    [
      ["conform", "-", "--kernel", "5.4"],
      /no kernel profile 5\.4.*reference, 6\.1, 6\.12, 7\.2, 6\.18-no-zero-page, this/,
    ],
    [["conform", "-", "--kernel", CLI], /cli\.ts: this is not a kernel profile: it is not JSON/],
    [[], /Usage: reclaim-lab/],
  ] as const)("%j ends with status 2 and says what is wrong", async (args, reason) => {
    const known = ["frobnicate", "conform", "batch", "top", "inspect", "capture", "try", "import", "atlas"].includes(
      args[0] ?? "frobnicate",
    )
      ? []
      : ["--db", db];
    const { status, out, err } = await lab([...args, ...known]);
    expect(status).toBe(2);
    expect(err).toMatch(reason);
    expect(err).not.toMatch(/^\s+at /m);
    expect(out).toBe("");
  });

  it("names a history that is not one and leaves it alone", async () => {
    const { status, err } = await lab(["list", "--db", CLI]);
    expect(status).not.toBe(0);
    expect(err).toContain("not a Reclaim Lab history");
    expect(err.trim().split("\n")).toHaveLength(1);
  });
});

describe("-", () => {
  it("as --out is standard output, with the bytes of a file", async () => {
    const mine = join(folder, "dash.sqlite");
    const trace = join(folder, "dash.ops.jsonl");
    await writeFile(trace, `${OPS_HEADER}${MAP}`);
    await lab(["run", "commit-table", "--set", "size=16M", "--db", mine]);
    for (const args of [
      ["export", "1", "--format", "csv", "--db", mine],
      ["export", "1", "--format", "json", "--db", mine],
      ["export", "1", "--format", "svg", "--db", mine],
      ["export", "1", "--format", "png", "--db", mine],
      ["report", "1", "--db", mine],
      ["import", trace],
    ]) {
      const file = join(folder, "dash.out");
      await lab([...args, "--out", file]);
      const { status, out } = await lab([...args, "--out", "-"], undefined, folder);
      expect({ status, out }, args.join(" ")).toEqual({ status: 0, out: (await readFile(file)).toString() });
    }
    expect(existsSync(join(folder, "-"))).toBe(false);
  });
});

it("exports of data are of the runs that are chosen, compared with the same run as before", async () => {
  const mine = join(folder, "chosen.sqlite");
  await lab(["run", "commit-table", "--set", "size=16M", "--db", mine]);
  const exported = async (...args: string[]) => (await lab(["export", "1", ...args, "--db", mine])).out;
  const rows = (text: string) => text.split("\r\n").filter((line) => line.startsWith("1,"));
  const all = rows(await exported("--format", "csv"));
  const second = rows(await exported("--format", "csv", "--run", "2"));
  expect(second.length).toBeGreaterThan(10);
  expect(second).toEqual(all.filter((line) => line.startsWith("1,2,")));
  const { runs } = JSON.parse(await exported("--format", "json"));
  expect(JSON.parse(await exported("--format", "json", "--run", "2")).runs).toEqual([runs[1]]);
});

it("a job that is only written is one document with --json", async () => {
  const plan = join(folder, "plan.json");
  const workloads = [{ preset: "commit-table", params: { size: ["16M"] } }];
  await writeFile(plan, JSON.stringify({ version: 1, name: "job", workloads, policies: ["none"], seeds: [1, 2] }));
  const out = join(folder, "job");
  const args = ["batch", plan, "--out", out, "--on", "parallel", "--no-submit", "--json"];
  const { status, out: printed } = await lab(args);
  expect(status).toBe(0);
  const document = JSON.parse(printed);
  expect(document).toMatchObject({ folder: out, tasks: 2, shards: 2, submitted: false });
  expect(await readFile(document.job, "utf8")).toContain("batch");
});

it.skipIf(!existsSync("/dev/full"))("what cannot be said on standard error changes no exit status", () => {
  const full = openSync("/dev/full", "w");
  try {
    const status = (...args: string[]) =>
      spawnSync(process.execPath, [CLI, ...args], { stdio: ["ignore", "ignore", full] }).status;
    expect(status("run", "nonsense", "--db", db)).toBe(2);
    expect(status("run", "commit-table", "--set", "size=16M", "--db", join(folder, "unsaid.sqlite"))).toBe(0);
  } finally {
    closeSync(full);
  }
});

it.skipIf(!existsSync("/dev/full"))("an output that cannot be written is said in a line", () => {
  const full = openSync("/dev/full", "w");
  try {
    const { status, stderr } = spawnSync(process.execPath, [CLI, "presets", "--json"], {
      stdio: ["ignore", full, "pipe"],
    });
    expect({ status, err: stderr.toString() }).toEqual({
      status: 1,
      err: "reclaim-lab: What was to be printed could not be written: no space is left on the device\n",
    });
  } finally {
    closeSync(full);
  }
});

it("what was imported is one document with --json", async () => {
  const trace = join(folder, "two.ops.jsonl");
  await writeFile(trace, `${OPS_HEADER}${MAP}x\n`);
  const file = join(folder, "imported.ops.jsonl");
  const { status, out } = await lab(["import", trace, "--out", file, "--json"]);
  expect(status).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ file, operations: 1, problems: [{ count: 1 }] });
});

it("nothing that is written takes the place of a history, or of the trace that it is made of", async () => {
  const history = join(folder, "kept.sqlite");
  const trace = join(folder, "kept.ops.jsonl");
  await writeFile(trace, `${OPS_HEADER}${MAP}`);
  const other = join(folder, "other.sqlite");
  for (const each of [history, other]) await lab(["run", "commit-table", "--set", "size=16M", "--db", each]);
  const before = await readFile(history);
  const refused = async (args: readonly string[], why: RegExp) => {
    const { status, err } = await lab(args);
    expect({ status, err }, args.join(" ")).toEqual({ status: 2, err: expect.stringMatching(why) });
  };
  await refused(["import", trace, "--out", history], /kept\.sqlite: The file was not written: it is a history/);
  await refused(["import", trace, "--out", `${history}-wal`], /it is a history/);
  await refused(["export", "1", "--format", "csv", "--db", other, "--out", history], /it is a history/);
  await refused(["import", trace, "--out", trace], /it is the trace itself/);
  expect((await readFile(history)).equals(before)).toBe(true);
  expect(await readFile(trace, "utf8")).toBe(`${OPS_HEADER}${MAP}`);
});

it("what is imported is not kept back by a pipe that nobody reads", async () => {
  const trace = join(folder, "pipe.ops.jsonl");
  await writeFile(trace, `${OPS_HEADER}${MAP}`);
  execFileSync("mkfifo", [join(folder, "pipe")]);
  const { status, err } = await lab(["import", trace, "--out", join(folder, "pipe")]);
  expect({ status, err }).toEqual({ status: 2, err: expect.stringMatching(/nothing reads from this pipe/) });
});

it("an export that nobody reads on leaves nothing behind", async () => {
  const history = join(folder, "left.sqlite");
  const temporary = join(folder, "temporary");
  await mkdir(temporary);
  await lab(["run", "commit-table", "--set", "size=16M", "--db", history]);
  const command = 'set -o pipefail; "$0" "$1" export 1 --format json --db "$2" | true; echo $?';
  const { stdout } = spawnSync("bash", ["-c", command, process.execPath, CLI, history], {
    env: { ...process.env, TMPDIR: temporary, NODE_OPTIONS: "" },
    encoding: "utf8",
  });
  expect(stdout).toBe("0\n");
  expect((await readdir(temporary)).filter((name) => name.startsWith("reclaim-lab-"))).toEqual([]);
});

it("a choice of history that cannot be read is said, and no other one is written to in its place", async () => {
  const data = join(folder, "chosen");
  await mkdir(data);
  await writeFile(join(data, "history.json"), "{");
  const { status, err } = await lab(["run", "commit-table", "--set", "size=16M"], undefined, undefined, data);
  expect(status).not.toBe(0);
  expect(err).toMatch(
    /history\.json: Which history was chosen cannot be read: .*Remove the file to use history\.sqlite/,
  );
  expect(existsSync(join(data, "history.sqlite"))).toBe(false);
});

it("a scenario's file needs no dot in its name", async () => {
  await writeFile(join(folder, "own scenario"), "frobnicate\n");
  const { status, err } = await lab(["race", "own scenario"], undefined, folder);
  expect({ status, err }).toEqual({ status: 2, err: expect.stringContaining("own scenario:1: ") });
});

it("says what this machine has where the history cannot be opened, or not even told which it is", async () => {
  const data = join(folder, "odd data");
  await mkdir(join(data, "history.json"), { recursive: true });
  const asked = await lab(["doctor", "--json"], undefined, undefined, data);
  const other = await lab(["doctor", "--json", "--db", CLI]);
  for (const [{ status, out }, why] of [
    [asked, /history\.json: A settings file cannot be read/],
    [other, /not a Reclaim Lab history/],
  ] as const) {
    expect(status).toBe(0);
    const facts: { id: string; state: string; todo?: string }[] = JSON.parse(out);
    expect(facts.length).toBeGreaterThan(5);
    expect(facts.find(({ id }) => id === "history")).toMatchObject({
      state: "missing",
      todo: expect.stringMatching(why),
    });
  }
});

it("compares an experiment with one point of a sweep, and says which points there are", async () => {
  const mine = join(folder, "compared.sqlite");
  const ask = (...args: string[]) => lab([...args, "--db", mine]);
  await ask("run", "commit-table", "--set", "size=64M");
  await ask("sweep", "commit-table", "--param", "chunk", "--from", "512K", "--to", "4M", "--set", "size=64M");
  // Of a sweep `show` has a row for each value, as `sweep` printed it: its runs side by side would not tell their values.
  const shown = (await ask("show", "2")).out;
  expect(shown).toMatch(/^chunk +no reclaim +sync reclaim *$/m);
  expect(shown).toMatch(/^ *4M +172 KiB +5\d KiB +\d+(\.\d)? % less$/m);
  // A sweep's row tells all of its points, not the first one's tables beside the best one's saving.
  expect((await ask("list")).out).toMatch(/^ *2 .* 172 KiB +44 KiB to 172 KiB +0 % to 74\.4 % /m);
  const { out } = await ask("compare", "1", "2@1m", "2@2M");
  expect(out).toContain("2@1M: ");
  expect(out).toMatch(/^chunk +2M +1M +2M$/m);
  const { runs } = JSON.parse((await ask("compare", "1", "2@1M", "2@2M", "--json")).out);
  const { values } = runs
    .find(({ run }: { run: string }) => run === "model sync")
    .measures.find(({ name }: { name: string }) => name === "reclaimed");
  expect(values).toEqual([32, 0, 32]);
  const unnamed = await ask("compare", "1", "2");
  expect(unnamed.status).toBe(2);
  expect(unnamed.err).toContain("Experiment 2 is a sweep: say which of its points is meant. ");
  expect(unnamed.err).toContain("its points are 512K, 1M, 2M, 4M");
  expect((await ask("compare", "1", "2@3M")).err).toContain("Experiment 2 has no point chunk 3M");
  expect((await ask("compare", "1@2M", "2@1M")).err).toContain("Experiment 1 is not a sweep");
});

it("moves experiments to the trash and back", async () => {
  const mine = join(folder, "trash.sqlite");
  await lab(["run", "commit-table", "--set", "size=1G", "--db", mine]);
  expect((await lab(["delete", "1", "--db", mine])).out).toContain("1 experiment put in the trash");
  expect(JSON.parse((await lab(["list", "--json", "--db", mine])).out)).toEqual([]);
  expect((await lab(["restore", "1", "--db", mine])).out).toContain("1 experiment restored");
  expect(JSON.parse((await lab(["list", "--json", "--db", mine])).out)).toHaveLength(1);
});

it("keeps title, tags, notes and marks of an experiment", async () => {
  const mine = join(folder, "described.sqlite");
  const ask = async (...args: string[]) => (await lab([...args, "--db", mine])).out.trim();
  await lab(["run", "commit-table", "--set", "size=1G", "--db", mine]);
  expect(await ask("tag", "1", "first", "big")).toBe("big\nfirst");
  expect(await ask("tag", "1", "big", "--remove")).toBe("first");
  await ask("note", "1", "before the upgrade");
  expect(await ask("note", "1")).toBe("before the upgrade");
  expect(await ask("rename", "1", "Old kernel")).toBe("1: Old kernel");
  await ask("pin", "1");
  expect([await ask("list", "--shelf", "archive"), await ask("list", "--shelf", "trash")]).toEqual([
    "Nothing is archived.",
    "The trash is empty.",
  ]);
  await ask("archive", "1");
  expect(JSON.parse(await ask("list", "--shelf", "archive", "--json"))).toMatchObject([
    { title: "Old kernel", tags: ["first"], notes: "before the upgrade", pinned: true, archived: true },
  ]);
  const { status, err } = await lab(["rename", "1", " ", "--db", mine]);
  expect([status, err]).toEqual([2, expect.stringContaining("empty")]);
});

it("says what this machine has as JSON", async () => {
  const facts: { id: string; state: string }[] = JSON.parse((await lab(["doctor", "--json", "--db", db])).out);
  expect(facts.map(({ id }) => id)).toEqual(expect.arrayContaining(["kernel", "runtime", "history", "display"]));
  for (const { state } of facts) expect(["ok", "missing", "note"]).toContain(state);
});
