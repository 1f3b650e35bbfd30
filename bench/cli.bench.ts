/** The command line as it is shipped, against a Node that runs nothing: in turns, the least of each. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildIfNeeded } from "../scripts/lib/build.ts";
import type { Row, Section } from "./harness.ts";

const PROGRAM = join(import.meta.dirname, "..", "dist", "host", "cli.mjs");
const ROUNDS = 15;

function startMs(args: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with status ${status}: ${stderr}`);
  return performance.now() - start;
}

function* rows(): Generator<Row> {
  buildIfNeeded();
  const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-bench-"));
  try {
    const nothing = join(folder, "nothing.mjs");
    writeFileSync(nothing, "");
    const started = {
      "--version": [PROGRAM, "--version"],
      list: [PROGRAM, "list", "--db", join(folder, "history.sqlite")],
    };
    for (const [what, args] of Object.entries(started)) {
      let [bare, ours] = [startMs([nothing]), startMs(args)];
      for (let round = 0; round < ROUNDS; round++) {
        bare = Math.min(bare, startMs([nothing]));
        ours = Math.min(ours, startMs(args));
      }
      const note = `${Math.round(ours)} ms; bare Node ${Math.round(bare)} ms`;
      yield { what: `${what}, times bare Node`, value: ours / bare, unit: "x", budget: { atMost: 2.5 }, note };
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const section: Section = { title: "Command line", rows };
