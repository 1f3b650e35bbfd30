/**
 * What changes how a program's releases free page tables, by the allocator that they came from. Advice is what was seen to
 * work on real programs, with its versions and cost, for the calls that were seen; what only a trial can tell is a candidate for
 * `reclaim-lab try`. Settings that were tried and did nothing or harmed are in neither.
 */

export const ALLOCATORS = ["jemalloc", "gperftools", "go", "glibc", "mimalloc", "jvm"] as const;
export type Allocator = (typeof ALLOCATORS)[number];

/** What was seen of a program that a setting could change. */
export type Obstacle = "small_pieces" | "advice_free" | "never_released";

export interface AllocatorSetting {
  readonly allocator: Allocator;
  /** It is offered where one of these was seen. */
  readonly obstacles: readonly Obstacle[];
  /** What to set or to do, as it is written. */
  readonly setting: string;
  /** Versions that it was seen with. */
  readonly versions: string;
  readonly reason: string;
  /** What it costs. */
  readonly cost: string;
  readonly source: { readonly title: string; readonly reference: string };
}

const JEMALLOC = "https://jemalloc.net/jemalloc.3.html";

/** All of them, the likeliest first within an allocator. */
export const ALLOCATOR_SETTINGS: readonly AllocatorSetting[] = [
  {
    allocator: "jemalloc",
    obstacles: ["small_pieces", "never_released"],
    setting: "MALLOC_CONF=background_thread:true",
    versions: "jemalloc 5.3",
    reason:
      "Without background threads unused memory is released only while the program allocates or frees; with them all unused " +
      "memory is released, even while the program is idle.",
    cost: "one more thread for up to four CPUs, a few wake-ups a second",
    source: { title: "jemalloc(3), opt.background_thread", reference: JEMALLOC },
  },
  {
    allocator: "jemalloc",
    obstacles: ["advice_free"],
    setting: "MALLOC_CONF=muzzy_decay_ms:0",
    versions: "jemalloc 5.3 (its default)",
    reason:
      "With a muzzy decay memory is first released by MADV_FREE, which keeps entries and tables; 0 uses MADV_DONTNEED at once.",
    cost: "memory that is soon reused has to be faulted in again",
    source: { title: "jemalloc(3), opt.muzzy_decay_ms", reference: JEMALLOC },
  },
  {
    allocator: "go",
    obstacles: ["advice_free"],
    setting: "GODEBUG=madvdontneed=1",
    versions: "Go 1.12 to 1.15, or with madvdontneed=0; the default since 1.16",
    reason: "MADV_FREE keeps entries and tables; MADV_DONTNEED of whole 2 MiB frees them.",
    cost: "memory that is soon reused has to be faulted in again",
    source: { title: "Go package runtime, GODEBUG", reference: "https://pkg.go.dev/runtime" },
  },
  {
    allocator: "glibc",
    obstacles: ["never_released"],
    setting: "malloc_trim(0), called by the program at quiet moments",
    versions: "glibc 2.8 and later; tried with 2.36",
    reason:
      "free() releases only the top of the heap. malloc_trim releases every free page in the middle by MADV_DONTNEED; where " +
      "2 MiB or more are free together, their tables are freed.",
    cost: "the arenas are locked meanwhile: 0.6 to 2.2 s observed for some GB",
    source: { title: "malloc_trim(3)", reference: "https://man7.org/linux/man-pages/man3/malloc_trim.3.html" },
  },
];

const BACKGROUND_THREADS = "MALLOC_CONF=background_thread:true";
/** Programs that turn these on by themselves (jemalloc-bg-thread yes). */
const HAS_BACKGROUND_THREADS = /^(?:redis|valkey)-ser/;

/** Those that could change what was seen of a program, where it does not set them by itself. */
export function settingsAgainst(
  obstacles: ReadonlySet<Obstacle>,
  allocators: readonly Allocator[],
  program: string,
): AllocatorSetting[] {
  return ALLOCATOR_SETTINGS.filter(
    (each) =>
      allocators.includes(each.allocator) &&
      each.obstacles.some((obstacle) => obstacles.has(obstacle)) &&
      !(each.setting === BACKGROUND_THREADS && HAS_BACKGROUND_THREADS.test(program)),
  );
}

/** A setting of the environment that may help or harm: only a trial of the program tells. */
export interface TrialSetting {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What `reclaim-lab try` tries where nothing is given. */
export const TRIAL_SETTINGS: Readonly<Record<Allocator, readonly TrialSetting[]>> = {
  jemalloc: [
    { name: "background thread", env: { MALLOC_CONF: "background_thread:true" } },
    { name: "no decay", env: { MALLOC_CONF: "dirty_decay_ms:0,muzzy_decay_ms:0" } },
    { name: "2 arenas", env: { MALLOC_CONF: "narenas:2" } },
  ],
  gperftools: [
    { name: "release rate 10", env: { TCMALLOC_RELEASE_RATE: "10" } },
    { name: "aggressive decommit", env: { TCMALLOC_AGGRESSIVE_DECOMMIT: "true" } },
  ],
  go: [
    { name: "GOGC 50", env: { GOGC: "50" } },
    { name: "madvdontneed", env: { GODEBUG: "madvdontneed=1" } },
  ],
  glibc: [
    { name: "1 arena", env: { MALLOC_ARENA_MAX: "1" } },
    { name: "trim above 128 kB", env: { MALLOC_TRIM_THRESHOLD_: "131072" } },
    { name: "map above 64 kB", env: { MALLOC_MMAP_THRESHOLD_: "65536" } },
  ],
  mimalloc: [
    { name: "purge at once", env: { MIMALLOC_PURGE_DELAY: "0", MIMALLOC_RESET_DELAY: "0" } },
    { name: "eager page reset", env: { MIMALLOC_PAGE_RESET: "1" } },
  ],
  jvm: [
    { name: "ZGC", env: { JAVA_TOOL_OPTIONS: "-XX:+UseZGC -XX:ZUncommitDelay=5" } },
    { name: "G1, periodic", env: { JAVA_TOOL_OPTIONS: "-XX:G1PeriodicGCInterval=5000" } },
  ],
};

/** Library and thread names that tell which allocator a program uses. */
const SIGNS: readonly (readonly [RegExp, Allocator])[] = [
  [/jemalloc/i, "jemalloc"],
  [/^(?:redis|valkey)-(?:server|ser)/i, "jemalloc"],
  [/tcmalloc/i, "gperftools"],
  [/mimalloc/i, "mimalloc"],
  [/^libjvm\.so|^java$/i, "jvm"],
  [/^libc\.so|^libc-\d/i, "glibc"],
];

/** Where the runtime of Go asks for its first arena on 64-bit systems (src/runtime/malloc.go: mallocinit, 0x00c0<<32). */
export const GO_ARENA = { start: 0xc0_0000_0000, end: 0xc1_0000_0000 } as const;
/** What stands for it among the names that `allocatorsOf` takes. */
export const GO_NAME = "(heap of Go)";

/** The allocators that the names of a program's files and threads point to; glibc only where no other does. */
export function allocatorsOf(names: Iterable<string>): readonly Allocator[] {
  const found = new Set<Allocator>();
  for (const name of names) {
    if (name === GO_NAME) found.add("go");
    for (const [sign, allocator] of SIGNS) if (sign.test(name)) found.add(allocator);
  }
  if (found.size > 1) found.delete("glibc");
  // A program of Go that loads C libraries still has Go's heap.
  if (found.has("go") && !found.has("jemalloc")) return ["go"];
  return [...found];
}
