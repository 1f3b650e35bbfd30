/**
 * The packages, tried as people meet them: the .deb is installed in a fresh Debian (its dependencies resolved by apt),
 * the tar.gz unpacked in the home of a user there. Each is started under a virtual display by that user, with
 * Chromium's sandbox on; an experiment is run, the program restarted, the history found again, fuses read back and
 * tried, and the .deb removed without a trace.
 *
 *     --built        the packages in release/ are taken as they are
 *     --keep         the fresh system is kept, and its folder said
 *     --root FOLDER  a system that was kept is used again
 */

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../../scripts/lib/paths.ts";
import { type Display, startDisplay } from "../../scripts/lib/xvfb.ts";
import { DEB_FILE, NAME, TAR_FILE, VERSION } from "../../scripts/package/about.ts";
import { FUSES_WANTED, readFuses } from "../../scripts/package/fuses.ts";
import { startWindow, until } from "../lib/cdp.ts";
import { type PartOptions, runPart } from "../lib/part.ts";
import { textTable } from "../lib/table.ts";
import { FreshDebian } from "./place.ts";

interface Check {
  readonly what: string;
  readonly seen: string;
  readonly ok: boolean;
}

/** A page's experiments, as far as these tests look. */
interface History {
  readonly total: number;
  readonly rows: readonly {
    id: number;
    runs: readonly { status: string; mode: string; summary: { final: { vmpte_kb: number } } | null }[];
  }[];
}

const EXPECTED_KB: Readonly<Record<string, number>> = { sync: 240, none: 102_640 };

function isDone(history: History): boolean {
  return history.rows.length > 0 && history.rows.every((row) => row.runs.every((run) => run.status === "done"));
}

/** Everything that a package must do, whichever it is. `folder`: where the program lies, inside the fresh system. */
async function tryProgram(
  name: string,
  debian: FreshDebian,
  command: string,
  folder: string,
  display: Display,
  { out, say }: PartOptions,
): Promise<Check[]> {
  const checks: Check[] = [];
  const check = (what: string, seen: string, ok: boolean) => {
    checks.push({ what: `${name}: ${what}`, seen, ok });
    say(`  ${ok ? "ok  " : "FAIL"} ${name}: ${what}: ${seen}`);
  };
  const data = `/home/lab/data-${name}`;
  const env = { DISPLAY: display.name, RECLAIM_LAB_DATA: data };

  const version = debian.run("lab", [command, "--version"], env);
  check("--version", version.stdout.trim(), version.stdout.trim() === VERSION);
  const help = debian.run("lab", [command, "--help"], env);
  check("--help", `${help.stdout.split("\n").length} lines`, help.status === 0 && help.stdout.includes("Commands:"));
  const bad = debian.run("lab", [command, "run", "nonsense"], env);
  check(
    "bad usage",
    `status ${bad.status}, ${bad.stderr.trim().split("\n")[0]}`,
    bad.status === 2 && !/^\s+at /m.test(bad.stderr),
  );
  const run = debian.run("lab", [command, "run", "commit-table", "--json"], env);
  const finals =
    run.status === 0 ? (JSON.parse(run.stdout) as { runs: { mode: string; final: { vmpte_kb: number } }[] }).runs : [];
  check(
    "run commit-table",
    finals.map((each) => `${each.mode} ${each.final.vmpte_kb} kB`).join(", ") || run.stderr.trim(),
    finals.length === 2 && finals.every((each) => each.final.vmpte_kb === EXPECTED_KB[each.mode]),
  );
  for (const format of ["csv", "png", "svg", "html"]) {
    const file = `/home/lab/${name}.${format}`;
    const wrote = debian.run("lab", [command, "export", "1", "--format", format, "--out", file], env);
    check(
      `export ${format}`,
      wrote.stderr.trim() || "written",
      wrote.status === 0 && existsSync(join(debian.root, file)),
    );
  }
  const doctor = debian.run("lab", [command, "doctor", "--json"], env);
  check("doctor", `status ${doctor.status}`, doctor.status === 0 && doctor.stdout.trim().startsWith("["));
  const probe = join(debian.root, folder, "resources/app.asar.unpacked/probe/bin/reclaim-probe");
  check("probe", existsSync(probe) ? "shipped, built" : "missing", existsSync(probe));

  const [program, args] = debian.starting("lab", [command, "window"], env);
  const first = await startWindow(program, args);
  const found = await first.page.call<History>("history.list", {});
  check(
    "the window shows the command line's experiment",
    `${found.total} in the history`,
    found.total === 1 && isDone(found),
  );
  await first.page.call("experiment.start", { workload: { kind: "preset", name: "commit-table", params: {} } });
  const both = await until("the window's run to end", async () => {
    const now = await first.page.call<History>("history.list", {});
    return now.total === 2 && isDone(now) ? now : undefined;
  });
  const kilobytes = both.rows[0]?.runs.map((each) => `${each.mode} ${each.summary?.final.vmpte_kb} kB`) ?? [];
  check(
    "a run from the window",
    kilobytes.join(", "),
    both.rows[0]?.runs.every((each) => each.summary?.final.vmpte_kb === EXPECTED_KB[each.mode]) ?? false,
  );
  await sleep(1000);
  await first.page.screenshot(join(out, `${name}.png`));
  const sandboxed = await first.page.evaluate<string>("typeof process + typeof require");
  check("no Node in the page", sandboxed, sandboxed === "undefinedundefined");
  const processes = spawnSync("ps", ["-eo", "pid,ppid,args"], { encoding: "utf8" }).stdout.split("\n");
  const ours = processes.filter((line) => line.includes("reclaim-lab-window"));
  check(
    "Chromium's sandbox is on",
    `${ours.length} processes, ${ours.filter((line) => line.includes("--no-sandbox")).length} without`,
    ours.length > 0 && ours.every((line) => !line.includes("--no-sandbox")),
  );
  const second = debian.run("lab", [command, "window", "--disable-gpu"], env);
  check("a second start leaves the first alone", `status ${second.status}`, second.status === 0);
  const ended = await first.stop();
  check("closed in order", `status ${ended}`, ended === 0);

  const again = await startWindow(program, args);
  const kept = await again.page.call<History>("history.list", {});
  check("history kept over a restart", `${kept.total} experiments`, kept.total === 2 && isDone(kept));
  await again.stop();

  const executable = join(debian.root, folder, "reclaim-lab-window");
  const fuses = await readFuses(executable);
  const wrong = Object.entries(FUSES_WANTED).filter(([fuse, on]) => fuses[fuse as keyof typeof fuses] !== on);
  check(
    "fuses read back",
    wrong.length === 0 ? `all ${Object.keys(FUSES_WANTED).length} as wanted` : JSON.stringify(fuses),
    wrong.length === 0,
  );
  const asNode = debian.run(
    "lab",
    ["timeout", "5", `${folder}/reclaim-lab-window`, "--disable-gpu", "-e", "console.log('as node')"],
    {
      RECLAIM_LAB_DATA: "/home/lab/data-fuses",
      ELECTRON_RUN_AS_NODE: "1",
    },
  );
  check("ELECTRON_RUN_AS_NODE is without effect", `status ${asNode.status}`, !asNode.stdout.includes("as node"));
  writeFileSync(join(debian.root, "home/lab/option.cjs"), "console.log('required by NODE_OPTIONS')\n");
  const required = debian.run("lab", ["timeout", "5", `${folder}/reclaim-lab-window`, "--disable-gpu", "--inspect=0"], {
    ...env,
    RECLAIM_LAB_DATA: "/home/lab/data-fuses",
    NODE_OPTIONS: "--require /home/lab/option.cjs",
  });
  const leaked = /required by NODE_OPTIONS|Debugger listening/.exec(`${required.stdout}${required.stderr}`)?.[0];
  check("NODE_OPTIONS and --inspect are without effect", leaked ?? "nothing of them", leaked === undefined);
  return checks;
}

function listDifference(before: Set<string>, after: Set<string>): string[] {
  return [
    ...[...after].filter((each) => !before.has(each)).map((each) => `+${each}`),
    ...[...before].filter((each) => !after.has(each)).map((each) => `-${each}`),
  ];
}

await runPart(
  "packages",
  async (options) => {
    const { out, say, values } = options;
    const why = FreshDebian.missing();
    if (why !== null) return { ok: false, summary: `a fresh Debian is needed to try the packages in: ${why}` };
    if (values.built !== true) {
      say("building the packages");
      const made = spawnSync(process.execPath, [join(ROOT, "scripts", "package.ts"), "--allow-unsupported-electron"], {
        encoding: "utf8",
        cwd: ROOT,
      });
      say(made.stderr.trim());
      if (made.status !== 0) return { ok: false, summary: "the packages could not be built" };
    }
    const work = mkdtempSync(join(tmpdir(), "reclaim-lab-packages-"));
    const ready = typeof values.root === "string" ? values.root : null;
    const debian = new FreshDebian(ready ?? join(work, "root"));
    const display = await startDisplay();
    const checks: Check[] = [];
    const check = (what: string, seen: string, ok: boolean) => {
      checks.push({ what, seen, ok });
      say(`  ${ok ? "ok  " : "FAIL"} ${what}: ${seen}`);
    };
    try {
      if (ready === null) {
        say("making a fresh Debian");
        debian.make(join(out, "debootstrap.txt"));
      }
      const deb = `/tmp/${basename(DEB_FILE)}`;
      copyFileSync(DEB_FILE, join(debian.root, deb));
      debian.must("root", ["apt-get", "install", "-y", "-qq", "--no-install-recommends", deb, "desktop-file-utils"]);
      check("deb: apt resolves what it depends on", "installed", true);
      debian.must("root", ["dpkg", "--purge", NAME]);
      const before = debian.files();
      debian.must("root", ["dpkg", "--install", deb]);
      const entry = debian.run("root", ["desktop-file-validate", "/usr/share/applications/reclaim-lab.desktop"]);
      check("deb: menu entry", entry.stdout.trim() || "valid", entry.status === 0 && entry.stdout.trim() === "");
      const globs = debian.must("root", ["cat", "/usr/share/mime/globs2"]);
      check(
        "deb: file type of *.ops.jsonl",
        /^.*ops\.jsonl$/m.exec(globs)?.[0] ?? "missing",
        globs.includes("x-reclaim-lab-ops:*.ops.jsonl"),
      );
      const opener = debian.must("root", ["cat", "/usr/share/applications/mimeinfo.cache"]);
      check(
        "deb: opens them",
        /^application\/x-reclaim.*$/m.exec(opener)?.[0] ?? "no",
        opener.includes("x-reclaim-lab-ops=reclaim-lab.desktop"),
      );
      const owned = debian.must("root", ["dpkg", "--listfiles", NAME]);
      for (const path of [
        "/usr/bin/reclaim-lab",
        "/usr/share/man/man1/reclaim-lab.1.gz",
        "/usr/share/icons/hicolor/scalable/apps/reclaim-lab.svg",
        `/opt/${NAME}/LICENSES.txt`,
        `/usr/share/doc/${NAME}/copyright`,
      ])
        check(`deb: ${path}`, owned.includes(path) ? "there" : "missing", owned.split("\n").includes(path));
      checks.push(...(await tryProgram("deb", debian, "reclaim-lab", `/opt/${NAME}`, display, options)));
      debian.must("root", ["dpkg", "--purge", NAME]);
      const left = listDifference(before, debian.files());
      check("deb: nothing left after it is removed", left.slice(0, 5).join(" ") || "nothing", left.length === 0);

      copyFileSync(TAR_FILE, join(debian.root, "tmp/program.tar.gz"));
      debian.must("lab", ["tar", "-xzf", "/tmp/program.tar.gz", "-C", "/home/lab"]);
      const folder = `/home/lab/${NAME}-${VERSION}`;
      checks.push(...(await tryProgram("tar", debian, `${folder}/reclaim-lab`, folder, display, options)));
    } finally {
      display.close();
      if (values.keep !== true) rmSync(work, { recursive: true, force: true });
      else say(`kept: ${work}`);
    }
    writeFileSync(
      join(out, "table.txt"),
      `${textTable(
        ["check", "seen", ""],
        checks.map((each) => [each.what, each.seen, each.ok ? "ok" : "FAILS"]),
      )}\n`,
    );
    const failed = checks.filter((each) => !each.ok);
    return {
      ok: failed.length === 0,
      summary: `${checks.length - failed.length} of ${checks.length} checks passed${failed.map((each) => `; not: ${each.what}`).join("")}`,
    };
  },
  { built: { type: "boolean" }, keep: { type: "boolean" }, root: { type: "string" } },
);
