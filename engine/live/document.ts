/** What `inspect` and `top` print with --json, and what the window is told: made from looks, nothing read here. */
import type { Allocator } from "../experiment/allocator-settings.ts";
import { allocatorsOfLook } from "./allocators.ts";
import { isLook, type Look, type NoLook, TABLE_KB, WINDOW_BYTES } from "./look.ts";
import { type MappingTables, mappingsOf } from "./mappings.ts";
import { isLarge } from "./remedies.ts";
import { type SharedFile, type Sharing, sharingOf } from "./shared.ts";
import { addSplits, type Split, splitOf } from "./split.ts";
import { type Tables, tablesOf } from "./tables.ts";
import { type CauseRow, causesOf, type Verdict, verdictOn } from "./verdict.ts";
import type { CgroupMemory, VerdictInput } from "./verdict-input.ts";

export interface ProcessDocument {
  readonly pid: number;
  readonly name: string;
  readonly kernel: string;
  readonly moving: boolean;
  readonly took_ms: number;
  readonly vmpte_kb: number;
  readonly rss_kb: number;
  readonly virt_kb: number;
  readonly tables: Tables;
  readonly mappings: readonly MappingTables[];
  readonly shared: readonly SharedFile[];
  readonly causes: readonly CauseRow[];
  readonly split: Split;
  readonly verdict: Verdict;
  /** When the process began, in ms since 1970; null: not known. */
  readonly started_ms: number | null;
  readonly allocators: readonly Allocator[];
}

/** Sums over the processes; tables that several have count once for each. */
export interface TotalDocument {
  readonly processes: number;
  readonly not_readable: number;
  readonly vmpte_kb: number;
  readonly rss_kb: number;
  readonly tables: Tables;
  readonly causes: readonly CauseRow[];
  readonly split: Split;
  readonly verdict: Verdict;
}

export interface ServiceDocument {
  readonly processes: readonly ProcessDocument[];
  readonly shared: readonly SharedFile[];
  readonly total: TotalDocument;
}

export interface TopRow {
  readonly pid: number;
  readonly name: string;
  readonly vmpte_kb: number;
  readonly rss_kb: number;
  readonly moving: boolean;
  readonly tables: Tables;
  readonly split: Split;
}

/** Processes of one name, two or more. */
export interface ServiceRow {
  readonly name: string;
  readonly pids: readonly number[];
  readonly vmpte_kb: number;
  /** With what they share counted once, by its tables. */
  readonly rss_once_kb: number;
  readonly empty: Tables["empty"];
  readonly split: Split;
}

export interface TopDocument {
  /** PageTables of /proc/meminfo. */
  readonly page_tables_kb: number;
  /** VmPTE of the processes that were looked at. */
  readonly explained_kb: number;
  readonly processes: readonly TopRow[];
  /** Processes with memory that may not be looked at without the right to trace them, and their VmPTE. */
  readonly not_readable: number;
  readonly not_readable_kb: number;
  readonly split: Split;
  readonly shared: readonly SharedFile[];
  /** The one with the most page tables first. */
  readonly services: readonly ServiceRow[];
  readonly took_ms: number;
}

/** What is known beside the looks. */
export interface Surroundings {
  readonly kernel: string;
  readonly reclaims: boolean | null;
  readonly cgroupOf: (pid: number) => CgroupMemory | null;
  readonly nowMs: number;
  /** When a process began, in ms since 1970; null: not known. */
  readonly startedMs: (pid: number) => number | null;
}

interface Placed {
  readonly look: Look;
  readonly tables: Tables;
  readonly split: Split;
  readonly vmpteKb: number;
  readonly rssKb: number;
}

function place(look: Look, sharing: Sharing): Placed {
  const { vmpteKb, rssKb } = look.passes[look.passes.length - 1].after;
  const tables = tablesOf(look, sharing.byPid.get(look.pid) ?? 0);
  const split = splitOf(vmpteKb, tables, sharing.sparseByPid.get(look.pid) ?? 0);
  return { look, tables, split, vmpteKb, rssKb };
}

/** What one PTE table maps. */
const TABLE_MAPS_KB = WINDOW_BYTES / 1024;

const isMoving = ({ still, passes }: Look): boolean => !still || passes.length > 1;

/** `look` and the others that were compared with it. */
export function processDocument(look: Look, compared: readonly Look[], around: Surroundings): ProcessDocument {
  const sharing = sharingOf([look, ...compared]);
  return documentOf(place(look, sharing), filesOfProcess(look, sharing), around);
}

function filesOfProcess(look: Look, sharing: Sharing): readonly SharedFile[] {
  const mine = new Set([...look.passes[look.passes.length - 1].mappings.values()].map(({ name }) => name));
  return sharing.files.filter(({ file }) => mine.has(file));
}

function documentOf(placed: Placed, shared: readonly SharedFile[], around: Surroundings): ProcessDocument {
  const { look, tables, split, vmpteKb, rssKb } = placed;
  const last = look.passes[look.passes.length - 1].after;
  const startedMs = around.startedMs(look.pid);
  const allocators = allocatorsOfLook(look);
  const input: VerdictInput = {
    name: look.name,
    pid: look.pid,
    asked: String(look.pid),
    processes: 1,
    upMs: startedMs === null ? null : around.nowMs - startedMs,
    allocators,
    split,
    empty: { minKb: tables.empty.min * TABLE_KB, maxKb: tables.empty.max * TABLE_KB },
    rssKb,
    rssOnceKb: rssKb,
    shared,
    cgroup: around.cgroupOf(look.pid),
    reclaims: around.reclaims,
    moving: isMoving(look),
  };
  return {
    pid: look.pid,
    name: look.name,
    kernel: around.kernel,
    moving: isMoving(look),
    took_ms: look.tookMs,
    vmpte_kb: vmpteKb,
    rss_kb: rssKb,
    virt_kb: last.virtKb,
    tables,
    mappings: mappingsOf(look),
    shared,
    causes: causesOf(input),
    split,
    verdict: verdictOn(input),
    started_ms: startedMs,
    allocators,
  };
}

function addTables(all: readonly Tables[]): Tables {
  const sum = (of: (tables: Tables) => number): number => all.reduce((total, tables) => total + of(tables), 0);
  return {
    upper: { min: sum(({ upper }) => upper.min), max: sum(({ upper }) => upper.max) },
    in_use: sum((tables) => tables.in_use),
    sparse: sum((tables) => tables.sparse),
    deposited: sum((tables) => tables.deposited),
    pinned: sum((tables) => tables.pinned),
    shared: sum((tables) => tables.shared),
    empty: {
      min: sum(({ empty }) => empty.min),
      estimate: sum(({ empty }) => empty.estimate),
      max: sum(({ empty }) => empty.max),
    },
  };
}

/**
 * Resident memory with what several share counted once: all but one of the tables of each shared 2 MiB are left out. Of
 * files and memory with many tables a process: program files and libraries have few, and are resident in parts.
 */
function rssOnce(placed: readonly Pick<Placed, "rssKb">[], shared: readonly SharedFile[]): number {
  const all = placed.reduce((sum, { rssKb }) => sum + rssKb, 0);
  const largest = placed.reduce((most, { rssKb }) => Math.max(most, rssKb), 0);
  const again = shared
    .filter(isLarge)
    .reduce((sum, { kb, one_copy_kb }) => sum + ((kb - one_copy_kb) / TABLE_KB) * TABLE_MAPS_KB, 0);
  return Math.max(largest, all - again);
}

/** Processes that make a service. `asked`: as the command line takes it; `cgroup`: where they are one. */
export function serviceDocument(
  looks: readonly (Look | NoLook)[],
  compared: readonly Look[],
  around: Surroundings,
  { asked, cgroup }: { readonly asked: string; readonly cgroup: CgroupMemory | null },
): ServiceDocument {
  const seen = looks.filter(isLook);
  const sharing = sharingOf([...seen, ...compared]);
  const placed = seen.map((look) => place(look, sharing));
  const processes = placed
    .map((each) => documentOf(each, filesOfProcess(each.look, sharing), around))
    .sort((a, b) => b.vmpte_kb - a.vmpte_kb);
  const tables = addTables(placed.map((each) => each.tables));
  const split = addSplits(placed.map((each) => each.split));
  const mine = new Set(seen.flatMap((look) => filesOfProcess(look, sharing).map(({ file }) => file)));
  const shared = sharing.files.filter(({ file }) => mine.has(file));
  const sum = (of: (each: Placed) => number): number => placed.reduce((total, each) => total + of(each), 0);
  const oldest = processes.reduce<number | null>(
    (least, { started_ms }) => (started_ms === null ? least : Math.min(least ?? started_ms, started_ms)),
    null,
  );
  const input: VerdictInput = {
    name: processes[0]?.name ?? "",
    pid: null,
    asked,
    processes: processes.length,
    upMs: oldest === null ? null : around.nowMs - oldest,
    allocators: [...new Set(processes.flatMap(({ allocators }) => allocators))],
    split,
    empty: { minKb: tables.empty.min * TABLE_KB, maxKb: tables.empty.max * TABLE_KB },
    rssKb: sum(({ rssKb }) => rssKb),
    rssOnceKb: rssOnce(placed, shared),
    shared,
    cgroup,
    reclaims: around.reclaims,
    moving: seen.some(isMoving),
  };
  return {
    processes,
    shared,
    total: {
      processes: processes.length,
      not_readable: looks.filter((look) => !isLook(look) && look.why === "denied").length,
      vmpte_kb: sum(({ vmpteKb }) => vmpteKb),
      rss_kb: input.rssKb,
      tables,
      causes: causesOf(input),
      split,
      verdict: verdictOn(input),
    },
  };
}

/** Processes of one name as one: their sums. */
function servicesOf(seen: readonly Look[], rows: readonly TopRow[]): ServiceRow[] {
  const looks = new Map(seen.map((look) => [look.pid, look]));
  const named = new Map<string, TopRow[]>();
  for (const row of rows) {
    const group = named.get(row.name);
    if (group === undefined) named.set(row.name, [row]);
    else group.push(row);
  }
  return [...named]
    .filter(([, group]) => group.length > 1)
    .map(([name, group]): ServiceRow => {
      const { files } = sharingOf(group.flatMap(({ pid }) => looks.get(pid) ?? []));
      return {
        name,
        pids: group.map(({ pid }) => pid),
        vmpte_kb: group.reduce((sum, { vmpte_kb }) => sum + vmpte_kb, 0),
        rss_once_kb: rssOnce(
          group.map(({ rss_kb }) => ({ rssKb: rss_kb })),
          files,
        ),
        empty: addTables(group.map(({ tables }) => tables)).empty,
        split: addSplits(group.map((row) => row.split)),
      };
    })
    .sort((a, b) => b.vmpte_kb - a.vmpte_kb);
}

/** Every process, the one with the most page tables first. */
export function topDocument(looks: readonly (Look | NoLook)[], pageTablesKb: number, tookMs: number): TopDocument {
  const seen = looks.filter(isLook);
  const sharing = sharingOf(seen);
  const denied = looks.filter((look) => !isLook(look) && look.why === "denied");
  const processes = seen
    .map((look): TopRow => {
      const { tables, split, vmpteKb, rssKb } = place(look, sharing);
      const { pid, name } = look;
      return { pid, name, vmpte_kb: vmpteKb, rss_kb: rssKb, moving: isMoving(look), tables, split };
    })
    .sort((a, b) => b.vmpte_kb - a.vmpte_kb || a.pid - b.pid);
  const split = addSplits(processes.map((row) => row.split));
  return {
    page_tables_kb: pageTablesKb,
    explained_kb: processes.reduce((sum, row) => sum + row.vmpte_kb, 0),
    processes,
    not_readable: denied.length,
    not_readable_kb: denied.reduce((sum, look) => sum + (look.before?.vmpteKb ?? 0), 0),
    split,
    shared: sharing.files,
    services: servicesOf(seen, processes),
    took_ms: tookMs,
  };
}
