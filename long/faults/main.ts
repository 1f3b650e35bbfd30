/**
 * The faults of the world, made for real: a full disk (a small tmpfs), a read-only file system, a file that another
 * process holds locked, window and command line writing at once, two windows, files that are not sound. Each must end
 * in words that say what to do, with nothing of what was stored before lost, and no half-written export.
 * Root and Linux: it mounts. What users see goes into the table.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { buildIfNeeded } from "../../scripts/lib/build.ts";
import { electronSwitches } from "../../scripts/lib/display.ts";
import { findElectron } from "../../scripts/lib/electron-runtime.ts";
import { ROOT } from "../../scripts/lib/paths.ts";
import { startDisplay } from "../../scripts/lib/xvfb.ts";
import { Ledger } from "../kill/ledger.ts";
import { startWindow, until } from "../lib/cdp.ts";
import { runPart } from "../lib/part.ts";
import { textTable } from "../lib/table.ts";

interface Seen {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

const CLI = join(ROOT, "dist", "host", "cli.mjs");

function lab(...args: readonly string[]): Seen {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

function mustMount(...args: readonly string[]): void {
  const done = spawnSync("mount", args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`mount ${args.join(" ")}: ${done.stderr}`);
}

/** The last line that says something, as the user reads it. */
function words({ err }: Seen): string {
  return (
    err
      .trim()
      .split("\n")
      .filter((line) => line.startsWith("reclaim-lab:"))
      .at(-1)
      ?.replace("reclaim-lab: ", "") ?? err.trim().slice(-200)
  );
}

const FILL_TRIES_MAX = 20;

await runPart("faults", async ({ say, out }) => {
  if (process.getuid?.() !== 0)
    return { ok: false, summary: "root is needed: a full disk and a read-only one are mounted" };
  const electron = await findElectron();
  buildIfNeeded();
  const work = mkdtempSync(join(tmpdir(), "reclaim-lab-faults-"));
  const mounted: string[] = [];
  const rows: [string, string, string][] = [];
  let failed = 0;
  const note = (fault: string, saw: string, found: readonly string[]) => {
    const problems = [...found, ...(saw.trim() === "" ? ["the user is told nothing"] : [])];
    if (problems.length > 0) failed++;
    const verdict = problems.length === 0 ? "nothing lost" : problems.join("; ");
    rows.push([fault, saw, verdict]);
    say(`  ${problems.length === 0 ? "ok  " : "FAIL"} ${fault}: ${saw}${problems.length === 0 ? "" : ` (${verdict})`}`);
  };
  /** What every refusal must be: a status, words, no stack trace. */
  const manners = (seen: Seen, pattern: RegExp): string[] => [
    ...(seen.status === 0 || seen.status === null ? [`exit status ${seen.status}`] : []),
    ...(pattern.test(seen.err + seen.out) ? [] : [`says: ${words(seen)}`]),
    ...(/^\s+at /m.test(seen.err) ? ["a stack trace"] : []),
  ];
  const quick = ["run", "commit-table", "--set", "size=1G", "--json", "--db"];
  const fresh = (folder: string): { file: string; ledger: Ledger } => {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "history.sqlite");
    const made = lab(...quick, file);
    if (made.status !== 0) throw new Error(`no history could be made in ${folder}: ${made.err}`);
    const ledger = new Ledger(file);
    ledger.check();
    return { file, ledger };
  };
  try {
    const disk = join(work, "disk");
    mkdirSync(disk);
    mustMount("-t", "tmpfs", "-o", "size=8m", "tmpfs", disk);
    mounted.push(disk);
    const full = fresh(disk);
    const free = () =>
      Number(spawnSync("df", ["-k", "--output=avail", disk], { encoding: "utf8" }).stdout.split("\n")[1]);
    const fill = () => {
      for (let tries = 1; ; tries++)
        try {
          rmSync(join(disk, "filler"), { force: true });
          return writeFileSync(join(disk, "filler"), Buffer.alloc(Math.max(0, free() - 120) * 1024));
        } catch (error) {
          // A window that keeps its things there has written meanwhile.
          if (tries === FILL_TRIES_MAX) throw error;
        }
    };
    fill();
    const inRun = [
      ["disk full, in a run", lab("run", "commit-table", "--db", full.file)],
      ["disk full, in a run (--json)", lab("run", "commit-table", "--db", full.file, "--json")],
    ] as const;
    const exported = lab("export", "1", "--format", "html", "--out", join(disk, "x.html"), "--db", full.file);
    const half = existsSync(join(disk, "x.html")) ? ["a half-written export"] : [];
    rmSync(join(disk, "filler"));
    for (const [fault, seen] of inRun)
      note(fault, words(seen) || (/^.*: failed: .*$/m.exec(seen.out)?.[0] ?? ""), [
        ...manners(seen, /disk is full.*Free some space/),
        ...full.ledger.check().problems,
      ]);
    note("disk full, in an export", words(exported), [...manners(exported, /space|full/i), ...half]);
    const after = lab(...quick, full.file);
    note("room again", `status ${after.status}`, after.status === 0 ? full.ledger.check().problems : [after.err]);

    const locked = fresh(join(work, "read-only"));
    mustMount("--bind", join(work, "read-only"), join(work, "read-only"));
    mounted.push(join(work, "read-only"));
    mustMount("-o", "remount,ro,bind", join(work, "read-only"));
    const readOnly = lab(...quick, locked.file);
    note("folder is read-only", words(readOnly), manners(readOnly, /cannot be written.*read-only/i));
    spawnSync("umount", [join(work, "read-only")]);
    mounted.pop();
    note("writable again", "opened", locked.ledger.check().problems);

    const held = fresh(join(work, "held"));
    const holder = new Database(held.file);
    holder.exec("BEGIN EXCLUSIVE");
    const busy = lab(...quick, held.file);
    holder.exec("ROLLBACK");
    holder.close();
    note("another program holds the file", words(busy), [...manners(busy, /in use/i), ...held.ledger.check().problems]);

    for (const [fault, pattern, harm] of [
      [
        "not a database",
        /not a Reclaim Lab history/,
        (file: string) => writeFileSync(file, "to do: buy milk\n".repeat(500)),
      ],
      [
        "another program's database",
        /not a Reclaim Lab history/,
        (file: string) => {
          rmSync(file);
          const db = new Database(file);
          db.exec("CREATE TABLE milk (x)");
          db.close();
        },
      ],
      [
        "a newer version's",
        /newer/,
        (file: string) => {
          const db = new Database(file);
          db.pragma("user_version = 999");
          db.close();
        },
      ],
      ["cut off", /damaged/, (file: string) => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ] as const) {
      const { file } = fresh(join(work, fault.replaceAll(/\W/g, "-")));
      harm(file);
      const before = readFileSync(file);
      const seen = lab("list", "--db", file);
      note(`file is ${fault}`, words(seen), [
        ...manners(seen, pattern),
        ...(readFileSync(file).equals(before) ? [] : ["the file was changed"]),
      ]);
    }

    const both = fresh(join(work, "both"));
    const writers = Array.from({ length: 3 }, () =>
      spawn(process.execPath, [CLI, "run", "commit-table", "--db", both.file, "--json"], { stdio: "ignore" }),
    );
    const display = await startDisplay();
    try {
      const switches = electronSwitches().filter((each) => each !== "--disable-gpu");
      const env = { ...process.env, DISPLAY: display.name, RECLAIM_LAB_DATA: join(work, "both") };

      const small = await startWindow(electron.executable, [...switches, ROOT], { ...env, RECLAIM_LAB_DATA: disk });
      fill();
      await small.page
        .call("experiment.start", { workload: { kind: "preset", name: "commit-table", params: {} } })
        .catch(() => undefined);
      const told = await until("the window to say that the disk is full", async () => {
        const seen = await small.page.evaluate<string>("document.body.innerText");
        return /[^\n]*disk is full[^\n]*/i.exec(seen)?.[0];
      }).catch(() => "");
      await small.page.screenshot(join(out, "full.png"));
      rmSync(join(disk, "filler"));
      const status = await until("the run's end to be stored, there being room again", async () => {
        const { rows } = await small.page.call<{ rows: { runs: { status: string }[] }[] }>("history.list", {});
        const ends = rows.flatMap((row) => row.runs.map((run) => run.status));
        return ends.some((each) => each === "running" || each === "queued") ? undefined : ends.join(", ");
      }).catch(String);
      await small.stop();
      note("disk full, in a run of the window", told, full.ledger.check().problems);
      note("room again, in the window", status, /vain/.test(status) ? [status] : []);

      const window = await startWindow(electron.executable, [...switches, ROOT], env);
      await window.page.call("experiment.start", { workload: { kind: "preset", name: "commit-table", params: {} } });
      const ends = await Promise.all(
        writers.map(async (each) => (each.exitCode === null ? (await once(each, "exit"))[0] : each.exitCode)),
      );
      const total = await until("all runs to end", async () => {
        const page = await window.page.call<{ total: number; rows: { runs: { status: string }[] }[] }>(
          "history.list",
          {},
        );
        return page.rows.every((row) => row.runs.every((run) => run.status === "done")) ? page.total : undefined;
      });
      const second = spawn(electron.executable, [...switches, "--disable-gpu", ROOT], { env, stdio: "ignore" });
      const [code] = await once(second, "exit");
      await window.page.screenshot(join(out, "window.png"));
      await window.stop();
      note("window and three command lines at once", `${total} experiments, all done`, [
        ...(ends.every((end) => end === 0) ? [] : [`ends ${ends.join(", ")}`]),
        ...(total === 5 ? [] : [`${total} experiments instead of 5`]),
        ...both.ledger.check().problems,
      ]);
      note("a second window", `the first comes to the front; status ${code}`, code === 0 ? [] : [`status ${code}`]);

      const foreign = join(work, "foreign");
      mkdirSync(foreign);
      writeFileSync(join(foreign, "history.sqlite"), "to do: buy milk\n".repeat(500));
      const shown = await startWindow(electron.executable, [...switches, ROOT], { ...env, RECLAIM_LAB_DATA: foreign });
      const text = await until("the window to say what is wrong", async () => {
        const seen = await shown.page.evaluate<string>("document.body.innerText");
        return /not a Reclaim Lab history/.test(seen) ? seen : undefined;
      }).catch(() => "");
      await shown.page.screenshot(join(out, "foreign.png"));
      await shown.stop();
      note(
        "the window over a foreign file",
        /[^\n]*not a Reclaim Lab history[^\n]*/.exec(text)?.[0] ?? "nothing",
        text === "" ? ["the window does not say so"] : [],
      );
    } finally {
      display.close();
    }
    const strays = readdirSync(join(work, "both")).filter((name) => /\.tmp$/.test(name));
    note("nothing left lying about", strays.join(", ") || "no temporary files", strays);
  } finally {
    for (const folder of mounted.reverse()) spawnSync("umount", ["--lazy", folder]);
    rmSync(work, { recursive: true, force: true });
  }
  const text = textTable(["fault", "what the user sees", "afterwards"], rows);
  writeFileSync(join(out, "table.txt"), `${text}\n`);
  return { ok: failed === 0, summary: `${rows.length - failed} of ${rows.length} faults end as they should` };
});
