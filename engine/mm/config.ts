/**
 * The configuration of a modelled kernel. It is made from the features of a policy; the code tests features,
 * never for a policy.
 */

import type { CostModel } from "./cost.ts";
import { DEFAULT_COST } from "./cost.ts";
import { EngineError } from "./error.ts";
import type { Patches, ReclaimFeatures } from "./features.ts";
import type { KernelConfig } from "./kernel-config.ts";
import type { KernelProfile } from "./kernel-profile.ts";
import { REFERENCE_PROFILE } from "./kernel-profiles.ts";

/** Room for about 2 million tables filled piecemeal, or 200 million filled in one stretch. */
export const TABLE_BYTES_MAX = 4 * 2 ** 30;

export interface KernelOptions {
  /** What becomes of empty PTE tables (engine/experiment/policies.ts has them by policy). */
  readonly features: ReclaimFeatures;
  readonly seed?: number;
  /** What sort of kernel; what is left out is as in the reference profile. */
  readonly profile?: Partial<KernelProfile>;
  /** 4 or 5 levels (by default the profile's); x86_64 or i386; SMP or UP. */
  readonly config?: Partial<KernelConfig>;
  /** Which patches are in; by default those of the features. */
  readonly patches?: Patches;
  readonly cost?: CostModel;
  /** Probability that need_resched() is true when zap_pte_range() asks, each time it asks. */
  readonly reschedRate?: number;
  /** A table whose entries are all the shared zero page is empty to whoever looks at its entries. */
  readonly zeroTables?: boolean;
  /** Probability that the page for a batch of tables cannot be allocated. */
  readonly batchFailRate?: number;
  /** `process`: the first process has the mappings of a small program (40 kB of tables). `empty`: none. */
  readonly image?: "process" | "empty";
  /** Keep freed rows freed and assert on every access. */
  readonly checked?: boolean;
  /**
   * Operations take the paths as the explorer does, point by point: pages have identities and contents, locks are real. Slow; what
   * comes of an operation is the same.
   */
  readonly explored?: boolean;
  /** Files are tmpfs (`shmem`) or on a disk file system. */
  readonly files?: "shmem" | "disk";
  /** Bytes that the model itself may take for all tables together; an operation that needs more throws EngineError. */
  readonly tableBytesMax?: number;
}

/** KernelOptions with every default filled in and checked. */
export interface ResolvedOptions extends Required<Omit<KernelOptions, "config" | "profile">> {
  readonly config: KernelConfig;
  readonly profile: KernelProfile;
}

function checkRate(name: string, rate: number, most: "less than 1" | "at most 1"): number {
  if (!(rate >= 0 && (rate < 1 || (rate === 1 && most === "at most 1"))))
    throw new EngineError(`${name} is ${rate}; it must be a probability of at least 0 and ${most}`);
  return rate;
}

/**
 * Fills in defaults and refuses impossible configurations.
 * Errors: EngineError for reclaim on a kernel whose architecture does not select ARCH_SUPPORTS_PT_RECLAIM (patch 11), for
 * five levels on 32-bit, and for rates that are not probabilities.
 */
export function resolveOptions(options: KernelOptions): ResolvedOptions {
  const arch = options.config?.arch ?? "x86_64";
  const smp = options.config?.smp ?? true;
  const profile = { ...REFERENCE_PROFILE, ...options.profile };
  const levels = options.config?.levels ?? profile.levels;
  const { features } = options;
  const patches = options.patches ?? features.patches;
  if (arch === "i386" && levels === 5) throw new EngineError("five-level page tables need x86_64; 32-bit x86 has none");
  if (features.patches.reclaim && (arch !== "x86_64" || !smp)) {
    const why = arch !== "x86_64" ? `${arch} does not select ARCH_SUPPORTS_PT_RECLAIM` : "CONFIG_PT_RECLAIM needs SMP";
    throw new EngineError(`reclaim is not possible on this kernel: ${why}; use x86_64 with SMP, or no reclaim`);
  }
  if (arch === "i386") throw new EngineError("the engine models x86_64 only; use arch x86_64");
  return {
    features,
    seed: options.seed ?? 1,
    profile: { ...profile, levels },
    config: { arch, smp, levels, ptReclaim: patches.reclaim },
    patches,
    cost: options.cost ?? DEFAULT_COST,
    reschedRate: checkRate("reschedRate", options.reschedRate ?? 0, "less than 1"),
    batchFailRate: checkRate("batchFailRate", options.batchFailRate ?? 0, "at most 1"),
    zeroTables: options.zeroTables ?? false,
    image: options.image ?? "process",
    checked: options.checked ?? options.explored ?? false,
    explored: options.explored ?? false,
    files: options.files ?? "shmem",
    tableBytesMax: options.tableBytesMax ?? TABLE_BYTES_MAX,
  };
}
