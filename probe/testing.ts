/** For tests on the real kernel: what kernel is here and what it was found to be, and why not if there is none. */
import { describe } from "vitest";
import { differingFields } from "../engine/mm/kernel-profile-fields.ts";
import { REFERENCE_PROFILE } from "../engine/mm/kernel-profiles.ts";
import type { FoundProfile } from "./found-profile.ts";
import { thisKernel } from "./this-kernel.ts";

const kernel = thisKernel();

/** MADV_DONTNEED_LOCKED is of 5.18: a kernel without it is older than what the lab knows. */
const tooOld =
  kernel.available && kernel.findings.some(({ name, value }) => name === "dontneed_locked" && value === "no");

/** Why tests on the real kernel are skipped; null where they run. */
export const skipReason: string | null = !kernel.available
  ? kernel.why
  : tooOld
    ? `Linux ${kernel.profile.name} is older than 6.1`
    : null;

if (skipReason !== null) console.warn(`tests on the real kernel are skipped: ${skipReason}`);

/** What the running kernel was found to be. Throws where tests on it are skipped. */
export function foundKernel(): FoundProfile {
  if (!kernel.available) throw new Error(kernel.why);
  return kernel;
}

/** The kernel and how it differs from the reference, in a line. */
export function kernelInWords(): string {
  const { profile } = foundKernel();
  const fields = differingFields(profile, REFERENCE_PROFILE);
  return `Linux ${profile.name}, as the reference${fields.length === 0 ? "" : ` but for ${fields.join(", ")}`}`;
}

type Suite = (title: string, suite: () => void) => void;

/** A suite; where `why` is given its title says why it is skipped. */
const suiteUnless =
  (why: string | null): Suite =>
  (title, suite) =>
    why === null ? describe(title, suite) : describe.skip(`${title} (skipped: ${why})`, suite);

/** A suite on the running kernel, whatever it can do. */
export const describeKernel: Suite = suiteUnless(skipReason);

/** A suite that needs a kernel with the series. */
export const describeReclaimingKernel: Suite = suiteUnless(
  skipReason ??
    (foundKernel().profile.ptReclaim ? null : `Linux ${foundKernel().profile.name} does not reclaim page tables`),
);
