import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { KERNEL_PROFILES, REFERENCE_PROFILE } from "../engine/mm/kernel-profiles.ts";
import { namedProfile } from "./named-profile.ts";
import { thisKernel } from "./this-kernel.ts";

const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-test-profile-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test("a name, and a file that holds one", () => {
  for (const [name, profile] of KERNEL_PROFILES) expect(namedProfile(name)).toBe(profile);
  const mine = { ...REFERENCE_PROFILE, name: "mine", zeroPage: false };
  expect(namedProfile(file("mine.json", JSON.stringify(mine)))).toEqual(mine);
});

test("what is none of them is refused with the reason", () => {
  const why = (reason: string) => expect.objectContaining({ why: expect.stringContaining(reason) });
  expect(() => namedProfile(join(folder, "absent"))).toThrow(why("no file of this name"));
  expect(() => namedProfile(folder)).toThrow(why("the file cannot be read: it is a folder"));
  expect(() => namedProfile(file("text", "zeroPage: no"))).toThrow(why("it is not JSON"));
  expect(() => namedProfile(file("part.json", '{"name":"part"}'))).toThrow(why("are missing"));
  expect(() => namedProfile(file("long.json", `"${" ".repeat(1 << 20)}"`))).toThrow(why("more than 1 MiB"));
});

test("this is the running kernel's, or the reason why there is none", () => {
  const kernel = thisKernel();
  if (kernel.available) expect(namedProfile("this")).toBe(kernel.profile);
  else expect(() => namedProfile("this")).toThrow(expect.objectContaining({ why: kernel.why }));
});
