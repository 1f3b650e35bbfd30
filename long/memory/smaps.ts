/** What a process's resident memory is made of, from /proc/PID/smaps. */
import { readFileSync } from "node:fs";

const KINDS = ["allocator", "threads and V8", "code and files"] as const;
export type MemoryKind = (typeof KINDS)[number];
export type MemoryMb = Readonly<Record<MemoryKind | "all", number>>;

/** glibc's heaps of threads are mapped at multiples of this. */
const ARENA_BYTES = 64n * 1024n * 1024n;

function kindOf(from: bigint, to: bigint, path: string): MemoryKind {
  if (path === "[heap]" || (path === "" && from % ARENA_BYTES === 0n && to - from <= ARENA_BYTES)) return "allocator";
  return path.startsWith("/") ? "code and files" : "threads and V8";
}

/** Resident MB by what it is for. */
export function memoryOf(pid: number): MemoryMb {
  const kb: Record<MemoryKind, number> = { allocator: 0, "threads and V8": 0, "code and files": 0 };
  let kind: MemoryKind = "code and files";
  for (const line of readFileSync(`/proc/${pid}/smaps`, "utf8").split("\n")) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \d+\s*(.*)$/.exec(line);
    if (head) kind = kindOf(BigInt(`0x${head[1]}`), BigInt(`0x${head[2]}`), head[3] ?? "");
    else kb[kind] += Number(/^Rss:\s+(\d+)/.exec(line)?.[1] ?? 0);
  }
  const mb = Object.fromEntries(KINDS.map((each) => [each, kb[each] / 1024])) as Record<MemoryKind, number>;
  return { ...mb, all: KINDS.reduce((sum, each) => sum + mb[each], 0) };
}
