/**
 * How the lab host's process keeps its memory. A run lives in a thread of its own, and glibc gives threads heaps that it
 * neither returns to the system nor joins when the thread is gone: with its defaults, what big runs left behind kept the
 * host at several hundred MB for good. Few heaps, big blocks mapped one by one and early trimming keep it level.
 * Read by the C library when the process starts; a library that does not know them ignores them.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: "2",
  // Fixed: left to itself it rises to 32 MB with the first big block that is freed.
  MALLOC_MMAP_THRESHOLD_: "65536",
  MALLOC_TRIM_THRESHOLD_: "131072",
  MALLOC_TOP_PAD_: "65536",
};

/**
 * What Node is given besides. V8 gives each thread a young generation that grows with its busiest moment, to 48 MB, and gives back
 * nothing of it at rest: a host that had made 1,300 experiments held 258 MB. With semi-spaces of 4 MB it is 12 MB.
 */
export const HOST_ARGUMENTS: readonly string[] = ["--max-semi-space-size=4"];

/** The environment that a host is started with; what the user says of the allocator goes before. */
export function withAllocatorSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...SETTINGS, ...env };
}

/** In the host, first of all: they are for its own process; the programs that it measures must not see them. */
export function keepAllocatorSettings(env: NodeJS.ProcessEnv = process.env): void {
  for (const [name, value] of Object.entries(SETTINGS)) if (env[name] === value) delete env[name];
}
