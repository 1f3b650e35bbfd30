import type { KernelOptions } from "../mm/config.ts";
import type { KernelProfile } from "../mm/kernel-profile.ts";

/**
 * The kernel that a trace is replayed on, the mode aside: `profile` (by default the reference), no mapping but those of the trace,
 * files on a disk, and no limit of its own (hugetlb pool, number of mappings, size of the stack) that the traced kernel, which
 * let the calls succeed, did not set.
 */
export function traceKernel(profile: Partial<KernelProfile> = {}) {
  return {
    image: "empty",
    files: "disk",
    profile: { ...profile, hugetlbPages: 2 ** 24, maxMapCount: 2 ** 31, stackPages: 0 },
  } as const satisfies Partial<KernelOptions>;
}
