/** Which kernel the runs of an experiment are about. */
import type { StoredProfile } from "../../db/records.ts";
import { ReclaimLabError } from "../../engine/error.ts";
import type { KernelProfile } from "../../engine/mm/kernel-profile.ts";
import { parseKernelProfile } from "../../engine/mm/kernel-profile-fields.ts";
import { REFERENCE_PROFILE } from "../../engine/mm/kernel-profiles.ts";
import { requireThisProfile } from "../../probe/this-kernel.ts";

export interface ExperimentProfiles {
  /** Of modelled runs. */
  readonly model: KernelProfile;
  /** Of measured runs; null where there are none. */
  readonly kernel: KernelProfile | null;
}

/**
 * Modelled is what was asked for; where nothing was, the kernel that is measured beside it, so that model and measured are of one
 * kernel, and else the reference. Errors: BadInputError for what is no profile, NoKernelError where a kernel that cannot be asked
 * is to be measured.
 */
export function profilesFor(
  asked: { readonly name: string } | undefined,
  measured: boolean,
  levels: 4 | 5,
): ExperimentProfiles {
  const kernel = measured ? requireThisProfile() : null;
  const model =
    asked === undefined ? (kernel ?? REFERENCE_PROFILE) : parseKernelProfile(asked, "the kernel that is asked for");
  return { model: { ...model, levels }, kernel };
}

/** The profile that a stored run is made again under: its own; the reference where it has none that this program knows. */
export function profileAgain(stored: StoredProfile | null): KernelProfile {
  if (stored === null) return REFERENCE_PROFILE;
  try {
    return parseKernelProfile(stored, "the stored run");
  } catch (error) {
    if (!(error instanceof ReclaimLabError)) throw error;
    return REFERENCE_PROFILE;
  }
}

/** As it is stored. */
export const storedProfile = (profile: KernelProfile): StoredProfile => ({ ...profile });
