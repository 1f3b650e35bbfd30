/**
 * `npm run test:live-model`: programs are recorded to a point and looked at there; what the look counts as empty must be
 * what the model says of the recording. `-- WORD`: programs of such a name alone. As root, with perf. Programs that this machine lacks are left out, with a word.
 */
import { type ChildProcess, type StdioOptions, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "./lib/paths.ts";
import { runScript, say } from "./lib/say.ts";

interface Program {
  readonly name: string;
  /** Why it cannot be run here; null where it can. */
  readonly lacks: () => string | null;
  /** Starts it in a folder; ready to be recorded once it has said "ready". */
  readonly start: (folder: string) => ChildProcess;
  /** Makes it go to the point; done once it has said "done". */
  readonly go: (child: ChildProcess, folder: string) => void;
}

const has = (program: string): boolean => spawnSync("which", [program], { stdio: "ignore" }).status === 0;
const JEMALLOC = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
const TCMALLOC = "/usr/lib/x86_64-linux-gnu/libtcmalloc.so.4";

const line = (child: ChildProcess): void => void child.stdin?.write("go\n");
const STDIO: { readonly stdio: StdioOptions } = { stdio: ["pipe", "pipe", "inherit"] };

/** Blocks of some sizes, nearly all of them freed again in any order and given back in parts: no release covers a whole table. */
const PYTHON = `
import ctypes, sys, random
print("ready", flush=True)
sys.stdin.readline()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
draw = random.Random(1)
blocks = []
for i in range(60000):
    size = draw.choice((800, 3000, 9000))
    at = libc.malloc(size)
    libc.memset(at, 1, size)
    blocks.append(at)
draw.shuffle(blocks)
for part in range(20):
    for at in blocks[20 + part::20]: libc.free(at)
    if hasattr(libc, "malloc_trim"): libc.malloc_trim(0)
    if hasattr(libc, "MallocExtension_ReleaseFreeMemory"): libc.MallocExtension_ReleaseFreeMemory()
print("done", flush=True)
sys.stdin.readline()
`;

function python(preload?: string): Pick<Program, "start" | "go"> {
  return {
    start: () =>
      spawn("python3", ["-c", PYTHON], {
        ...STDIO,
        env: {
          ...process.env,
          ...(preload === undefined
            ? {}
            : { LD_PRELOAD: preload, MALLOC_CONF: "dirty_decay_ms:0", TCMALLOC_AGGRESSIVE_DECOMMIT: "1" }),
        },
      }),
    go: line,
  };
}

const pythonLacks = (preload?: string) => (): string | null =>
  !has("python3") ? "python3" : preload !== undefined && !existsSync(preload) ? preload : null;

const NODE = `
console.log("ready");
process.stdin.once("data", () => {
  let kept = [];
  for (let round = 0; round < 12; round++) {
    const all = Array.from({ length: 60000 }, (_, i) => ({ round, i, text: "x".repeat(20) + i }));
    kept.push(all.filter((_, i) => i % 997 === 0));
  }
  globalThis.kept = kept;
  globalThis.gc();
  console.log("done");
});`;

const PROGRAMS: readonly Program[] = [
  {
    name: "Redis, filled and flushed",
    lacks: () => (has("redis-server") && has("redis-cli") ? null : "redis"),
    start: (folder) => {
      const socket = join(folder, "redis.sock");
      const words = [
        "--port",
        "0",
        "--unixsocket",
        socket,
        "--save",
        "",
        "--dir",
        folder,
        "--logfile",
        join(folder, "log"),
      ];
      return spawn("sh", ["-c", 'echo ready; exec redis-server "$@"', "sh", ...words], STDIO);
    },
    go: (child, folder) => {
      const cli = `redis-cli -s ${join(folder, "redis.sock")}`;
      const script = "for i = 1, 400000 do redis.call('set', 'key:' .. i, string.rep('x', 200 + i % 300)) end";
      const fill = spawn(
        "sh",
        ["-c", `${cli} eval "${script}" 0 && ${cli} flushall && ${cli} memory purge && sleep 3`],
        {
          stdio: "ignore",
        },
      );
      fill.once("close", () => child.stdout?.emit("data", Buffer.from("done\n")));
    },
  },
  { name: "Python, glibc malloc, malloc_trim", lacks: pythonLacks(), ...python() },
  { name: "Python, jemalloc", lacks: pythonLacks(JEMALLOC), ...python(JEMALLOC) },
  { name: "Python, tcmalloc", lacks: pythonLacks(TCMALLOC), ...python(TCMALLOC) },
  {
    name: "Node, objects made and dropped",
    lacks: () => null,
    start: () => spawn(process.execPath, ["--expose-gc", "-e", NODE], STDIO),
    go: line,
  },
];

const CLI = [process.execPath, join(ROOT, "main", "cli.ts")] as const;

function lab(args: readonly string[]): string {
  const done = spawnSync(CLI[0], [CLI[1], ...args], { encoding: "utf8", maxBuffer: 1 << 28 });
  if (done.status !== 0) throw new Error(`${args[0]}: ${done.stderr}`);
  return done.stdout;
}

interface Outcome {
  readonly program: string;
  readonly events: string;
  readonly looked: { readonly min: number; readonly estimate: number; readonly max: number };
  readonly model: number;
  readonly vmpteKb: { readonly looked: number; readonly model: number };
}

async function compare(program: Program): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "live-model-"));
  const child = program.start(folder);
  try {
    const said = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
    const until = async (word: string): Promise<void> => {
      for await (const [text] of on(said)) if (text === word) return;
    };
    await until("ready");
    await sleep(1000);
    const out = join(folder, "capture");
    const capture = spawn(CLI[0], [CLI[1], "capture", "--pid", String(child.pid), "--out", out], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let err = "";
    let text = "";
    capture.stderr.on("data", (chunk) => {
      err += chunk;
    });
    capture.stdout.on("data", (chunk) => {
      text += chunk;
    });
    const readings = join(out, "vmpte.txt");
    while (!existsSync(readings) || statSync(readings).size === 0) {
      if (capture.exitCode !== null) throw new Error(err);
      await sleep(200);
    }
    await sleep(4000);
    const done = until("done");
    program.go(child, folder);
    await done;
    // What it still gives back by itself is recorded, too.
    await sleep(4000);
    capture.kill("SIGINT");
    if (capture.exitCode === null) await once(capture, "close");
    const looked = JSON.parse(lab(["inspect", String(child.pid), "--json"]));
    const kernel = join(folder, "kernel.json");
    writeFileSync(kernel, readFileSync(join(out, "kernel.json")));
    const run = JSON.parse(
      lab([
        "run",
        join(out, "events.txt.gz"),
        "--kernel",
        kernel,
        "--mode",
        "sync",
        "--db",
        join(folder, "h.sqlite"),
        "--json",
      ]),
    );
    const { final } = run.runs[0];
    return {
      program: program.name,
      events: /: ([\d,]+) lines/.exec(text)?.[1] ?? "?",
      looked: looked.tables.empty,
      model: final.empty_pte_tables,
      vmpteKb: { looked: looked.vmpte_kb, model: final.vmpte_kb },
    };
  } finally {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

async function* on(said: ReturnType<typeof createInterface>): AsyncGenerator<[string]> {
  for (;;) yield (await once(said, "line")) as [string];
}

await runScript(async () => {
  let wrong = 0;
  const only = process.argv[2];
  for (const program of PROGRAMS) {
    if (only !== undefined && !program.name.includes(only)) continue;
    const lacks = program.lacks();
    if (lacks !== null) {
      say(`${program.name}: left out, there is no ${lacks}`);
      continue;
    }
    const { looked, model, vmpteKb, events } = await compare(program);
    const same = looked.min <= model && model <= looked.max;
    if (!same) wrong++;
    const range =
      looked.min === looked.max ? String(looked.min) : `${looked.estimate} (${looked.min} to ${looked.max})`;
    say(
      `${program.name}: ${events} events; empty: looked at ${range}, model ${model}; VmPTE ${vmpteKb.looked} kB, model ${vmpteKb.model} kB${same ? "" : "  DIFFERS"}`,
    );
  }
  return wrong === 0 ? 0 : 1;
});
