/** docs/races.md: the story of each patch with its counterexample, made from what the explorer finds. */

import { SERIES_POLICY } from "../experiment/policies.ts";
import { counterexampleText, schedulesText, seriesName } from "./format.ts";
import { RACE_PATCHES, type RacePatch, type RaceResult, raceCases, SCENARIOS, type Scenario } from "./race.ts";

const PATCHES: Readonly<Record<RacePatch, string>> = {
  "1": "mm: khugepaged: recheck pmd state in retract_page_tables()",
  "2": "mm: userfaultfd: recheck dst_pmd entry in move_pages_pte()",
  "8": "mm: make zap_pte_range() handle full within-PMD range",
  "9fix": "mm: pgtable: fix incorrect reclaim of non-empty PTE pages",
  "10": "x86: mm: free page table pages by RCU instead of semi RCU",
  "617fix": "mm/khugepaged: check_pmd_still_valid() after vma_start_write()",
};

const HEADINGS: Readonly<Partial<Record<RacePatch, string>>> = {
  "9fix": "The follow-up fix",
  "617fix": "After the series, the fix of 6.17",
};

const INVARIANTS: readonly (readonly [name: string, meaning: string])[] = [
  ["no access through a freed table", "every read and write of a table, and of its lock, finds it not freed"],
  ["no table freed twice or freed while reachable", "checked whenever a table is detached, handed over, or freed"],
  [
    "a reader inside rcu_read_lock never sees its table freed",
    "the same access, made by a walker that RCU should have protected",
  ],
  [
    "no write lost",
    "a page that holds a value, and that no zap discarded, is mapped by a table that its process can reach; a table that " +
      "is detached maps no such page",
  ],
  [
    "counts equal recounts",
    "tables, pages and swap entries of every process, once every CPU has finished; no lock is still held",
  ],
  ["no deadlock", "where no CPU may go on, every CPU has finished"],
  ["every run finishes", "a run that goes on and on must end under a schedule that gives every CPU its turn"],
  [
    "no stale TLB entry used after the operation that removed it has returned",
    "an access through a TLB entry never reaches a page that was freed",
  ],
];

const number = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

function verdicts(results: readonly RaceResult[]): string[] {
  const rows = results.map(
    (result) =>
      `| ${result.scenario} | ${seriesName(result)} | ${result.verdict} | ${number(result.interleavings)} | ` +
      `${schedulesText(result.schedules)} | ${number(result.states)} | ${result.violation?.invariant ?? ""} |`,
  );
  return [
    "| scenario | kernel | verdict | interleavings | schedules | states | broken invariant |",
    "|---|---|---|---:|---:|---:|---|",
    ...rows,
  ];
}

function storyOf(scenario: Scenario, patch: RacePatch, result: RaceResult): string[] {
  const lines = [`### ${scenario.title}`, "", scenario.story, "", scenario.findings[patch] ?? ""];
  if (result.violation === null)
    return [
      ...lines,
      "",
      `Without it the scenario \`${scenario.name}\` still holds, in all ${number(result.interleavings)} interleavings.`,
    ];
  return [...lines, "", "```text", counterexampleText(scenario, result, result.violation), "```"];
}

/** What became of the policies beside the series: one sentence. */
function othersInWords(results: readonly RaceResult[]): string {
  const others = results.filter(({ mode }) => mode !== SERIES_POLICY);
  const broken = others.filter(({ verdict }) => verdict !== "holds");
  if (broken.length === 0) return `All ${others.length} of these cases hold.`;
  return `Of ${others.length} cases these do not hold: ${broken.map((each) => `\`${each.scenario}\` under ${seriesName(each)}`).join(", ")}.`;
}

/** The page, from the results of raceCases(SCENARIOS, null) in their order. */
export function racesDocument(results: readonly RaceResult[]): string {
  const cases = raceCases(SCENARIOS, null);
  const lines = [
    "# What each patch of the series protects",
    "",
    "This page is made by the explorer itself (`npm run docs:races`); a test fails when it is out of date.",
    "",
    "`reclaim-lab race` runs two or three CPUs through the engine's own code and tries every interleaving of their",
    "scheduling points: locks, looks at PMD entries and PTEs, TLB flushes, IPIs, frees. Of schedules that differ only in the",
    "order of independent steps one is run (sleep sets), and a step that concerns nothing another CPU touches is taken at once.",
    "Two steps are independent where neither writes what the other reads or writes; what a step reads and writes is recorded",
    "while it runs, not declared. The invariants are checked after each step and at each end. RCU grace periods end as early as",
    "they may: the moment the last reader of before leaves. A search that hits a bound says so and is not called exhaustive;",
    "none of these does.",
    "",
    "In the table, *interleavings* counts the complete schedules that were run, one for all that differ in the order of",
    "independent steps only; *schedules* how many they stand for, every order of every step; *states* what was gone through.",
    "",
    "## Invariants",
    "",
    ...INVARIANTS.map(([name, meaning]) => `- **${name}**: ${meaning}.`),
    "- Two scenarios ask for more: in `resumed-zap`, that **an emptied table is reclaimed**; in `uffdio-move`, that a move that",
    "  returns has moved its page.",
    "",
    "## Verdicts",
    "",
    ...verdicts(results),
    "",
    "A broken case ends at its first violation, so its numbers are smaller than those of a search that goes on.",
    "",
    "## Other policies",
    "",
    "Every scenario is run under every policy too (`--mode`), with the steps and locks of its source. *Eager sync* is the series' path",
    "without its condition on the size. A *reference count* puts a table when it is emptied, at the end of the call: under the PMD lock and the",
    "PTE lock, which stands for the reference of a path that works under that lock. A walker without a lock holds a reference of its own",
    "(pte_try_get inside rcu_read_lock, which fails where the count has come to nothing; pte_put), and nothing else while it looks at entries; if it is the",
    "last to let go, it frees the table. At the end no table that is empty may be left. The *background scan* comes on DONTNEED's way back to user space, and",
    "*MADV_PT_RECLAIM* is the program's next call: both under the mmap lock, held for reading, then the PMD lock and the PTE lock, and free by RCU.",
    "In the `shared-slot` scenarios two mappings share the table: eager sync and a reference count free it under the lock of one of them.",
    `${othersInWords(results)}`,
    "",
    "## Scenarios of your own",
    "",
    "`reclaim-lab race FILE`, or *Open scenario* in the window's Races view, runs a scenario from a text file, under every policy and without every patch. Words are those of",
    "conformance scripts (docs/conformance-scripts.md); offsets are from the start of the scenario's memory, which ends at 1G. In a set-up: `map` (private, or `shared`)",
    "and `touch`. In two to four lanes, up to six operations each: `touch` of up to 8 pages, `dontneed`, `unmap`, `protect`, `mremap`, `fork`, `populate` of a page,",
    "`collapse` of an aligned 2M, `gup OFF` and `rmap OFF` (walkers without a lock), `timer N` (lane N is asked to give way). `nobatch`: no memory for batches of tables.",
    "",
    "```text",
    "title DONTNEED is interrupted while another thread writes",
    "setup",
    "  map 0 2M rw",
    "  touch 0 8K",
    "lane DONTNEED",
    "  dontneed 0 2M",
    "lane writer",
    "  touch 0 4K w",
    "lane timer of CPU 0",
    "  timer 0",
    "```",
  ];
  for (const patch of RACE_PATCHES) {
    lines.push("", `## ${HEADINGS[patch] ?? `Patch ${patch}`}: ${PATCHES[patch]}`);
    for (const [at, each] of cases.entries())
      if (each.without === patch) lines.push("", ...storyOf(each.scenario, patch, results[at]));
  }
  const others = SCENARIOS.filter((scenario) => scenario.patches.length === 0);
  lines.push("", "## Scenarios that no single patch is about", "");
  for (const { name, title, story } of others) lines.push(`- **${title}** (\`${name}\`). ${story}`);
  lines.push(
    "",
    "## What is simplified",
    "",
    "- Memory is sequentially consistent: what x86 reorders (stores after later loads) is not explored.",
    "- A hardware page walk, and the look at all 512 entries of a table under its lock, are one step each.",
    "- Faults on file mappings are not explored; their code runs in experiments. khugepaged is explored from the moment it has found 2 MiB fit.",
    "- Detaching the tables of an unmapped range (`free_pgtables()`) is one step.",
    "- Allocation never fails, but for the page of a batch of tables where a scenario says so.",
    "",
  );
  return lines.join("\n");
}
