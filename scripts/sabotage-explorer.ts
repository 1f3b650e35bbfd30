/**
 * `npm run sabotage:explorer`: breaks the engine on purpose, in ways that only show when CPUs come between each other, and sees
 * that the explorer finds each. Works on copies; `--unit-tests` also runs the engine's unit tests, which have one CPU, on each
 * copy. Exit status 0: the explorer finds every sabotage (and at least five that the unit tests do not notice).
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { PolicyId } from "../engine/experiment/policies.ts";
import type * as Race from "../engine/race/race.ts";
import type * as Schedule from "../engine/race/schedule.ts";
import { writePlainPaths } from "./plain-paths.ts";

interface Sabotage {
  readonly what: string;
  readonly file: string;
  readonly edits: readonly (readonly [from: string, to: string])[];
  /** The policy whose steps are broken (default: the series'). */
  readonly mode?: PolicyId;
}

const SABOTAGES: readonly Sabotage[] = [
  {
    what: "try_to_free_pte() looks at 511 of the 512 entries",
    file: "engine/mm/pt-reclaim.ts",
    edits: [
      [
        "k.tables.nextPte(row, 0, PTRS_PER_TABLE) === PTRS_PER_TABLE",
        "k.tables.nextPte(row, 0, PTRS_PER_TABLE - 1) >= PTRS_PER_TABLE - 1",
      ],
    ],
  },
  {
    what: "the slow path clears the PMD entry after it has dropped the PTE lock",
    file: "engine/mm/pt-reclaim.ts",
    edits: [
      ['  yield point(k, fn, "pmd_write"', '  yield* unlock(k, fn, ptl);\n  yield point(k, fn, "pmd_write"'],
      [
        "  yield* unlock(k, fn, ptl);\n  yield* unlock(k, fn, pml);\n  yield* freePte",
        "  yield* unlock(k, fn, pml);\n  yield* freePte",
      ],
    ],
  },
  {
    what: "the fast path clears the PMD entry after it has dropped the PTE lock",
    file: "engine/mm/zap.ts",
    edits: [
      ["    yield* pteUnmapUnlock(k, fn, walk.row);\n", ""],
      [
        "    yield* zapEntries(k, vma, walk);\n",
        "    yield* zapEntries(k, vma, walk);\n    yield* pteUnmapUnlock(k, fn, walk.row);\n",
      ],
    ],
  },
  {
    what: "single tables are freed after an IPI, without a grace period",
    file: "engine/mm/mmu-gather.ts",
    edits: [
      [
        '  if (k.options.patches.rcuSingle) {\n    yield point(k, "tlb_remove_table_one"',
        '  if (k.options.patches.rcuSingle && row < 0) {\n    yield point(k, "tlb_remove_table_one"',
      ],
    ],
  },
  {
    what: "gathered pages are freed before the TLB flush",
    file: "engine/mm/mmu-gather.ts",
    edits: [
      [
        "  if (tlb.start < tlb.end) {\n    yield point(",
        "  for (const id of tlb.pageIds) k.pages.delete(id);\n  if (tlb.start < tlb.end) {\n    yield point(",
      ],
    ],
  },
  {
    what: "a counted table is freed though a walker holds a reference",
    file: "engine/mm/pte-ref.ts",
    edits: [["const gone = !isWalked(k, row) && ", "const gone = "]],
    mode: "refcount",
  },
  {
    what: "a walker that gives the last reference of a table back does not free it",
    file: "engine/race/walkers.ts",
    edits: [["  yield* freePteTable(k, row, false);\n", ""]],
    mode: "refcount",
  },
  {
    what: "a walker takes a reference of a table of which there are none left",
    file: "engine/race/walkers.ts",
    edits: [["    if (held) k.tableRefs", "    if (row > 0) k.tableRefs"]],
    mode: "refcount",
  },
  {
    what: "pte_offset_map_lock() does not read the PMD entry again under the lock",
    file: "engine/mm/pte-map.ts",
    edits: [["    if (pmdSame(k, pmd, index, row)) return row;\n", "    if (row > 0) return row;\n"]],
  },
  {
    what: "the fast path waits for the PMD lock while it holds the PTE lock",
    file: "engine/mm/zap.ts",
    edits: [['"try_get_and_clear_pmd", "trylock"', '"try_get_and_clear_pmd", "lock"']],
  },
  {
    what: "__pte_alloc() installs its table without looking whether there is one by now",
    file: "engine/mm/pte-map.ts",
    edits: [["  if (pmdSame(k, pmd, index, 0)) {\n", "  if (fresh > 0) {\n"]],
  },
];

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Makes a copy of the engine with one sabotage in it. Gives why it cannot: the code to break is not there once; or null. */
function sabotaged({ file, edits }: Sabotage, folder: string): string | null {
  // The tests' set-up is in scripts/lib.
  for (const each of ["engine", join("scripts", "lib")])
    cpSync(join(ROOT, each), join(folder, each), { recursive: true });
  for (const each of ["package.json", "tsconfig.json", "vitest.config.ts"])
    cpSync(join(ROOT, each), join(folder, each));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  let text = readFileSync(join(folder, file), "utf8");
  for (const [from, to] of edits) {
    const parts = text.split(from);
    if (parts.length !== 2)
      return `it does not fit ${file} any more: the code to break is there ${parts.length - 1} times; adapt the sabotage`;
    text = parts.join(to);
  }
  writeFileSync(join(folder, file), text);
  writePlainPaths(join(folder, "engine", "mm"), null);
  return null;
}

/** The first scenario that the sabotage breaks, with its schedule; null: none. */
async function find(folder: string, mode: PolicyId | undefined): Promise<string | null> {
  const from = (file: string) => import(pathToFileURL(join(folder, "engine", "race", file)).href);
  const { runScenario, SCENARIOS } = (await from("race.ts")) as typeof Race;
  const { formatSchedule } = (await from("schedule.ts")) as typeof Schedule;
  for (const scenario of SCENARIOS) {
    const { violation } = runScenario(scenario, null, {}, mode);
    if (violation !== null)
      return `${scenario.name}: ${violation.invariant} (${violation.switches} switches: ${formatSchedule(violation.cpus)})`;
  }
  return null;
}

function unitTestsNotice(folder: string): boolean {
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const { status } = spawnSync(process.execPath, [vitest, "run", "engine/mm"], { cwd: folder, stdio: "ignore" });
  return status !== 0;
}

/** Sabotages that only the explorer sees, at least. */
const ALONE_MIN = 5;

const withUnitTests = process.argv.includes("--unit-tests");
let missed = 0;
let alone = 0;
for (const sabotage of SABOTAGES) {
  const folder = mkdtempSync(join(tmpdir(), "sabotage-"));
  try {
    const unfit = sabotaged(sabotage, folder);
    const found = unfit === null ? await find(folder, sabotage.mode) : null;
    const noticed = unfit === null && withUnitTests && unitTestsNotice(folder);
    if (found === null) missed++;
    else if (!noticed) alone++;
    process.stdout.write(`${found === null ? "MISSED" : "found "}  ${sabotage.what}\n`);
    process.stdout.write(`        ${found ?? unfit ?? "every scenario holds"}\n`);
    if (noticed) process.stdout.write("        the unit tests of one CPU notice it, too\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}
process.stdout.write(`${SABOTAGES.length - missed} of ${SABOTAGES.length} found by the explorer`);
process.stdout.write(withUnitTests ? `, ${alone} by it alone\n` : "\n");
process.exitCode = missed > 0 || (withUnitTests && alone < ALONE_MIN) ? 1 : 0;
