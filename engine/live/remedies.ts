/** What would make the page tables of a process or service fewer, and by how much at most. */
import { settingsAgainst } from "../experiment/allocator-settings.ts";
import { formatKb } from "../experiment/format.ts";
import { HUGE_FILE, HUGE_SHMEM, HUGETLB, isSharedMemory, settingFor } from "./settings.ts";
import type { SharedFile } from "./shared.ts";
import { totalOf } from "./split.ts";
import type { VerdictInput } from "./verdict-input.ts";
import { durationWords, EMPTIED_OTHERWISE, numberOfProcesses } from "./words.ts";

export interface Remedy {
  readonly what: string;
  /** At most so much less, in kB; 0: nothing; null: only a trial tells. */
  readonly kb: number | null;
  readonly note: string;
  /** Who says so. */
  readonly source?: string;
}

/** Tables a process from which on a file is large (128 MiB): program files and libraries have fewer. */
const TABLES_LARGE = 64;

/** From this share of empty and sparse tables on the allocator's settings are worth a trial. */
const SCATTERED = 0.1;

/** ... and from which on it is a file of data (512 MiB): no program file is as large. */
const TABLES_DATA = 256;

/** Is so much of it mapped that it counts once for the memory of a service? */
export const isLarge = ({ tables, processes }: SharedFile): boolean => tables >= TABLES_LARGE * processes;

/** Is it worth asking for 2 MiB pages there? Program files and libraries are not. */
export const canBeHuge = ({ file, tables, processes }: SharedFile): boolean =>
  isSharedMemory(file) || tables >= TABLES_DATA * processes;

function reclaim({ reclaims, split }: VerdictInput): Remedy {
  return reclaims === true
    ? {
        what: "Reclaim by the kernel",
        kb: 0,
        note: `This kernel does that; ${EMPTIED_OTHERWISE}.`,
      }
    : {
        what: "Linux 6.14 with PT_RECLAIM",
        kb: split.empty,
        note: "Those whose 2 MiB one MADV_DONTNEED covers; a recording shows how many.",
      };
}

function restart({ split, upMs, processes }: VerdictInput): Remedy {
  const since = upMs === null ? "" : ` ${processes > 1 ? "The oldest has" : "It has"} run for ${durationWords(upMs)}.`;
  return {
    what: "A restart",
    kb: split.empty,
    note: split.empty === 0 ? "Nothing is empty." : `Until the same amount is empty again.${since}`,
  };
}

/** The setting for this program, else the one for this kind of memory. */
export function settingOfShared(
  name: string,
  { file }: SharedFile,
): { readonly setting: string; readonly source: string } {
  if (!isSharedMemory(file)) return HUGE_FILE;
  const known = settingFor(name, "shared");
  if (known !== undefined) return { setting: `${known.program}: ${known.setting}`, source: known.source };
  return {
    setting: `${HUGETLB.setting} (${HUGETLB.source}); or ${HUGE_SHMEM.setting}`,
    source: HUGE_SHMEM.source,
  };
}

/** Sums over files are of all processes that map them; a service gains no more than its own tables of what is shared. */
function atMost(
  { pid, split }: VerdictInput,
  files: readonly SharedFile[],
  gain: (file: SharedFile) => number,
): number {
  const all = files.reduce((sum, file) => sum + gain(file), 0);
  return pid === null ? Math.min(all, split.shared) : all;
}

function hugeShared(input: VerdictInput): Remedy {
  const { name, shared, split, pid } = input;
  const large = shared.filter(canBeHuge);
  const kb = atMost(input, large, ({ kb: all, huge_kb }) => all - huge_kb);
  const what = "2 MiB pages for shared memory";
  if (kb <= 0 || large[0] === undefined)
    return {
      what,
      kb: 0,
      note: split.shared === 0 ? "Nothing is shared." : "Only program files and libraries are shared.",
    };
  const { setting, source } = settingOfShared(name, large[0]);
  const all = pid === null ? "" : `In all ${numberOfProcesses(large[0].processes)}. `;
  return { what, kb, note: `${all}${setting.charAt(0).toUpperCase()}${setting.slice(1)}.`, source };
}

function fewer(input: VerdictInput): Remedy[] {
  const { pid, split } = input;
  // Of one process alone the libraries that every process maps say nothing.
  const shared = pid === null ? input.shared : input.shared.filter(canBeHuge);
  const kb = atMost(input, shared, ({ kb: all, one_copy_kb }) => all - one_copy_kb);
  if (kb <= 0 || split.shared === 0) return [];
  const most = shared.reduce((count, { processes }) => Math.max(count, processes), 0);
  return [
    {
      what: "Threads instead of processes",
      kb,
      note: `Each of up to ${numberOfProcesses(most)} has its own tables for the same memory; fewer processes need fewer (a connection pool, fewer workers).`,
    },
  ];
}

function hugeOwn({ name, split }: VerdictInput): Remedy {
  const known = settingFor(name, "own");
  const { setting, source } =
    known === undefined ? HUGETLB : { setting: `${known.program}: ${known.setting}`, source: known.source };
  return {
    what: "hugetlb pages for its own memory",
    kb: split.needed + split.sparse + split.deposited,
    note: `${setting}. Transparent huge pages save no table: one is deposited under each.`,
    source,
  };
}

function allocator({ name, allocators, split }: VerdictInput): Remedy[] {
  if (split.empty + split.sparse < totalOf(split) * SCATTERED) return [];
  const [known] = settingsAgainst(new Set(["small_pieces"]), allocators, name);
  if (known === undefined) return [];
  return [
    {
      what: known.setting,
      kb: null,
      note: `${known.reason} Seen with ${known.versions}; cost: ${known.cost}.`,
      source: known.source.reference,
    },
  ];
}

/** The likeliest first; those that do nothing stay, as an answer. */
export function remediesFor(input: VerdictInput): Remedy[] {
  const all = [reclaim(input), restart(input), ...allocator(input), hugeShared(input), ...fewer(input), hugeOwn(input)];
  return all.sort((a, b) => Number(a.kb === 0) - Number(b.kb === 0));
}

/** "up to 28.6 GiB less". */
export function gainWords({ kb }: Pick<Remedy, "kb">): string {
  if (kb === null) return "only a trial can tell";
  return kb === 0 ? "does not apply" : `up to ${formatKb(kb)} less`;
}
