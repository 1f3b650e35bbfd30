/**
 * The engine's answers against a real kernel's, after every operation: VmPTE and status. What is measured is in
 * conformance-data; facts are one behaviour each, golden are random sequences, extra are what was measured on 6.18 since.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Mode } from "../experiment/types.ts";
import { Conformance, type ConformOptions, scriptText } from "../workload/conform.ts";
import { checkInvariants } from "./invariants.ts";

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

interface Script {
  readonly folder: string;
  readonly name: string;
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
        return [
          { folder, name, mode: "sync", answers: `${name}.${sync}` },
          { folder, name, mode: "none", answers: `${name}.${none}` },
        ];
      }),
  );
}

function lines(folder: string, file: string): string[] {
  return readFileSync(`${DATA}${folder}/${file}`, "utf8").split("\n");
}

/** Runs one script with the invariants checked after every operation. Returns how many operations, and what differed. */
function compare(script: Script): { operations: number; differences: string[] } {
  const { folder, name, mode, answers } = script;
  const expected = lines(folder, answers).filter((line) => line !== "" && !line.startsWith("#"));
  const conformance = new Conformance(mode, { ...SETTINGS[name], checked: true });
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
        `${name} ${mode} ${operations}: ${text}: engine ${deltaKb} ${status} ${rss === undefined ? "" : gotRss}, kernel ${wantedKb} ${wantedStatus} ${rss ?? ""}`,
      );
  }
  if (operations !== expected.length)
    differences.push(`${name} ${mode}: ${operations} operations, ${expected.length} answers`);
  return { operations, differences };
}

test("every measured answer is the engine's", () => {
  const all = scripts();
  const results = all.map(compare);
  const operations = results.reduce((sum, result) => sum + result.operations, 0);
  const differences = results.flatMap((result) => result.differences);
  console.log(`${all.length} files, ${operations} operations, ${differences.length} differences`);
  expect(differences).toEqual([]);
  expect(all.length).toBeGreaterThanOrEqual(178);
}, 120_000);
