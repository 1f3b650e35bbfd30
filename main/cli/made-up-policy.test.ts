/**
 * A policy is one row of one table. A copy of the program gets a row more, and the made-up policy runs, is stored, listed,
 * compared, swept, exported and reported; nothing names another in its place.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const PARTS = ["engine", "probe", "db", "chart", "main"];
const COPIED = /\/(conformance-data|testdata|fixtures)(\/|$)|\.test\.ts$/;
const TABLE = "engine/experiment/policies.ts";
/** Frees as the policy of today's kernels does, so that what it comes to is known. */
const ROW = `  {
    id: "madeup",
    word: "made-up word",
    phrase: "with the made-up phrase",
    rule: "whenever the test says so",
    payer: "the test",
    source: "main/cli/made-up-policy.test.ts",
    knobs: [],
    features: () => SYNC_RECLAIM,
    measured: false,
    version: 7,
  },
] as const satisfies readonly Policy[];`;

const LONG_MS = 240_000;
let folder: string;
let db: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "made-up-policy-"));
  db = join(folder, "history.sqlite");
  for (const part of PARTS)
    await cp(join(ROOT, part), join(folder, part), { recursive: true, filter: (from) => !COPIED.test(from) });
  await cp(join(ROOT, "package.json"), join(folder, "package.json"));
  await mkdir(join(folder, "data"));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const table = await readFile(join(folder, TABLE), "utf8");
  const grown = table.replace("] as const satisfies readonly Policy[];", ROW);
  expect(grown).not.toBe(table);
  await writeFile(join(folder, TABLE), grown);
}, LONG_MS);

afterAll(() => rm(folder, { recursive: true, force: true }));

async function lab(...args: string[]): Promise<string> {
  const env = { ...process.env, RECLAIM_LAB_DATA: join(folder, "data"), NODE_OPTIONS: "" };
  const all = [join(folder, "main/cli.ts"), ...args];
  return (await promisify(execFile)(process.execPath, all, { env, cwd: folder, maxBuffer: 2 ** 28 })).stdout;
}

const ofHistory = (...args: string[]) => lab(...args, "--db", db);
const OTHERS = /sync|eager|reference count|background scan|MADV_PT/;

it(
  "runs, is stored, listed, compared, swept, exported and reported under its own name",
  async () => {
    expect(await lab("policies")).toContain("madeup: made-up word");

    const run = JSON.parse(
      await ofHistory("run", "commit-table", "--set", "size=64M", "--mode", "none,madeup", "--json"),
    );
    expect(run.baseline).toBe("none");
    const [none, madeUp] = run.runs;
    expect([none.mode, madeUp.mode]).toEqual(["none", "madeup"]);
    expect(madeUp.reclaimed_pte_tables).toBe(32);
    expect(madeUp.saved.vmpte_kb).toBe(none.final.vmpte_kb - madeUp.final.vmpte_kb);
    expect(madeUp.saved.vmpte_kb).toBe(32 * 4);

    const shown = await ofHistory("show", "1");
    expect(shown).toMatch(/no reclaim +made-up word/);
    expect(shown).toMatch(/of page tables with the made-up phrase, .* without reclaim: [\d.]+ % less/);
    expect(shown).not.toMatch(OTHERS);

    const listed = await ofHistory("list");
    expect(listed).toMatch(/no reclaim +made-up word +saved/);
    expect(listed).not.toMatch(OTHERS);

    // Against a baseline of the user's own: nothing else is compared.
    expect(await ofHistory("show", "1", "--baseline", "madeup")).toMatch(
      /without reclaim, .* with the made-up phrase: .* more/,
    );

    await ofHistory("run", "commit-table", "--set", "size=32M", "--mode", "none,madeup", "--json");
    const compared = await ofHistory("compare", "1", "2");
    expect(compared).toContain("made-up word, model");
    expect(compared).not.toMatch(OTHERS);

    const swept = ["sweep", "commit-table", "--param", "chunk", "--values", "1M,2M", "--set", "size=64M"];
    const sweep = JSON.parse(await ofHistory(...swept, "--mode", "none,madeup", "--json"));
    expect(
      sweep.points.map(({ runs }: { runs: { mode: string; saved_peak_share: number }[] }) =>
        runs.map((each) => each.mode),
      ),
    ).toEqual([
      ["none", "madeup"],
      ["none", "madeup"],
    ]);
    expect(sweep.points[1].runs[1].saved_peak_share).toBeGreaterThan(0.5);
    const sweptText = await ofHistory(...swept, "--mode", "none,madeup");
    expect(sweptText).toMatch(/no reclaim +made-up word/);
    expect(sweptText).not.toMatch(OTHERS);

    const csv = await ofHistory("export", "1", "--format", "csv");
    expect(csv).toContain(",madeup,");
    const stored = JSON.parse(await ofHistory("export", "1", "--format", "json"));
    expect(stored.runs.map((each: { mode: string; policyVersion: number }) => [each.mode, each.policyVersion])).toEqual(
      [
        ["none", 1],
        ["madeup", 7],
      ],
    );
    for (const id of ["1", "3"]) {
      const page = (await ofHistory("report", id)).replace(/<style>.*?<\/style>/s, "").replace(/<svg.*?<\/svg>/gs, "");
      const words = page.replace(/<[^>]+>/g, " ");
      expect(words).toContain("made-up word");
      expect(words).toContain("--mode none,madeup");
      expect(words).not.toMatch(OTHERS);
    }
    const svg = await ofHistory("export", "1", "--format", "svg");
    expect(svg).toContain("with the made-up phrase");
  },
  LONG_MS,
);
