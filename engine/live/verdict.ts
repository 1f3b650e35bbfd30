/** What the numbers of a process or service mean, in words: is it a problem, what weighs most, what would change it. */

import { formatKb } from "../experiment/format.ts";
import { TABLE_KB, WINDOW_BYTES } from "./look.ts";
import { canBeHuge, type Remedy, remediesFor, settingOfShared } from "./remedies.ts";
import { CAUSES, type Cause, totalOf } from "./split.ts";
import type { VerdictInput } from "./verdict-input.ts";
import { EMPTIED_OTHERWISE, numberOfProcesses, shareOf } from "./words.ts";

export interface CauseRow {
  readonly cause: Cause;
  readonly kb: number;
  readonly advice: string;
}

export interface Verdict {
  /** "yes": worth doing something about; "little": to be known; "no". */
  readonly problem: "yes" | "little" | "no";
  /** Whole sentences, the answer first. */
  readonly sentences: readonly string[];
  readonly remedies: readonly Remedy[];
  /** Commands that go on from here. */
  readonly next: readonly string[];
}

/** Below this much nobody frees memory by looking at page tables. */
const SMALL_KB = 16 * 1024;
const LARGE_KB = 64 * 1024;
const SHARE_LITTLE = 0.01;
const SHARE_LARGE = 0.05;

/** The least that page tables of so much resident memory can be: one table for each 2 MiB, if all of them were full. */
function leastKb(rssKb: number): number {
  return Math.ceil((rssKb * 1024) / WINDOW_BYTES) * TABLE_KB;
}

function adviceOnShared({ name, shared: [largest] }: VerdictInput): string {
  if (largest === undefined || !canBeHuge(largest))
    return "Each process has its own tables for the files that it maps, including libraries. Fewer processes need fewer tables.";
  const { setting, source } = settingOfShared(name, largest);
  return `2 MiB pages need no PTE tables: ${setting} (${source}). Or use fewer processes.`;
}

/** PMD and PUD tables that can hardly be fewer are not advised about; neither is what is needed. */
function adviceOn(cause: Cause, input: VerdictInput): string {
  switch (cause) {
    case "empty":
      return input.reclaims === true
        ? `This kernel frees a table when one MADV_DONTNEED covers its 2 MiB in one mapping; ${EMPTIED_OTHERWISE}. A restart frees them.`
        : "Linux 6.14 and later with CONFIG_PT_RECLAIM free a table when one MADV_DONTNEED covers its 2 MiB; how many of these depends on the sizes of the releases. A restart frees them all.";
    case "shared":
      return adviceOnShared(input);
    case "sparse":
      return "Fewer than 32 of 512 entries each: the memory in use is scattered. Allocator settings that keep it together help; reclaim does not, and each transparent huge page has a deposited table.";
    case "deposited":
      return "One table is deposited under each transparent huge page, to split it without an allocation: 0.2 % of that memory. hugetlb pages have none.";
    case "pinned":
      return "They hold only markers (guard pages, userfaultfd write protection); reclaim leaves them. They are freed when the markers are removed or the memory is unmapped.";
    case "upper":
      return "PMD and PUD tables: at least one for each 1 GiB and 512 GiB in use. They are freed when the address space around them is unmapped.";
    case "needed":
      return "Each maps 32 pages or more. hugetlb pages need none (each transparent huge page has a deposited one); otherwise they are freed with the memory that they map.";
  }
}

/** The causes that hold something, the largest first. */
export function causesOf(input: VerdictInput): CauseRow[] {
  return CAUSES.map((cause) => ({ cause, kb: input.split[cause], advice: adviceOn(cause, input) }))
    .filter(({ kb }) => kb > 0)
    .sort((a, b) => b.kb - a.kb);
}

function problemOf(kb: number, input: VerdictInput): Verdict["problem"] {
  const limit = input.cgroup?.maxKb ?? null;
  const share = Math.max(
    kb / Math.max(1, input.rssOnceKb + kb),
    limit === null ? 0 : (input.cgroup?.pageTablesKb ?? kb) / Math.max(1, limit),
  );
  if (kb >= LARGE_KB && share >= SHARE_LARGE) return "yes";
  return kb >= SMALL_KB && share >= SHARE_LITTLE ? "little" : "no";
}

const PROBLEM_WORDS = { yes: "A problem", little: "Worth knowing, hardly a problem", no: "Not a problem" } as const;

function sizeSentence(kb: number, input: VerdictInput): string {
  const { processes, rssKb, rssOnceKb } = input;
  const start = PROBLEM_WORDS[problemOf(kb, input)];
  const least = `full tables for that much memory would be ${formatKb(leastKb(rssOnceKb))}`;
  if (processes === 1)
    return `${start}: its page tables are ${formatKb(kb)}, ${shareOf(kb, rssKb)} of RSS (${formatKb(rssKb)}); ${least}.`;
  return `${start}: the page tables of ${numberOfProcesses(processes)} are ${formatKb(kb)}, ${shareOf(kb, rssOnceKb)} of their memory (${formatKb(rssOnceKb)} with what they share counted once); ${least}.`;
}

function cgroupSentence({ cgroup }: VerdictInput): string[] {
  if (cgroup === null || cgroup.pageTablesKb === null || cgroup.currentKb === null) return [];
  const of = `${formatKb(cgroup.pageTablesKb)} of the ${formatKb(cgroup.currentKb)} of its control group are page tables`;
  return [cgroup.maxKb === null ? `${of}; it has no limit.` : `${of}; its limit is ${formatKb(cgroup.maxKb)}.`];
}

function emptySentences(kb: number, input: VerdictInput): string[] {
  const { empty, reclaims, split } = input;
  if (split.empty === 0 && empty.maxKb < SMALL_KB) return [];
  const bounds =
    empty.minKb === empty.maxKb ? "" : ` (between ${formatKb(empty.minKb)} and ${formatKb(empty.maxKb)} for certain)`;
  const first = `${formatKb(split.empty)} of it, ${shareOf(split.empty, kb)}, are empty tables${bounds}: memory was mapped there and released.`;
  if (split.empty < kb * SHARE_LITTLE) return [first];
  return [
    first,
    reclaims === true
      ? `This kernel reclaims a table when one MADV_DONTNEED covers its 2 MiB in one mapping; ${EMPTIED_OTHERWISE}.`
      : `Linux 6.14 or later with CONFIG_PT_RECLAIM would have freed at most that much: the tables whose 2 MiB one MADV_DONTNEED covered.`,
  ];
}

function sharedSentences(kb: number, input: VerdictInput): string[] {
  const [largest] = input.shared;
  if (largest === undefined || input.split.shared < Math.max(kb * SHARE_LITTLE, 4)) return [];
  const total = `${formatKb(input.split.shared)} of it, ${shareOf(input.split.shared, kb)}, are tables of memory that other processes map too.`;
  const detail = `The most for ${largest.file}: ${formatKb(largest.kb)} in ${numberOfProcesses(largest.processes)}, where one copy would be ${formatKb(largest.one_copy_kb)} and 2 MiB pages would need ${formatKb(largest.huge_kb)}.`;
  if (!canBeHuge(largest)) return [total, detail];
  return [total, detail, `The setting for that: ${settingOfShared(input.name, largest).setting}.`];
}

function otherSentences(kb: number, input: VerdictInput): string[] {
  const { split } = input;
  const [largest] = CAUSES.map((cause) => ({ cause, kb: split[cause] })).sort((a, b) => b.kb - a.kb);
  if (largest.kb < kb * 0.3 || largest.cause === "empty" || largest.cause === "shared") return [];
  const words: Partial<Record<Cause, string>> = {
    sparse: "are tables with fewer than 32 of 512 entries: the memory in use is scattered.",
    needed: "are tables in use.",
    deposited: "are tables deposited under huge pages.",
    pinned: "are tables that hold only markers, such as guard pages.",
    upper: "are upper tables (PMD, PUD).",
  };
  return [`${formatKb(largest.kb)} of it, ${shareOf(largest.kb, kb)}, ${words[largest.cause] ?? ""}`];
}

/** The verdict on a process, or on several that make a service. */
export function verdictOn(input: VerdictInput): Verdict {
  const kb = totalOf(input.split);
  const problem = problemOf(kb, input);
  const sentences = [
    sizeSentence(kb, input),
    ...cgroupSentence(input),
    ...emptySentences(kb, input),
    ...sharedSentences(kb, input),
    ...otherSentences(kb, input),
    ...(input.moving ? ["It changed during the look: the bounds hold, the numbers are those of the last moment."] : []),
  ];
  return { problem, sentences, remedies: remediesFor(input), next: problem === "no" ? [] : nextSteps(kb, input) };
}

function nextSteps(kb: number, { asked, pid, split }: VerdictInput): string[] {
  const emptied = split.empty >= kb * SHARE_LITTLE;
  return [
    `reclaim-lab inspect ${asked} --watch --keep`,
    ...(emptied && pid !== null ? [`reclaim-lab capture --pid ${pid} --stacks --seconds 60`] : []),
  ];
}
