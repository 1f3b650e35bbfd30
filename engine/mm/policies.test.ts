/** The policies, held to what an independent reference answers after every operation. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isPolicyId } from "../experiment/policies.ts";
import { Conformance, scriptText } from "../workload/conform.ts";
import { checkInvariants } from "./invariants.ts";

const FOLDER = new URL("conformance-data/policies/", import.meta.url);
const linesOf = (file: string) => readFileSync(new URL(file, FOLDER), "utf8").split("\n");

const answers = readdirSync(FOLDER).filter((file) => !file.endsWith(".ops"));

test("there are answers for three policies", () => {
  expect(new Set(answers.map((file) => file.split(".")[1]))).toEqual(new Set(["eager", "refcount", "async"]));
});

test.each(answers)("%s: every answer is the engine's", (file) => {
  const [name, policy] = file.split(".");
  if (!isPolicyId(policy)) throw new Error(`${policy} is no policy`);
  const conformance = new Conformance(policy, { checked: true });
  const found = linesOf(`${name}.ops`)
    .filter((line) => scriptText(line) !== "")
    .map((line, index) => {
      const { deltaKb, status } = conformance.perform(line, name);
      checkInvariants(conformance.kernel.state);
      return `${index + 1}\t${deltaKb}\t${status}\t${scriptText(line)}`;
    });
  const wanted = linesOf(file).filter((line) => line !== "");
  expect(wanted.length).toBeGreaterThan(50);
  expect(found).toEqual(wanted);
});
