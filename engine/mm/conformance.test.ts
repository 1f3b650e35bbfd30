/**
 * The engine's answers against real kernels', after every operation: VmPTE and status. What is measured is in
 * conformance-data; facts are one behaviour each, golden are random sequences, extra are what was measured on 6.18 since, kernels/PROFILE
 * what other kernels answered to the facts, or to scripts of their own.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Mode } from "../experiment/types.ts";
import { Conformance, type ConformOptions, scriptText } from "../workload/conform.ts";
import { FORMS } from "./forms.testing.ts";
import { checkInvariants } from "./invariants.ts";
import type { KernelProfile } from "./kernel-profile.ts";
import { KERNEL_PROFILES } from "./kernel-profiles.ts";

const DATA = fileURLToPath(new URL("./conformance-data/", import.meta.url));

/** Facts that were measured under a setting of the system, and the engine's equivalent of it. */
const SETTINGS: Readonly<Record<string, ConformOptions>> = {
  // Swap space, so that MADV_PAGEOUT has where to put anonymous memory.
  h01_swap: { profile: { swap: true } },
  // khugepaged scans without pause; in b08 its usual pause is longer than the sleeps, so it does not run.
  b11_khugepaged: { profile: { khugepaged: true } },
  b08_thp_khugepaged: { profile: { khugepaged: false } },
  // A pool of two huge pages.
  i05_hugetlb: { profile: { hugetlbPages: 2 } },
  hugetlb: { profile: { hugetlbPages: 400 } },
};

/** The folders of conformance-data/kernels: the profile that answered, and whether with reclaim. */
const KERNELS: readonly { readonly folder: string; readonly profile: string; readonly mode: Mode }[] = [
  { folder: "6.12", profile: "6.12", mode: "none" },
  { folder: "7.2-none", profile: "7.2", mode: "none" },
  { folder: "6.18-no-zero-page", profile: "6.18-no-zero-page", mode: "sync" },
];

interface Script {
  readonly folder: string;
  readonly name: string;
  readonly profile: string;
  /** Folder of the answers. */
  readonly answersFolder: string;
  readonly mode: Mode;
  readonly answers: string;
}

function scripts(): Script[] {
  return ["facts", "golden", "extra"].flatMap((folder) =>
    readdirSync(`${DATA}${folder}`)
      .filter((file) => file.endsWith(".ops"))
      .flatMap((file): Script[] => {
        const name = file.slice(0, -".ops".length);
        const [sync, none] = folder === "golden" ? ["golden", "noreclaim"] : ["out", "none.out"];
        const script = { folder, answersFolder: folder, name, profile: "reference" };
        return [
          { ...script, mode: "sync", answers: `${name}.${sync}` },
          { ...script, mode: "none", answers: `${name}.${none}` },
        ];
      }),
  );
}

function scriptsOfOtherKernels(): Script[] {
  return KERNELS.flatMap(({ folder, profile, mode }) => {
    const answersFolder = `kernels/${folder}`;
    return readdirSync(`${DATA}${answersFolder}`)
      .filter((file) => file.endsWith(".out"))
      .map((answers): Script => {
        const name = answers.slice(0, -".out".length);
        const own = existsSync(`${DATA}${answersFolder}/${name}.ops`);
        return { folder: own ? answersFolder : "facts", answersFolder, name, profile, mode, answers };
      });
  });
}

function lines(folder: string, file: string): string[] {
  return readFileSync(`${DATA}${folder}/${file}`, "utf8").split("\n");
}

/**
 * Runs one script with the invariants checked after every operation. Returns how many operations, and what differed. `explored`: by
 * the paths in the form that the explorer takes.
 */
function compare(script: Script, explored: boolean): { operations: number; differences: string[] } {
  const { folder, name, mode, answers, answersFolder } = script;
  const expected = lines(answersFolder, answers).filter((line) => line !== "" && !line.startsWith("#"));
  const settings = SETTINGS[name];
  const profile: Partial<KernelProfile> = { ...KERNEL_PROFILES.get(script.profile), ...settings?.profile };
  const conformance = new Conformance(mode, { ...settings, profile, checked: true, explored });
  const differences: string[] = [];
  let operations = 0;
  for (const line of lines(folder, `${name}.ops`)) {
    const text = scriptText(line);
    if (text === "") continue;
    const { deltaKb, status } = conformance.perform(text, name);
    checkInvariants(conformance.kernel.state);
    const [number, wantedKb, wantedStatus, ...rest] = (expected[operations] ?? "").split("\t");
    operations++;
    const rss = rest.find((column) => column.startsWith("rss="));
    const gotRss = `rss=${conformance.kernel.rssKb()}`;
    const same =
      number === String(operations) &&
      wantedKb === String(deltaKb) &&
      wantedStatus === status &&
      (rss === undefined || rss === gotRss);
    if (!same)
      differences.push(
        `${name} ${script.profile} ${mode} ${operations}: ${text}: engine ${deltaKb} ${status} ${rss === undefined ? "" : gotRss}, kernel ${wantedKb} ${wantedStatus} ${rss ?? ""}`,
      );
  }
  if (operations !== expected.length)
    differences.push(`${name} ${mode}: ${operations} operations, ${expected.length} answers`);
  return { operations, differences };
}

function check(all: readonly Script[], explored: boolean): void {
  const results = all.map((script) => compare(script, explored));
  const operations = results.reduce((sum, result) => sum + result.operations, 0);
  const differences = results.flatMap((result) => result.differences);
  console.log(`${all.length} files, ${operations} operations, ${differences.length} differences`);
  expect(differences).toEqual([]);
}

describe.each(FORMS)("$form", ({ explored }) => {
  test("every measured answer is the engine's", () => {
    const all = scripts();
    check(all, explored);
    expect(all.length).toBeGreaterThanOrEqual(178);
  });

  test.each(KERNELS.map(({ profile }) => profile))(
    "every answer of %s is the engine's under its profile",
    (profile) => {
      const all = scriptsOfOtherKernels().filter((script) => script.profile === profile);
      check(all, explored);
      expect(all.length).toBeGreaterThanOrEqual(60);
    },
  );
});

test("a profile that is wrong about the zero page is found out", () => {
  const all = scriptsOfOtherKernels().filter((script) => script.profile === "6.18-no-zero-page");
  expect(all.flatMap((script) => compare({ ...script, profile: "reference" }, false).differences)).not.toEqual([]);
});
