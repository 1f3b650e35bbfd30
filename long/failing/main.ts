/**
 * The file calls that a command makes fail: opens, writes, syncs, renames, unlinks and ftruncates under its folder, one after
 * the other, with EIO, ENOSPC, EROFS and EBUSY; and the process is killed at each of them. Afterwards every experiment that
 * was there must be in a sound history, files that were there must be what they were or what they were to become, and the
 * user must have been told in words. Of many calls of one kind some are taken, evenly, the first and the last among them.
 *
 *     --only run,history  only commands whose names begin with one of these
 *     --docs              writes docs/faults.md, the table of what came of it
 */
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildFailingCalls,
  type ERRNO,
  FAILING_CALLS,
  type FailingCall,
  type Fault,
  meeting,
} from "../../db/failing-calls.ts";
import { openStore } from "../../db/store.ts";
import { newRun, rows, SPEC } from "../../db/testing.ts";
import { buildIfNeeded } from "../../scripts/lib/build.ts";
import { ROOT } from "../../scripts/lib/paths.ts";
import { runPart } from "../lib/part.ts";
import { textTable } from "../lib/table.ts";
import { COMMANDS, type Command, contentOf, FOLDER, takesNoHistory } from "./commands.ts";

const CLI = join(ROOT, "dist", "host", "cli.mjs");
/** Of a command that meets a fault; it takes a second. */
const MS_MAX = 60_000;
/** Of each kind of call of a command: which fail. A history restored makes a thousand writes, and each case starts the program. */
const PLACES_MAX = 8;
const SHORT_PLACES_MAX = 2;

/** Up to `most` of 1 to `count`, evenly spread, the first and the last among them. */
function placesOf(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, at) => at + 1);
  return Array.from({ length: most }, (_, at) => 1 + Math.round((at * (count - 1)) / (most - 1)));
}

type Errno = keyof typeof ERRNO;
const ERRNOS: readonly Errno[] = ["EIO", "ENOSPC", "EROFS", "EBUSY"];

interface Seen {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly err: string;
  readonly out: string;
}

function fill(file: string, titles: readonly string[]): void {
  const store = openStore(file);
  for (const title of titles) {
    const { id } = store.createExperiment({ ...SPEC, title });
    for (const mode of ["sync", "none"] as const) {
      const run = store.startRun(id, newRun(mode));
      store.appendSamples(run.id, rows(0, 300));
      store.finishRun(run.id, { status: "done" });
    }
    if (title === "put away") store.trash([id]);
  }
  store.close();
}

/** The titles of a sound history, in the trash or not; throws in words where it is none. */
function titlesOf(file: string): string[] {
  const store = openStore(file);
  try {
    const { ok, problems } = store.check();
    if (!ok) throw new Error(problems[0]);
    return (["active", "archive", "trash"] as const).flatMap((shelf) =>
      store.list({ shelf }).rows.map(({ title }) => title),
    );
  } finally {
    store.close();
  }
}

function lab(command: Command, folder: string, env: NodeJS.ProcessEnv): Promise<Seen> {
  const at = (name: string) => join(folder, name);
  const args = [...command.args(at), ...(takesNoHistory(command) ? [] : ["--db", at("history.sqlite")])];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], {
      env: { ...env, RECLAIM_LAB_DATA: at("data") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = { out: "", err: "" };
    child.stdout.on("data", (chunk: Buffer) => {
      said.out += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      said.err += chunk.toString();
    });
    const limit = setTimeout(() => child.kill("SIGKILL"), MS_MAX);
    child.once("error", reject);
    child.once("close", (status, signal) => {
      clearTimeout(limit);
      resolve({ status, signal, ...said });
    });
  });
}

/** The last thing that the user was told, without what differs from run to run. */
function words({ err }: Seen, folder: string): string {
  const line =
    err
      .split("\n")
      .filter((each) => each.startsWith("reclaim-lab: "))
      .at(-1) ?? "";
  return line
    .replace("reclaim-lab: ", "")
    .replaceAll(`${folder}/`, "")
    .replaceAll(folder, "FOLDER")
    .replace(/\d{8}T\d{6}Z/g, "TIME")
    .replace(/\.rl-[^\s:]*/g, "");
}

/** What is not as it must be afterwards. */
function faultsOf(
  command: Command,
  folder: string,
  seen: Seen,
  errno: Errno,
  whole: string | null,
  before: string | null,
): string[] {
  const found: string[] = [];
  const killed = errno === "killed";
  if (!killed) {
    if (seen.status === null) found.push(`it ended by ${seen.signal}`);
    else if (seen.status > 2) found.push(`exit status ${seen.status}`);
    if (/^\s+at .*:\d+/m.test(seen.err)) found.push("a stack trace");
    if (/internal error/.test(seen.err)) found.push("an internal error");
    if (seen.status !== 0 && words(seen, folder) === "" && !/failed/.test(seen.out))
      found.push(`nothing was said: ${seen.err.slice(-200)}`);
  }
  const held = new Map<string, readonly string[]>();
  for (const name of readdirSync(folder).filter((each) => each.endsWith(".sqlite") && !each.startsWith(".")))
    try {
      held.set(name, titlesOf(join(folder, name)));
    } catch (error) {
      found.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  const all = new Set([...held.values()].flat());
  const mine = held.get("history.sqlite") ?? [];
  for (const title of FOLDER["history.sqlite"]) {
    const mayGo = command.takesAway?.includes(title) ?? false;
    // What was replaced is in the copy that was kept; what was purged was to go, and what has a new title has that.
    const elsewhere = command.name === "history restore" ? all.has(title) : true;
    if (!mine.includes(title) && !(mayGo && elsewhere)) found.push(`“${title}” is lost`);
  }
  for (const name of ["backup.sqlite", "other.sqlite"] as const)
    for (const title of FOLDER[name]) if (!held.get(name)?.includes(title)) found.push(`${name}: “${title}” is lost`);
  if (seen.status === 0 && !killed)
    for (const title of command.adds ?? [])
      if (!mine.includes(title)) found.push(`it says that it is done, and “${title}” is not there`);
  if (command.makes !== undefined) {
    const now = contentOf(folder, command.makes);
    if (now !== before && now !== whole)
      found.push(`${command.makes} is neither what it was nor what it was to become`);
    if (seen.status === 0 && !killed && now !== whole)
      found.push(`it says that it is done, and ${command.makes} is not`);
  }
  return found;
}

/** The table as a document. */
function document(table: readonly Line[], lost: readonly string[], cases: number, most: number): string {
  const cell = (text: string | number) => String(text).replaceAll("|", "\\|");
  const rows = table.map((line) => `| ${[...line.slice(0, 7), line[7] || "–"].map(cell).join(" | ")} |`);
  return [
    "# When file calls fail",
    "",
    "What commands that write left behind and printed when one of their file calls failed, or the process was killed at it. Written by",
    "`npm run test:faults -- --docs`, from a run of this code: each line is a command, a kind of call, and the error or kill injected there.",
    `*Calls* is how many calls of this kind the command makes; of more than ${most}, that many evenly spaced ones were used, each with one of the`,
    "errors in turn; fewer were used with every error. *Failed* is how often the exit status was not 0; *lost*, how often an earlier experiment",
    "or file was gone or damaged, something other than a message was printed, or success was reported wrongly.",
    "",
    `${cases} faults, ${lost.length} with something lost.`,
    "",
    ...lost.map((line) => `- ${line}`),
    "| command | call | error | calls | tried | failed | lost | message |",
    "|---|---|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

type Line = readonly [string, string, string, number, number, number, number, string];

await runPart(
  "failing",
  async ({ short, say, out, values }) => {
    const library = buildFailingCalls();
    if (library === null)
      return { ok: false, summary: "Linux and a C compiler are needed: calls are made to fail by a library" };
    buildIfNeeded();
    const work = realpathSync(mkdtempSync(join(tmpdir(), "reclaim-lab-failing-")));
    const origin = join(work, "origin");
    mkdirSync(origin);
    for (const [name, titles] of Object.entries(FOLDER)) fill(join(origin, name), titles);
    writeFileSync(join(origin, "trace.strace"), readFileSync(join(ROOT, "long", "fuzz", "corpus", "strace.txt")));
    let next = 0;
    /** A folder of its own, as the command finds it. */
    const fresh = (command: Command): string => {
      const folder = join(work, String(next++));
      cpSync(origin, folder, { recursive: true });
      command.prepare?.((name) => join(folder, name));
      return folder;
    };
    const most = short ? SHORT_PLACES_MAX : PLACES_MAX;
    const table: Line[] = [];
    const lost: string[] = [];
    let cases = 0;

    async function plan(command: Command, call: FailingCall): Promise<number> {
      const folder = fresh(command);
      const count = join(work, `${next}.count`);
      await lab(command, folder, meeting(library?.path ?? "", { call, errno: "EIO", at: 0, under: folder, count }));
      const calls = existsSync(count) ? Number(readFileSync(count, "utf8")) : 0;
      rmSync(folder, { recursive: true, force: true });
      return calls;
    }

    /** As far as it is: a long run may be broken off. */
    const keep = (): void => {
      const heads = ["command", "call", "with", "calls", "tried", "failed", "lost", "what was said"];
      writeFileSync(join(out, "table.txt"), `${textTable(heads, table)}\n`);
      writeFileSync(join(out, "lost.txt"), lost.map((line) => `${line}\n`).join(""));
      const page = document(table, lost, cases, most);
      writeFileSync(join(out, "faults.md"), page);
      if (values.docs === true) writeFileSync(join(ROOT, "docs", "faults.md"), page);
    };

    const only = typeof values.only === "string" ? values.only.split(",") : [""];
    const commands = COMMANDS.filter(({ name }) => only.some((start) => name.startsWith(start)));
    for (const command of commands) {
      const good = fresh(command);
      const before = command.makes === undefined ? null : contentOf(good, command.makes);
      const first = await lab(command, good, process.env);
      if (first.status !== 0) throw new Error(`${command.name} fails without any fault: ${first.err}`);
      const whole = command.makes === undefined ? null : contentOf(good, command.makes);
      rmSync(good, { recursive: true, force: true });
      for (const call of FAILING_CALLS) {
        const calls = await plan(command, call);
        const places = placesOf(calls, most);
        const todo: { readonly at: number; readonly errno: Errno; readonly on: "once" | "on" }[] = [];
        for (const [nth, at] of places.entries()) {
          const all = places.length < calls || short ? [ERRNOS[nth % ERRNOS.length] ?? "EIO"] : ERRNOS;
          for (const errno of all) todo.push({ at, errno, on: "once" });
          todo.push({ at, errno: "killed", on: "once" });
          if (nth % 4 === 0) todo.push({ at, errno: "EIO", on: "on" });
        }
        const told = new Map<Errno, { tried: number; failed: number; lost: number; words: string }>();
        const worker = async (): Promise<void> => {
          for (let each = todo.shift(); each !== undefined; each = todo.shift()) {
            const folder = fresh(command);
            const fault: Fault = { call, ...each, under: folder };
            const seen = await lab(command, folder, meeting(library.path, fault));
            const found = faultsOf(command, folder, seen, each.errno, whole, before);
            cases++;
            const line = told.get(each.errno) ?? { tried: 0, failed: 0, lost: 0, words: "" };
            line.tried++;
            if (seen.status !== 0) line.failed++;
            if (line.words === "") line.words = each.errno === "killed" ? "" : words(seen, folder);
            if (found.length > 0) {
              line.lost++;
              lost.push(`${command.name}: ${call} ${each.at} ${each.errno} ${each.on}: ${found.join("; ")}`);
              say(`  FAIL ${lost.at(-1)}`);
            }
            told.set(each.errno, line);
            rmSync(folder, { recursive: true, force: true });
          }
        };
        await Promise.all(Array.from({ length: availableParallelism() }, worker));
        for (const [errno, line] of told)
          table.push([command.name, call, errno, calls, line.tried, line.failed, line.lost, line.words]);
        say(`  ${command.name}: ${call}: ${calls} calls`);
      }
      keep();
    }
    library.remove();
    rmSync(work, { recursive: true, force: true });
    return {
      ok: lost.length === 0,
      summary: `${cases} faults over ${commands.length} commands: ${lost.length} with something lost or nothing said (${join("test-results", "long", "failing", "table.txt")})`,
    };
  },
  { only: { type: "string" }, docs: { type: "boolean" } },
);
