import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { KernelProfile } from "./kernel-profile.ts";
import {
  differingFields,
  PROFILE_FIELD_NAMES,
  type ProfileFieldName,
  parseKernelProfile,
  sayField,
} from "./kernel-profile-fields.ts";
import { KERNEL_PROFILES, REFERENCE_PROFILE } from "./kernel-profiles.ts";

const asFile = (profile: KernelProfile): unknown => JSON.parse(JSON.stringify(profile));

test("every profile that comes with the lab passes the check of one from a file", () => {
  expect([...KERNEL_PROFILES.keys()]).toEqual(["reference", "6.1", "6.12", "7.2", "6.18-no-zero-page"]);
  for (const profile of KERNEL_PROFILES.values())
    expect(parseKernelProfile(asFile(profile), "profile.json")).toEqual(profile);
});

test("every field of every profile has a sentence", () => {
  for (const profile of KERNEL_PROFILES.values())
    for (const field of PROFILE_FIELD_NAMES) expect(sayField(profile, field)).toMatch(/^[A-Za-z].*[^.]$/);
});

test.each<[why: string, change: Record<string, unknown>]>([
  ["zeroPage is 1; it must be true or false", { zeroPage: 1 }],
  ['there is no field "colour"', { colour: "red" }],
  ["the fields levels, swap are missing", { levels: undefined, swap: undefined }],
  ["levels is 3; it must be one of 4, 5", { levels: 3 }],
  ["maxMapCount is 1.5; it must be a whole number", { maxMapCount: 1.5 }],
  ['thpSizes is {"48":"always"}; "48" is not a size in kB', { thpSizes: { "48": "always" } }],
  ['thpSizes is {"64":"on"}; for 64 kB it must be one of', { thpSizes: { "64": "on" } }],
  ['name is ""; it must be text', { name: "" }],
  ["on one line", { name: "a\n 9  forged\u001b[2J" }],
  ["on one line", { name: "a\u202eb" }],
])("%s", (why, change) => {
  const value = asFile({ ...REFERENCE_PROFILE, ...change });
  expect(() => parseKernelProfile(value, "mine.json")).toThrow(
    expect.objectContaining({ where: "mine.json", why: expect.stringContaining(why) }),
  );
});

test.each([null, 7, "reference", [REFERENCE_PROFILE]])("%j is no profile", (value) => {
  expect(() => parseKernelProfile(value, "mine.json")).toThrow(
    expect.objectContaining({ why: "it is not a JSON object" }),
  );
});

test("what two profiles differ in", () => {
  const noZero = KERNEL_PROFILES.get("6.18-no-zero-page") as KernelProfile;
  expect(differingFields(REFERENCE_PROFILE, noZero)).toEqual(["zeroPage", "hugeZeroPage"]);
  const sizes = { ...REFERENCE_PROFILE, thpSizes: { "64": "always" } } as const;
  expect(differingFields(REFERENCE_PROFILE, sizes)).toEqual(["thpSizes"]);
});

/** A row of docs/kernels.md: the field, what the reference does, and which profiles do otherwise. */
function documented(field: ProfileFieldName): string {
  const others = [...KERNEL_PROFILES.values()].filter((profile) =>
    differingFields(REFERENCE_PROFILE, profile).includes(field),
  );
  const otherwise = Map.groupBy(others, (profile) => sayField(profile, field));
  const words = [...otherwise].map(([says, of]) => `${of.map(({ name }) => `\`${name}\``).join(", ")}: ${says}`);
  return `| \`${field}\` | ${sayField(REFERENCE_PROFILE, field)} | ${words.join("; ")} |`;
}

test("every field says in which function of the kernel it is read", () => {
  const text = readFileSync(new URL("./kernel-profile.ts", import.meta.url), "utf8");
  const [, body = ""] = text.split("export interface KernelProfile {");
  const fields = [...body.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+readonly (\w+):/g)];
  expect(fields.map(([, , name]) => name)).toEqual(PROFILE_FIELD_NAMES);
  for (const [, words, name] of fields) if (name !== "name") expect(words, name).toMatch(/\w\(\)/);
});

test("docs/kernels.md has every field, as it is", () => {
  const text = readFileSync(new URL("../../docs/kernels.md", import.meta.url), "utf8");
  const rows = text
    .slice(text.indexOf("## The fields"))
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  expect(rows).toEqual(PROFILE_FIELD_NAMES.filter((field) => field !== "name").map(documented));
});
