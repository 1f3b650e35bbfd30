/** The engine and the explorer changed on purpose, one change at a time: each must be caught by their tests. */
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/lib/paths.ts";
import { runPart } from "../lib/part.ts";

const SCRIPTS = ["sabotage-engine.ts", "sabotage-explorer.ts"];

await runPart("sabotage", async ({ out, say }) => {
  const lines: string[] = [];
  let failed = 0;
  for (const script of SCRIPTS) {
    const path = join(ROOT, "scripts", script);
    if (!existsSync(path)) return { ok: false, summary: `scripts/${script} is missing` };
    const done = spawnSync(process.execPath, [path], { cwd: ROOT, encoding: "utf8", maxBuffer: 64 << 20 });
    writeFileSync(join(out, `${script}.txt`), `${done.stdout}${done.stderr}`);
    say(done.stdout.trim());
    const last = done.stdout.trim().split("\n").at(-1) ?? done.stderr.trim().split("\n").at(-1) ?? "";
    lines.push(`${script}: ${last}`);
    if (done.status !== 0) failed++;
  }
  return { ok: failed === 0, summary: lines.join("; ") };
});
