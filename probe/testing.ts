/** For tests on the real kernel: what is here, and why not where it is not. */
import { describe } from "vitest";
import { detect } from "./detect.ts";

const kernel = detect();

/** Why tests on the real kernel are skipped; null where they run. */
export const skipReason: string | null = !kernel.available
  ? kernel.why
  : kernel.reclaims
    ? null
    : `Linux ${kernel.release} does not reclaim page tables`;

if (skipReason !== null) console.warn(`tests on the real kernel are skipped: ${skipReason}`);

/** A suite that needs a kernel with the series; where there is none its title says why it is skipped. */
export const describeKernel: typeof describe.skip =
  skipReason === null
    ? (describe as typeof describe.skip)
    : (((title: string, ...rest: [never]) => describe.skip(`${title} (skipped: ${skipReason})`, ...rest)) as never);
