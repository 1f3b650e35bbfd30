/**
 * `npm run docs:advice`: tries each advice of engine/experiment/allocator-settings.ts on this machine with `reclaim-lab try`, and
 * writes what came of it to docs/advice.md. What a program or library is missing for is left out, and said.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ALLOCATOR_SETTINGS } from "../engine/experiment/allocator-settings.ts";
import { formatDuration, formatKb } from "../engine/experiment/format.ts";
import type { TrialMedian, TrialVerdict } from "../engine/experiment/trial.ts";

const PAGE = new URL("../docs/advice.md", import.meta.url);
const CLI = fileURLToPath(new URL("../main/cli.ts", import.meta.url));
const SOURCES = fileURLToPath(new URL("./advice", import.meta.url));
const REPEAT = 3;

/** Why a trial cannot be made here. */
class Missing extends Error {}

const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-advice-"));

/** The first line of what a program says of itself; Missing where it is not there. */
function says(program: string, ...args: string[]): string {
  const found = spawnSync(program, args, { encoding: "utf8" });
  if (found.error) throw new Missing(`there is no ${program}`);
  return `${found.stdout}${found.stderr}`.trim().split("\n")[0];
}

/** A program of scripts/advice, compiled. */
function compiled(source: string): string {
  const out = join(folder, source.replaceAll(".", "-"));
  if (existsSync(out)) return out;
  const made = source.endsWith(".go")
    ? spawnSync("go", ["build", "-o", out, join(SOURCES, source)], { stdio: "inherit" })
    : spawnSync("cc", ["-O1", "-o", out, join(SOURCES, source)], { stdio: "inherit" });
  if (made.error || made.status !== 0) throw new Missing(`${source} cannot be compiled here`);
  return out;
}

/** The path of a shared library, by the cache of the dynamic linker. */
function library(name: string): string {
  const cache = execFileSync("/sbin/ldconfig", ["-p"], { encoding: "utf8" });
  const path = cache
    .split("\n")
    .find((line) => line.includes(name))
    ?.split("=> ")[1];
  if (path === undefined) throw new Missing(`there is no ${name}`);
  return path;
}

/** The version that jemalloc says in its statistics. */
function jemallocVersion(path: string): string {
  const { stderr } = spawnSync("/bin/true", [], {
    encoding: "utf8",
    env: { LD_PRELOAD: path, MALLOC_CONF: "stats_print:true" },
  });
  return /Version: "?([\d.]+)/.exec(stderr)?.[1] ?? "of no known version";
}

interface Trial {
  /** The advice, by its text (AllocatorSetting.setting). */
  readonly setting: string;
  readonly program: string;
  readonly version: string;
  readonly command: readonly string[];
  /** What the program has as it is. */
  readonly env: Readonly<Record<string, string>>;
  readonly tried: string;
}

/** How each advice is tried. A row of the table without one is said to be untried. */
const TRIALS: Readonly<Record<string, () => Omit<Trial, "setting">>> = {
  "MALLOC_CONF=background_thread:true": () => {
    const path = library("libjemalloc.so.2");
    return {
      program: "churn.c with jemalloc preloaded",
      version: `jemalloc ${jemallocVersion(path)}`,
      command: [compiled("churn.c")],
      env: { LD_PRELOAD: path },
      tried: "MALLOC_CONF=background_thread:true",
    };
  },
  "MEMORY PURGE of redis": () => ({
    program: "redis.sh",
    version: says("redis-server", "--version").replace(/^.*v=(\S+).*malloc=(\S+).*$/, "redis $1, $2"),
    command: [join(SOURCES, "redis.sh")],
    env: {},
    tried: "ADVICE=purge",
  }),
  "MALLOC_CONF=muzzy_decay_ms:0": () => {
    const path = library("libjemalloc.so.2");
    return {
      program: "churn.c with jemalloc preloaded, background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:-1",
      version: `jemalloc ${jemallocVersion(path)}`,
      command: [compiled("churn.c")],
      env: {
        LD_PRELOAD: path,
        MALLOC_CONF: "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:-1",
      },
      tried: "MALLOC_CONF=background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0",
    };
  },
  "GODEBUG=madvdontneed=1": () => ({
    program: "churn.go with madvdontneed=0",
    version: says("go", "version").replace(/^go version go(\S+).*$/, "Go $1"),
    command: [compiled("churn.go")],
    env: { GODEBUG: "madvdontneed=0" },
    tried: "GODEBUG=madvdontneed=1",
  }),
  "malloc_trim(0), called by the program at quiet moments": () => ({
    program: "churn.c",
    version: says("ldd", "--version").replace(/^.* (\S+)$/, "glibc $1"),
    command: [compiled("churn.c")],
    env: {},
    tried: "ADVICE=trim",
  }),
};

/** What was advised once, and is no more: it stays tried. */
const NOT_ADVISED = [{ allocator: "jemalloc", setting: "MEMORY PURGE of redis" }] as const;

interface Answer {
  readonly kernel: string;
  readonly baseline: { readonly median: TrialMedian };
  readonly settings: readonly (TrialVerdict & { readonly median: TrialMedian })[];
}

/** Variables of the program as it is: that which is tried comes from around `try`, which sets it; the others are of the program alone. */
function tryIt({ command, env, tried }: Omit<Trial, "setting">): Answer {
  const variable = tried.slice(0, tried.indexOf("="));
  const [own, around] = [true, false].map((isOwn) =>
    Object.entries(env).filter(([name]) => (name !== variable) === isOwn),
  );
  const words = ["try", "--db", join(folder, "history.sqlite"), "--json", "--repeat", String(REPEAT)];
  const text = execFileSync(
    process.execPath,
    [CLI, ...words, "--setting", `tried: ${tried}`, "--", "env", ...own.map((each) => each.join("=")), ...command],
    {
      encoding: "utf8",
      maxBuffer: 2 ** 26,
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...Object.fromEntries(around) },
    },
  );
  return JSON.parse(text) as Answer;
}

const cell = (text: string): string => text.replaceAll("|", "\\|");
const row = (...cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;

function tried(advice: { readonly allocator: string; readonly setting: string }): {
  readonly line: string;
  readonly kernel: string | null;
} {
  const make = TRIALS[advice.setting];
  const about = [advice.allocator, `\`${advice.setting}\``];
  if (make === undefined)
    return { line: row(...about, "", "", "not tried: no trial is written for it", "", "", "", ""), kernel: null };
  try {
    const trial = make();
    process.stderr.write(`${advice.setting}: ${REPEAT} times with and without\n`);
    const { kernel, baseline, settings } = tryIt(trial);
    const [found] = settings;
    const change = (of: (median: TrialMedian) => number, show: (value: number) => string): string =>
      `${show(of(baseline.median))} to ${show(of(found.median))}`;
    const cells = [
      ...about,
      trial.program,
      trial.version,
      `**${found.verdict}**: ${found.reason}`,
      change((median) => median.average_vmpte_kb, formatKb),
      change((median) => median.end_vmpte_kb, formatKb),
      change((median) => median.average_rss_kb, formatKb),
      change((median) => median.wall_ms, formatDuration),
    ];
    return { line: row(...cells), kernel };
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    return { line: row(...about, "", "", `not tried here: ${error.message}`, "", "", "", ""), kernel: null };
  }
}

try {
  const rows = ALLOCATOR_SETTINGS.map(tried);
  const others = NOT_ADVISED.map(tried);
  const kernel = rows.find((each) => each.kernel !== null)?.kernel ?? "none";
  const heads = [
    "allocator",
    "advice",
    "tried on",
    "version",
    "verdict",
    "VmPTE on average",
    "VmPTE at the end",
    "RSS on average",
    "time",
  ];
  writeFileSync(
    PAGE,
    `# Advice, tried

The advice of verdicts on traces, each tried with \`reclaim-lab try\`: the program unchanged and with the advice, in turns, ${REPEAT} times
each, on the running kernel (${kernel}). Numbers are medians: unchanged program to program with advice. \`npm run docs:advice\` rewrites this page; the programs
are in \`scripts/advice\`. Your program may differ: try it with \`reclaim-lab try -- PROGRAM\`.

${[row(...heads), row(...heads.map(() => "---")), ...rows.map(({ line }) => line)].join("\n")}

## Tried, and not advised

${[row(...heads), row(...heads.map(() => "---")), ...others.map(({ line }) => line)].join("\n")}

redis 7 turns on jemalloc's background threads by itself. Also not advised: gperftools' \`AGGRESSIVE_DECOMMIT=false\`, jemalloc's longer
\`dirty_decay_ms\` and \`narenas:1\` for redis, glibc's \`trim_threshold\`, which had no effect or did harm when tried. A setting that only a trial can judge is a
candidate for \`reclaim-lab try\`, without a promise.
`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
