import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { differingFields } from "../engine/mm/kernel-profile-fields.ts";
import { KERNEL_PROFILES, REFERENCE_PROFILE } from "../engine/mm/kernel-profiles.ts";
import { parseFindings, profileOf } from "./found-profile.ts";
import { thisKernel } from "./this-kernel.ts";

const said = (name: string) => readFileSync(new URL(`testdata/profile-${name}.txt`, import.meta.url), "utf8");
const found = (name: string) => profileOf(parseFindings(said(name)), name);
const known = (name: string) => KERNEL_PROFILES.get(name) ?? REFERENCE_PROFILE;

describe("what the probe said of Debian's kernels", () => {
  test("6.12 is the profile 6.12, built without names of anonymous memory", () => {
    const { profile, unknown } = found("6.12");
    // The line dontunmap_alone is of its 6.12.117; 6.12.115 says the same.
    expect(profile.name).toBe("6.12.115+deb12-cloud-amd64");
    expect(differingFields(profile, known("6.12"))).toEqual(["anonVmaNames"]);
    // There is nothing to mark.
    expect(unknown).toEqual([]);
  });

  test("6.1 is the profile 6.1, likewise", () => {
    expect(differingFields(found("6.1").profile, known("6.1"))).toEqual(["anonVmaNames"]);
  });
});

test("what could not be tried is said with the reason, and is as in the reference", () => {
  const text = said("6.12").replace(/^zero_page\t.*$/m, "zero_page\tunknown\tthe trial did not end");
  const { profile, unknown } = profileOf(parseFindings(text), "test");
  expect(profile.zeroPage).toBe(true);
  expect(unknown).toEqual([{ field: "zeroPage", why: "the trial did not end" }]);
});

test("a probe that said nothing of a behaviour leaves it unknown", () => {
  const { profile, unknown } = profileOf([], "test");
  expect({ ...profile, name: "reference" }).toEqual(REFERENCE_PROFILE);
  expect(unknown.map(({ field }) => field)).toContain("mremapSeveral");
});

test("lines of a console between the answers are passed over", () => {
  const noise = said("6.12").replaceAll("\n", "\r\n[    3.42] random: crng init done\r\n");
  expect(profileOf(parseFindings(noise), "test")).toEqual(found("6.12"));
});

const kernel = thisKernel();
test.skipIf(!kernel.available)("every behaviour of the running kernel was tried, or the reason is said", () => {
  if (!kernel.available) throw new Error(kernel.why);
  console.log(
    `this kernel: ${kernel.profile.name}; reference differs in ${differingFields(kernel.profile, REFERENCE_PROFILE).join(", ") || "nothing"}`,
  );
  expect(kernel.findings.length).toBeGreaterThan(40);
  for (const { value, seen } of kernel.findings) expect([value, seen]).not.toContain("");
  for (const { field, why } of kernel.unknown) console.log(`not found out: ${field}: ${why}`);
  // Asked again, it says the same.
  expect(thisKernel()).toBe(kernel);
});
