/** Every test that draws on chance, with a fresh seed a round: `npm test` itself tries the same inputs each time. */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom } from "../../engine/workload/random.ts";
import { ROOT } from "../../scripts/lib/paths.ts";
import { runPart } from "../lib/part.ts";

const ROUNDS = { long: 40, short: 3 };

/** Test files with property tests, or with a seed of their own. */
function filesWithChance(): readonly string[] {
  return globSync("{engine,probe,db,chart,main,renderer}/**/*.test.ts", { cwd: ROOT })
    .filter((file) =>
      /from "fast-check"|random-operations\.testing|RECLAIM_LAB_SEED/.test(readFileSync(join(ROOT, file), "utf8")),
    )
    .sort();
}

await runPart("properties", async ({ short, seed, out, say }) => {
  const files = filesWithChance();
  const rounds = short ? ROUNDS.short : ROUNDS.long;
  const random = createRandom(seed);
  const failed: number[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round > 0 && round % 5 === 0) say(`  ${round} of ${rounds} rounds, ${failed.length} failed`);
    const drawn = random.uint32() >>> 1;
    const done = spawnSync("npx", ["vitest", "run", ...files], {
      cwd: ROOT,
      encoding: "utf8",
      env: { ...process.env, RECLAIM_LAB_SEED: String(drawn), NO_COLOR: "1" },
      maxBuffer: 64 << 20,
    });
    if (done.status === 0) continue;
    failed.push(drawn);
    const log = join(out, `seed-${drawn}.txt`);
    writeFileSync(log, `${done.stdout}${done.stderr}`);
    say(`seed ${drawn}: failed, see ${log} (again: RECLAIM_LAB_SEED=${drawn} npx vitest run ${files.join(" ")})`);
  }
  return { ok: failed.length === 0, summary: `${files.length} files, ${rounds} rounds, ${failed.length} failed` };
});
