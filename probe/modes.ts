/** Which policies the running kernel can be held to, and how the probe makes each. */
import type { Mode } from "../engine/experiment/types.ts";
import type { KernelProfile } from "../engine/mm/kernel-profile.ts";

/** How the probe issues MADV_DONTNEED: as it is, or in pieces below 2 MiB, which no kernel reclaims the tables of. */
export type Dontneed = "whole" | "pieces";

/** What a kernel that reclaims does is `sync`, and `none` with every DONTNEED in pieces; one that does not is `none` as it is. null: not to be had there. */
export function dontneedFor(mode: Mode, profile: Pick<KernelProfile, "ptReclaim">): Dontneed | null {
  if (mode === "sync") return profile.ptReclaim ? "whole" : null;
  if (mode === "none") return profile.ptReclaim ? "pieces" : "whole";
  return null;
}

/** Those of the modes that a kernel can be held to. */
export function modesOn(profile: Pick<KernelProfile, "ptReclaim">, modes: readonly Mode[]): readonly Mode[] {
  return modes.filter((mode) => dontneedFor(mode, profile) !== null);
}
