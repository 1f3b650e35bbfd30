/**
 * Tables that several processes have of the same thing: the same 2 MiB of the same file or shared memory. Each process
 * has tables of its own for what it maps, so N processes that map one buffer have N times the same tables.
 */
import { type Look, type Mapping, TABLE_KB, WINDOW_BYTES, WINDOWS_PER_PMD_TABLE } from "./look.ts";
import { isOfFile } from "./tables.ts";

export interface SharedFile {
  /** As the kernel names it: a path, "/memfd:NAME (deleted)", "/SYSV...". */
  readonly file: string;
  readonly processes: number;
  /** Of all these processes together. */
  readonly tables: number;
  readonly kb: number;
  /** What one table for each 2 MiB of it would cost. */
  readonly one_copy_kb: number;
  /** What 2 MiB pages cost: no PTE tables, one PMD table for each GiB and process. */
  readonly huge_kb: number;
}

export interface Sharing {
  readonly files: readonly SharedFile[];
  /** Tables of each process (by pid) that another one has too. */
  readonly byPid: ReadonlyMap<number, number>;
  /** ... of them sparse. */
  readonly sparseByPid: ReadonlyMap<number, number>;
}

/** A stretch of 2 MiB chunks of a file that a process has tables for. */
interface Piece {
  readonly pid: number;
  readonly first: number;
  readonly end: number;
  readonly sparse: boolean;
  /** Window of chunk 0, to tell which GiB of the address space it is in. */
  readonly windowOfZero: number;
}

/** The chunk of its file that a window maps; a mapping that is not aligned to 2 MiB counts for the nearer one. */
function chunkOf(mapping: Mapping, window: number): number {
  return Math.round((mapping.offset + window * WINDOW_BYTES - mapping.start) / WINDOW_BYTES);
}

/** The files of which a process has tables of its own alone, the ones with the most tables first. */
export function filesOf(look: Look): { readonly file: string; readonly tables: number }[] {
  const { runs, mappings } = look.passes[look.passes.length - 1];
  const tables = new Map<string, number>();
  for (let i = 0; i < runs.length; i++) {
    const file = isOfFile(runs.state[i]) ? mappings.get(runs.mapping[i])?.file : undefined;
    if (file) tables.set(file, (tables.get(file) ?? 0) + runs.windows[i]);
  }
  return [...tables].map(([file, count]) => ({ file, tables: count })).sort((a, b) => b.tables - a.tables);
}

function piecesByFile(looks: readonly Look[]): Map<string, { name: string; pieces: Piece[] }> {
  const files = new Map<string, { name: string; pieces: Piece[] }>();
  for (const { pid, passes } of looks) {
    const { runs, mappings } = passes[passes.length - 1];
    for (let i = 0; i < runs.length; i++) {
      if (!isOfFile(runs.state[i])) continue;
      const mapping = mappings.get(runs.mapping[i]);
      if (mapping === undefined || mapping.file === null) continue;
      let file = files.get(mapping.file);
      if (file === undefined) {
        file = { name: mapping.name, pieces: [] };
        files.set(mapping.file, file);
      }
      const first = chunkOf(mapping, runs.window[i]);
      const sparse = (runs.state[i] & 0xf) === 2;
      file.pieces.push({ pid, first, end: first + runs.windows[i], sparse, windowOfZero: runs.window[i] - first });
    }
  }
  return files;
}

interface FileTally {
  tables: number;
  chunks: number;
  readonly pids: Set<number>;
  readonly gibs: Set<string>;
}

/** Goes along a file and tells of each stretch which pieces lie over it, where these are of two processes or more. */
function forShared(pieces: readonly Piece[], tell: (from: number, to: number, over: readonly Piece[]) => void): void {
  const edges = pieces
    .flatMap((piece) => [
      { at: piece.first, piece, begins: true },
      { at: piece.end, piece, begins: false },
    ])
    .sort((a, b) => a.at - b.at);
  const over = new Map<Piece, number>();
  const pids = new Map<number, number>();
  for (let i = 0; i < edges.length; i++) {
    const { at, piece, begins } = edges[i];
    if (begins) {
      over.set(piece, at);
      pids.set(piece.pid, (pids.get(piece.pid) ?? 0) + 1);
    } else {
      over.delete(piece);
      const left = (pids.get(piece.pid) ?? 1) - 1;
      if (left === 0) pids.delete(piece.pid);
      else pids.set(piece.pid, left);
    }
    const next = edges[i + 1]?.at ?? at;
    if (next > at && pids.size > 1) tell(at, next, [...over.keys()]);
  }
}

/** Compares the processes that were looked at. */
export function sharingOf(looks: readonly Look[]): Sharing {
  const byPid = new Map<number, number>();
  const sparseByPid = new Map<number, number>();
  const files: SharedFile[] = [];
  for (const { name, pieces } of piecesByFile(looks).values()) {
    if (pieces.every(({ pid }) => pid === pieces[0].pid)) continue;
    const tally: FileTally = { tables: 0, chunks: 0, pids: new Set(), gibs: new Set() };
    forShared(pieces, (from, to, over) => {
      tally.chunks += to - from;
      for (const { pid, sparse, windowOfZero } of over) {
        tally.tables += to - from;
        tally.pids.add(pid);
        byPid.set(pid, (byPid.get(pid) ?? 0) + to - from);
        if (sparse) sparseByPid.set(pid, (sparseByPid.get(pid) ?? 0) + to - from);
        const last = Math.floor((windowOfZero + to - 1) / WINDOWS_PER_PMD_TABLE);
        for (let gib = Math.floor((windowOfZero + from) / WINDOWS_PER_PMD_TABLE); gib <= last; gib++)
          tally.gibs.add(`${pid} ${gib}`);
      }
    });
    if (tally.tables === 0) continue;
    files.push({
      file: name,
      processes: tally.pids.size,
      tables: tally.tables,
      kb: tally.tables * TABLE_KB,
      one_copy_kb: tally.chunks * TABLE_KB,
      huge_kb: tally.gibs.size * TABLE_KB,
    });
  }
  files.sort((a, b) => b.kb - a.kb);
  return { files, byPid, sparseByPid };
}
