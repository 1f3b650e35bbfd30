/** Which policies the running kernel can be held to, and how the probe makes each. */
import type { Mode } from "../engine/experiment/types.ts";
import type { KernelProfile } from "../engine/mm/kernel-profile.ts";

/** How the probe issues MADV_DONTNEED: unchanged, or in chunks below 2 MiB, whose tables no kernel reclaims. */
export type Dontneed = "whole" | "pieces";

/** A kernel that reclaims is `sync`, and `none` with every DONTNEED in chunks; one that does not is `none` unchanged. null: not possible there. */
export function dontneedFor(mode: Mode, profile: Pick<KernelProfile, "ptReclaim">): Dontneed | null {
  if (mode === "sync") return profile.ptReclaim ? "whole" : null;
  if (mode === "none") return profile.ptReclaim ? "pieces" : "whole";
  return null;
}

/** Those of the modes that a kernel can be held to. */
export function modesOn(profile: Pick<KernelProfile, "ptReclaim">, modes: readonly Mode[]): readonly Mode[] {
  return modes.filter((mode) => dontneedFor(mode, profile) !== null);
}
