/** What an atlas answers over results made here and over records of hosts. */
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KNOWN, profileValue } from "../batch/known.ts";
import { readPlan } from "../batch/plan.ts";
import { runShard } from "../batch/run-shard.ts";
import { tasksOf, WHOLE } from "../batch/tasks.ts";
import { VERSION } from "../version.ts";
import { type Atlas, openAtlas } from "./database.ts";
import { answerAll } from "./questions.ts";

let folder: string;
let atlas: Atlas;
const warned: string[] = [];

const seen = (pid: number, name: string, vmpte_kb: number, estimate: number, allocators?: readonly string[]) => ({
  pid,
  name,
  allocators,
  vmpte_kb,
  tables: { in_use: 3, sparse: 1, deposited: 0, pinned: 0, shared: 0, empty: { min: 1, estimate, max: estimate + 5 } },
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-"));
  const plan = join(folder, "plan.json");
  await writeFile(
    plan,
    JSON.stringify({
      version: 1,
      name: "for the atlas",
      workloads: [{ preset: "commit-table", params: { size: ["64M"], chunk: ["2M", "1M"] } }],
      policies: ["none", "sync"],
      samples: true,
    }),
  );
  const resolved = await readPlan(plan, KNOWN);
  const options = { jobs: 2, engine: VERSION, retryFailed: false, signal: new AbortController().signal };
  const silent = { onStart: () => {}, onProgress: () => {}, warn: () => {} };
  const tasks = tasksOf(resolved, VERSION, profileValue);
  await runShard(resolved, tasks, { folder: join(folder, "it's out"), shard: WHOLE, ...options, ...silent });
  // Half of it once more, as parts of their own: every task must still count once.
  const half = { index: 0, count: 2 };
  await runShard(resolved, tasks, { folder: join(folder, "again"), shard: half, ...options, ...silent });
  await mkdir(join(folder, "fleet"));
  await writeFile(
    join(folder, "fleet", "db-1.json"),
    JSON.stringify({
      page_tables_kb: 999,
      kernel: "6.18",
      processes: [seen(1, "redis", 4000, 700, ["jemalloc", "glibc"]), seen(2, "postgres", 8000, 10, [])],
    }),
  );
  await writeFile(
    join(folder, "fleet", "db-2.json"),
    JSON.stringify({ ...seen(9, "redis", 1000, 100), kernel: "6.12" }),
  );
  await writeFile(join(folder, "fleet", "other.json"), '{"no":"record"}');
  atlas = await openAtlas([join(folder, "it's out"), join(folder, "again"), join(folder, "fleet")], (text) =>
    warned.push(text),
  );
});
afterAll(async () => {
  atlas.close();
  await rm(folder, { recursive: true, force: true });
});

describe("an atlas", () => {
  it("counts a task once, however often it was run", async () => {
    expect((await atlas.ask("SELECT count(*), count(DISTINCT digest) FROM results")).rows).toEqual([[4, 4]]);
  });

  it("says what a policy saves against the baseline", async () => {
    const answered = await answerAll(atlas, "none");
    const policies = answered.find(({ question }) => question.id === "policies")?.answer;
    const row = Object.fromEntries((policies?.columns ?? []).map((name, i) => [name, policies?.rows[0]?.[i]]));
    expect(policies?.rows).toHaveLength(1);
    // Pieces of 1 MiB free nothing; pieces of 2 MiB do.
    expect(row).toMatchObject({ policy: "sync", tasks: 2, saves_a_tenth: 1, least_percent: 0 });
    expect(Number(row.most_percent)).toBeGreaterThan(30);
    const reversed = await answerAll(atlas, "sync");
    expect(reversed.find(({ question }) => question.id === "policies")?.answer.rows[0]?.[0]).toBe("none");
  });

  it("says what may be got back, by program, allocators, kernel and host", async () => {
    const answered = await answerAll(atlas, "none");
    const rows = (id: string) => answered.find(({ question }) => question.id === id)?.answer.rows ?? [];
    expect(rows("programs").map(([name, processes, hosts, , back]) => [name, processes, hosts, back])).toEqual([
      ["redis", 2, 2, 3200],
      ["postgres", 1, 1, 40],
    ]);
    expect(rows("hosts").map(([host]) => host)).toEqual(["db-1", "db-2"]);
    expect(rows("kernels").map(([kernel]) => kernel)).toEqual(["6.18", "6.12"]);
    // A record of before, which does not say, is in no row.
    expect(rows("allocators").map(([names, processes, , , back]) => [names, processes, back])).toEqual([
      ["glibc, jemalloc", 1, 2800],
      ["(none seen)", 1, 40],
    ]);
    expect(warned).toEqual([expect.stringContaining("other.json: left out")]);
  });

  it("has the samples of a task beside its result", async () => {
    const { rows } = await atlas.ask(
      "SELECT max(abs(peak_vmpte_kb - most)) FROM results JOIN (SELECT digest, max(vmpte_kb) AS most FROM samples GROUP BY digest) USING (digest)",
    );
    expect(rows).toEqual([[0]]);
  });

  it("reads what it was given and nothing else, and says in words what is no query", async () => {
    const hosts = join(folder, "fleet", "db-1.json");
    for (const sql of [
      "SELECT * FROM read_csv('/etc/passwd')",
      `SELECT * FROM read_text('${hosts}')`,
      `COPY results TO '${join(folder, "x.csv")}'`,
      "INSTALL httpfs",
      "SET enable_external_access = true",
      "ATTACH '/tmp/x.db'",
    ])
      await expect(atlas.ask(sql), sql).rejects.toThrow("The query is refused");
    await expect(atlas.ask("SELEC 1")).rejects.toMatchObject({
      name: "BadInputError",
      todo: expect.stringContaining("inspections"),
    });
  });

  it("names the part that is damaged, and not the first one", async () => {
    const at = join(folder, "damaged");
    await cp(join(folder, "it's out"), at, { recursive: true });
    const bad = join(at, "results", "part-z.parquet");
    await writeFile(bad, "PAR1");
    await expect(openAtlas([at], () => {})).rejects.toMatchObject({ name: "BadInputError", where: bad });
  });

  it("refuses what holds neither results nor records", async () => {
    await mkdir(join(folder, "empty"));
    await expect(openAtlas([join(folder, "empty")], () => {})).rejects.toThrow("There are no results and no records");
    await expect(openAtlas([join(folder, "nosuch")], () => {})).rejects.toThrow("cannot be read");
    await expect(openAtlas([join(folder, "it's out", "plan.txt")], () => {})).rejects.toThrow("cannot be read");
  });
});
