import type { KernelOptions } from "../mm/config.ts";

/**
 * The kernel that a trace is replayed on, the mode aside: no mapping but those of the trace, files on a disk, and no limit
 * of its own (hugetlb pool, number of mappings, size of the stack) that the traced kernel, which let the calls succeed, did not set.
 */
export const TRACE_KERNEL = {
  image: "empty",
  files: "disk",
  hugetlbPages: 2 ** 24,
  maxMapCount: 2 ** 31,
  stackPages: 2 ** 31,
} as const satisfies Partial<KernelOptions>;
