/**
 * `npm run sabotage:engine`: makes one-line changes to the engine, each a mistake that could be made, and sees that a named
 * test catches each: in both forms of the paths, plainly and point by point, where it runs in both. Works on a copy. `--only TEXT`
 * runs the changes whose description holds TEXT. Exit status 0: every change was caught by the test that is named for it.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FORMS } from "../engine/mm/forms.testing.ts";
import { writePlainPaths } from "./plain-paths.ts";

interface Sabotage {
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The test that catches it: file in engine/mm, and (part of) its name. */
  readonly test: readonly [file: string, name: string];
}

const MEASURED = ["conformance.test.ts", "every measured answer is the engine's"] as const;

const SABOTAGES: readonly Sabotage[] = [
  {
    what: "profile: a kernel without a shared zero page is said to have one",
    file: "kernel-profiles.ts",
    from: "  zeroPage: false,",
    to: "  zeroPage: true,",
    test: ["conformance.test.ts", "every answer of 6.18-no-zero-page"],
  },
  {
    what: "profile: 6.12 is said to make a huge page of the huge zero page",
    file: "kernel-profiles.ts",
    from: '  hugeZeroWrite: "split",',
    to: '  hugeZeroWrite: "huge",',
    test: ["conformance.test.ts", "every answer of 6.12"],
  },
  {
    what: "profile: 6.12 is said to move several mappings at once",
    file: "kernel-profiles.ts",
    from: "  mremapSeveral: false,\n  mremapChecksFirst: false,",
    to: "  mremapSeveral: true,\n  mremapChecksFirst: true,",
    test: ["conformance.test.ts", "every answer of 6.12"],
  },
  {
    what: "profile: 6.12 is said to take any advice by process_madvise on oneself",
    file: "kernel-profiles.ts",
    from: "  processMadviseSelf: false,",
    to: "  processMadviseSelf: true,",
    test: ["conformance.test.ts", "every answer of 6.12"],
  },
  {
    what: "one page less than a table is enough to reclaim it",
    file: "pt-reclaim.ts",
    from: "pages >= k.reclaimPages;",
    to: "pages >= k.reclaimPages - 1;",
    test: MEASURED,
  },
  {
    what: "the slow path does not look whether the table was refilled",
    file: "pt-reclaim.ts",
    from: "if (!empty) {",
    to: "if (row < 0) {",
    test: ["zap.test.ts", "the recheck sees entries that were refilled"],
  },
  {
    what: "any_skipped is not heeded",
    file: "zap.ts",
    from: "if (walk.anySkipped) walk.canReclaimPt = false;",
    to: "",
    test: ["zap.test.ts", "guard marker: the table stays"],
  },
  {
    what: "a re-installed uffd-wp marker is not reported",
    file: "zap.ts",
    from: "  k.tables.fillPte(walk.row, from, end, KIND_MARKER_UFFD_WP);\n  return true;",
    to: "  k.tables.fillPte(walk.row, from, end, KIND_MARKER_UFFD_WP);\n  return false;",
    test: ["zap.test.ts", "write-protected file page: a marker is installed"],
  },
  {
    what: "a reclaimed table stays on its process's count",
    file: "pt-reclaim.ts",
    from: "export function* freePte(k: KernelState, tlb: MmuGather, row: number, page: number): Path<void> {\n  tlb.mm.ptes--;",
    to: "export function* freePte(k: KernelState, tlb: MmuGather, row: number, page: number): Path<void> {",
    test: MEASURED,
  },
  {
    what: "a full gather does not send the table the slow way",
    file: "zap.ts",
    from: "  k.stats.zapBreaksForced++;\n  walk.directReclaim = false;",
    to: "  k.stats.zapBreaksForced++;",
    test: ["zap.test.ts", "a full gather breaks the loop"],
  },
  {
    what: "need_resched does not send the table the slow way",
    file: "zap.ts",
    from: "      k.stats.zapBreaksResched++;\n      walk.directReclaim = false;",
    to: "      k.stats.zapBreaksResched++;",
    test: ["zap.test.ts", "slow: after a break every entry is looked at again"],
  },
  {
    what: "zapped swap entries stay on the count",
    file: "zap.ts",
    from: "if (zap) mm.swapEntries -= n;",
    to: "",
    test: ["zap.test.ts", "swap entry: the table goes"],
  },
  {
    what: "munmap leaves guard markers",
    file: "zap.ts",
    from: "    case KIND_MARKER_GUARD:\n      zap = details.dropMarker;",
    to: "    case KIND_MARKER_GUARD:\n      zap = false;",
    test: ["zap.test.ts", "munmap takes guard markers along"],
  },
  {
    what: "a table is freed although the next VMA begins in it",
    file: "free-pgtables.ts",
    from: "if (stop > limit) stop -= PMD_PAGES;",
    to: "",
    test: MEASURED,
  },
  {
    what: "an upper table whose slot ends at the next VMA is kept",
    file: "free-pgtables.ts",
    from: "return limit !== 0 && end <= limit;",
    to: "return limit !== 0 && end < limit;",
    test: MEASURED,
  },
  {
    what: "the table deposited under a huge page is not counted off",
    file: "thp.ts",
    from: "    pteFree(k, row);\n    mm.ptes--;",
    to: "    pteFree(k, row);",
    test: MEASURED,
  },
  {
    what: "a huge page may reach beyond its VMA",
    file: "thp.ts",
    from: "if (slot < vma.start || slot + PMD_PAGES > vma.end) return false;",
    to: "if (slot < vma.start) return false;",
    test: MEASURED,
  },
  {
    what: "VMAs with different anon_vmas merge",
    file: "vma-merge.ts",
    from: "  return target.anonVma === r.anonVma;",
    to: "  return true;",
    test: MEASURED,
  },
  {
    what: "a VMA that mremap moves before it has pages keeps its page offset",
    file: "mremap.ts",
    from: "if (vmaIsAnonymous(source) && source.anonVma === null) pgoff = to;",
    to: "",
    test: MEASURED,
  },
  {
    what: "a misaligned move is realigned over a neighbour",
    file: "mremap.ts",
    from: "if (!canAlignDown(move.old, move.oldAddr) || !canAlignDown(move.fresh, move.newAddr)) return;",
    to: "",
    test: MEASURED,
  },
  {
    what: "fork copies VMAs that have no pages of their own",
    file: "fork.ts",
    from: "if (wiped || (vma.anonVma === null && !vma.maybeGuard)) continue;",
    to: "if (wiped) continue;",
    test: MEASURED,
  },
  {
    what: "pages that are touched in one go are not all counted",
    file: "fault.ts",
    from: "if (getsOwnPage(k, write)) mm.rssAnon += n;",
    to: "if (getsOwnPage(k, write)) mm.rssAnon += 1;",
    test: ["properties.test.ts", "touching a range is touching its pages one by one"],
  },
  {
    what: "one entry at a time costs the fault of a page twice",
    file: "fault.ts",
    from: "      k.timeNs += same * cost.fault;",
    to: "      k.timeNs += (same === 1 ? 2 : same) * cost.fault;",
    test: ["properties.test.ts", "point by point everything comes out as it does plainly"],
  },
  {
    what: "34 pages are flushed from the TLB one by one",
    file: "mmu-gather.ts",
    from: "if (pages > TLB_FLUSH_CEILING) {",
    to: "if (pages > TLB_FLUSH_CEILING + 1) {",
    test: ["zap.test.ts", "the TLB is flushed page by page up to 33 pages"],
  },
  {
    what: "tables are freed without waiting for a grace period",
    file: "rcu.ts",
    from: "k.rcuEndNs = at + GRACE_PERIOD_NS;",
    to: "k.rcuEndNs = at;",
    test: ["zap.test.ts", "a freed table waits for a grace period"],
  },
  {
    what: "a single table is freed by IPI although patch 10 is in",
    file: "mmu-gather.ts",
    from: "  if (k.options.patches.rcuSingle) {",
    to: "  if (k.options.patches.rcuSingle && row < 0) {",
    test: ["zap.test.ts", "without memory for a batch a table goes alone"],
  },
  {
    what: "a table that two VMAs share is blamed on the range",
    file: "zap.ts",
    from: "k.stats.declinedSplitVma++;",
    to: "k.stats.declinedBelowPmd++;",
    test: ["zap.test.ts", "two VMAs share it"],
  },
];

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Makes the change in the copy. Throws where the code to change is not there exactly once. Returns how to undo it. */
function apply({ what, file, from, to }: Sabotage, folder: string): () => void {
  const mm = join(folder, "engine", "mm");
  const path = join(mm, file);
  const text = readFileSync(path, "utf8");
  const parts = text.split(from);
  if (parts.length !== 2)
    throw new Error(
      `"${what}" does not fit engine/mm/${file} any more: the code to change is there ${parts.length - 1} times`,
    );
  const write = (changed: string): void => {
    writeFileSync(path, changed);
    writePlainPaths(mm, null);
  };
  write(parts.join(to));
  return () => write(text);
}

/** What of a vitest report is used here. */
interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly ancestorTitles: readonly string[]; readonly status: string }[];
  }[];
}

/** Whether the test passes, for each form of the paths that it runs in; "": it does not say. */
function outcomes(folder: string, [file, name]: Sabotage["test"]): Map<string, boolean> {
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const answer = join(folder, "report.json");
  const args = [vitest, "run", `engine/mm/${file}`, "-t", escaped, "--reporter=json", `--outputFile=${answer}`];
  spawnSync(process.execPath, args, { cwd: folder, stdio: "ignore" });
  const report = JSON.parse(readFileSync(answer, "utf8")) as Report;
  rmSync(answer);
  const passes = new Map<string, boolean>();
  for (const { ancestorTitles, status } of report.testResults.flatMap((result) => result.assertionResults)) {
    if (status !== "passed" && status !== "failed") continue;
    const form = FORMS.find((each) => each.form === ancestorTitles[0])?.form ?? "";
    passes.set(form, (passes.get(form) ?? true) && status === "passed");
  }
  if (passes.size === 0) throw new Error(`there is no test "${name}" in engine/mm/${file}`);
  return passes;
}

const only = process.argv.includes("--only") ? (process.argv[process.argv.indexOf("--only") + 1] ?? "") : "";
const chosen = SABOTAGES.filter(({ what }) => what.includes(only));
const folder = mkdtempSync(join(tmpdir(), "sabotage-engine-"));
let missed = 0;
try {
  // The tests' set-up is in scripts/lib.
  for (const each of ["engine", join("scripts", "lib")])
    cpSync(join(ROOT, each), join(folder, each), { recursive: true });
  for (const each of ["package.json", "tsconfig.json", "vitest.config.ts"])
    cpSync(join(ROOT, each), join(folder, each));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const tests = new Map(chosen.map(({ test }) => [test.join(": "), test]));
  for (const [title, test] of tests)
    if ([...outcomes(folder, test).values()].includes(false)) throw new Error(`${title} fails without any sabotage`);
  for (const sabotage of chosen) {
    const undo = apply(sabotage, folder);
    const passes = outcomes(folder, sabotage.test);
    undo();
    const missing = [...passes.keys()].filter((form) => passes.get(form) === true);
    const caught = missing.length === 0;
    if (!caught) missed++;
    const forms = caught ? [...passes.keys()] : missing;
    process.stdout.write(`${caught ? "caught" : "MISSED"}  ${sabotage.what}\n`);
    process.stdout.write(`        ${[sabotage.test.join(": "), ...forms].filter((part) => part !== "").join(", ")}\n`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.stdout.write(`${chosen.length - missed} of ${chosen.length} caught\n`);
process.exitCode = missed === 0 ? 0 : 1;
