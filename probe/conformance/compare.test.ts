import { expect, test } from "vitest";
import { MEASURED_POLICIES } from "../../engine/experiment/policies.ts";
import { describeKernel, foundKernel, kernelInWords } from "../testing.ts";
import { compareWithKernel, describeDifferences } from "./compare.ts";
import { generateScript } from "./generate.ts";
import { shrinkScript } from "./shrink.ts";
import { describeSkips, skipsOf } from "./skips.ts";
import { CLASSES } from "./vocabulary.ts";

/** A fixed budget; `npm run test:kernel` goes on from other seeds. */
const OPERATIONS = 6000;
const SEED = 20_250_101;

describeKernel("the engine against the running kernel", () => {
  test(`${OPERATIONS} random operations from seed ${SEED} are answered alike, after every one of them`, async () => {
    const found = foundKernel();
    const skips = skipsOf(found);
    console.log([`held against ${kernelInWords()}`, ...describeSkips(skips)].join("\n"));
    const { differences, operations } = await compareWithKernel({
      classes: CLASSES,
      modes: MEASURED_POLICIES,
      found: found.profile,
      skips,
      seed: SEED,
      length: 100,
      operations: OPERATIONS,
      differencesMax: 3,
    });
    expect(describeDifferences(differences)).toBe("");
    expect(operations).toBeGreaterThanOrEqual(OPERATIONS);
  });

  test("a profile with one behaviour wrong is found, and shrunk to a few lines", async () => {
    const found = foundKernel();
    const { differences } = await compareWithKernel({
      classes: CLASSES,
      modes: MEASURED_POLICIES,
      found: found.profile,
      profile: { ...found.profile, zeroPage: !found.profile.zeroPage },
      skips: skipsOf(found),
      seed: SEED,
      length: 100,
      operations: OPERATIONS,
      differencesMax: 1,
    });
    expect(differences).toHaveLength(1);
    expect(differences[0].script.length).toBeLessThanOrEqual(6);
    expect(describeDifferences(differences)).toContain("this kernel differs from every known profile");
  });
});

test("the same seed draws the same script, another seed another", () => {
  for (const kind of CLASSES) {
    const script = generateScript(kind, 7, 60);
    expect(script).toHaveLength(60);
    expect(generateScript(kind, 7, 60)).toEqual(script);
    expect(generateScript(kind, 8, 60)).not.toEqual(script);
  }
});

test("shrinking finds the two lines that matter", async () => {
  const script = Array.from({ length: 97 }, (_, i) => `line ${i}`);
  const fails = async (lines: readonly string[]) => lines.includes("line 13") && lines.includes("line 88");
  expect(await shrinkScript(script, fails)).toEqual(["line 13", "line 88"]);
});
