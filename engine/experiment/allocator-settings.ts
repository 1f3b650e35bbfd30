/**
 * Settings of allocators and runtimes that decide whether their releases free page tables, each with its reason and where
 * it is documented. Defaults are those of the versions named.
 */

export const ALLOCATORS = ["jemalloc", "gperftools", "tcmalloc", "go", "glibc", "mimalloc", "jvm"] as const;
export type Allocator = (typeof ALLOCATORS)[number];

/** What stands in the way; a setting is shown where it removes what was seen. */
export type Obstacle = "small_pieces" | "advice_free" | "never_released" | "split_vma" | "already_works";

export interface AllocatorSetting {
  readonly allocator: Allocator;
  readonly obstacle: Obstacle;
  /** What to set, as it is written. */
  readonly setting: string;
  readonly reason: string;
  readonly source: { readonly title: string; readonly reference: string };
}

const JEMALLOC = { title: "jemalloc(3)", reference: "https://jemalloc.net/jemalloc.3.html" };
const GPERFTOOLS = {
  title: "gperftools: TCMalloc, section Modifying Runtime Behavior",
  reference: "https://gperftools.github.io/gperftools/tcmalloc.html",
};
const TCMALLOC_TUNING = {
  title: "TCMalloc: Performance Tuning",
  reference: "https://github.com/google/tcmalloc/blob/master/docs/tuning.md",
};
const TEMERAIRE = {
  title: "TCMalloc: Temeraire, the hugepage-aware allocator",
  reference: "https://github.com/google/tcmalloc/blob/master/docs/temeraire.md",
};
const GO_SCAVENGER = {
  title: "Go runtime, src/runtime/mgcscavenge.go: scavengerState.run, scavengeQuantum",
  reference: "https://github.com/golang/go/blob/master/src/runtime/mgcscavenge.go",
};
const GO_RUNTIME = { title: "Go package runtime, GODEBUG", reference: "https://pkg.go.dev/runtime" };
const MALLOPT = { title: "mallopt(3)", reference: "https://man7.org/linux/man-pages/man3/mallopt.3.html" };
const MALLOC_TRIM = { title: "malloc_trim(3)", reference: "https://man7.org/linux/man-pages/man3/malloc_trim.3.html" };
const MIMALLOC = {
  title: "mimalloc: environment options",
  reference: "https://microsoft.github.io/mimalloc/environment.html",
};
const ZGC = { title: "JEP 351: ZGC: Uncommit Unused Memory", reference: "https://openjdk.org/jeps/351" };

/** All of them, the likeliest first within an allocator. */
export const ALLOCATOR_SETTINGS: readonly AllocatorSetting[] = [
  {
    allocator: "jemalloc",
    obstacle: "small_pieces",
    setting: "MALLOC_CONF=dirty_decay_ms:30000 (or longer)",
    reason:
      "Dirty extents that wait longer coalesce with their neighbours before they are purged, so that a purge more often " +
      "covers whole 2 MiB; the default of 10 s, and 0 even more, purges many small extents one by one.",
    source: { ...JEMALLOC, title: "jemalloc(3), opt.dirty_decay_ms" },
  },
  {
    allocator: "jemalloc",
    obstacle: "small_pieces",
    setting: "mallctl arena.<i>.purge at quiet moments (redis: MEMORY PURGE)",
    reason:
      "Purging an arena at once, after much of it became free, gives back longer runs than decay does bit by bit.",
    source: { ...JEMALLOC, title: "jemalloc(3), arena.<i>.purge" },
  },
  {
    allocator: "jemalloc",
    obstacle: "small_pieces",
    setting: "MALLOC_CONF=narenas:N with a small N",
    reason: "Fewer arenas pack live objects more densely, so that free runs are longer; it costs lock contention.",
    source: { ...JEMALLOC, title: "jemalloc(3), opt.narenas" },
  },
  {
    allocator: "jemalloc",
    obstacle: "advice_free",
    setting: "MALLOC_CONF=muzzy_decay_ms:0",
    reason:
      "With a muzzy decay, pages are first given back by MADV_FREE, which keeps entries and tables; 0 (the default of " +
      "current versions) goes to MADV_DONTNEED at once.",
    source: { ...JEMALLOC, title: "jemalloc(3), opt.muzzy_decay_ms" },
  },
  {
    allocator: "jemalloc",
    obstacle: "never_released",
    setting: "MALLOC_CONF=dirty_decay_ms:10000,background_thread:true",
    reason:
      "A decay of -1 never gives anything back, and without background threads decay advances only while the program " +
      "allocates.",
    source: { ...JEMALLOC, title: "jemalloc(3), opt.background_thread" },
  },
  {
    allocator: "jemalloc",
    obstacle: "already_works",
    setting: "MALLOC_CONF=retain:true (default on 64-bit Linux)",
    reason:
      "With it jemalloc keeps its address space and releases by MADV_DONTNEED: just the case that the series is for. " +
      "retain:false unmaps instead, which frees tables on every kernel and costs VMAs.",
    source: { ...JEMALLOC, title: "jemalloc(3), opt.retain" },
  },
  {
    allocator: "gperftools",
    obstacle: "small_pieces",
    setting: "TCMALLOC_AGGRESSIVE_DECOMMIT=false (the default)",
    reason:
      "Aggressive decommit gives each span back alone, as soon as it is free and before it is merged with its neighbours. " +
      "At the release rate free spans coalesce first, so that a release more often covers whole 2 MiB.",
    source: {
      title: "gperftools, src/page_heap.cc: PageHeap::MergeIntoFreeList",
      reference: "https://github.com/gperftools/gperftools/blob/master/src/page_heap.cc",
    },
  },
  {
    allocator: "gperftools",
    obstacle: "never_released",
    setting: "TCMALLOC_RELEASE_RATE=5 (default 1, 0 never releases)",
    reason: "The page heap gives back one span for so many pages freed; a higher rate returns memory sooner.",
    source: GPERFTOOLS,
  },
  {
    allocator: "tcmalloc",
    obstacle: "never_released",
    setting: "MallocExtension::SetBackgroundReleaseRate with MallocExtension::ProcessBackgroundActions in a thread",
    reason: "Without a background thread nothing free is given back to the kernel.",
    source: TCMALLOC_TUNING,
  },
  {
    allocator: "tcmalloc",
    obstacle: "small_pieces",
    setting: "keep the hugepage-aware page heap (the default), and do not break up huge pages (subrelease)",
    reason:
      "It packs allocations into 2 MiB pages so that whole ones become free: those releases cover a table. Subrelease " +
      "gives back parts of a huge page, which never do.",
    source: TEMERAIRE,
  },
  {
    allocator: "go",
    obstacle: "small_pieces",
    setting: "runtime/debug.FreeOSMemory() at quiet moments, GOGC or GOMEMLIMIT so that the heap need not shrink often",
    reason:
      "The background scavenger gives back 64 KiB at a time, far below the 2 MiB of a table: no setting makes its pieces " +
      "larger. FreeOSMemory and heap growth release longer runs.",
    source: GO_SCAVENGER,
  },
  {
    allocator: "go",
    obstacle: "advice_free",
    setting: "GODEBUG=madvdontneed=1 (the default since Go 1.16)",
    reason: "madvdontneed=0 gives memory back by MADV_FREE, which keeps entries and tables.",
    source: GO_RUNTIME,
  },
  {
    allocator: "glibc",
    obstacle: "never_released",
    setting: "GLIBC_TUNABLES=glibc.malloc.trim_threshold=131072 (mallopt M_TRIM_THRESHOLD)",
    reason:
      "free() shrinks the heap with brk, or a thread's heap, only above the threshold, and setting it turns off its " +
      "growth by itself. Shrinking with brk frees tables on every kernel.",
    source: MALLOPT,
  },
  {
    allocator: "glibc",
    obstacle: "small_pieces",
    setting: "malloc_trim(0) at quiet moments",
    reason:
      "It releases every free page in the middle of the heaps with MADV_DONTNEED; runs of 2 MiB and more free their tables.",
    source: MALLOC_TRIM,
  },
  {
    allocator: "mimalloc",
    obstacle: "small_pieces",
    setting: "MIMALLOC_PURGE_DELAY=100 (or longer)",
    reason: "Pages that wait longer before they are purged are purged in longer runs.",
    source: MIMALLOC,
  },
  {
    allocator: "mimalloc",
    obstacle: "advice_free",
    setting: "MIMALLOC_PURGE_DECOMMITS=1 (the default)",
    reason: "0 resets memory by MADV_FREE, which keeps entries and tables; 1 decommits it by MADV_DONTNEED.",
    source: MIMALLOC,
  },
  {
    allocator: "jvm",
    obstacle: "never_released",
    setting: "-XX:+UseZGC -XX:ZUncommitDelay=N, or G1 with -XX:G1PeriodicGCInterval=N",
    reason: "The heap gives memory back only when the collector uncommits it, which most are slow or unwilling to do.",
    source: ZGC,
  },
];

/** Library and thread names that tell which allocator a program uses. */
const SIGNS: readonly (readonly [RegExp, Allocator])[] = [
  [/jemalloc/i, "jemalloc"],
  [/^redis-/i, "jemalloc"],
  [/tcmalloc/i, "gperftools"],
  [/mimalloc/i, "mimalloc"],
  [/^libjvm\.so|^java$/i, "jvm"],
  [/^libc\.so|^libc-\d/i, "glibc"],
];

/** The allocators that the names of a program's files and threads point to; glibc only where no other does. */
export function allocatorsOf(names: Iterable<string>): readonly Allocator[] {
  const found = new Set<Allocator>();
  for (const name of names) for (const [sign, allocator] of SIGNS) if (sign.test(name)) found.add(allocator);
  if (found.size > 1) found.delete("glibc");
  return [...found];
}
