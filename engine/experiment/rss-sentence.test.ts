import { expect, test } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import { createKernel } from "../mm/kernel.ts";
import type { Operation } from "../workload/operation.ts";
import { rssSentence } from "./rss-sentence.ts";
import { run } from "./run.ts";

const MIB = 2 ** 20;
const ADDR = 0x7f0000000000;

async function summaries(thpEnabled: "madvise" | "never") {
  const range = { addr: ADDR, len: 2 * MIB };
  const operations: Operation[] = [
    { op: "mmap", ...range, prot: "rw", backing: "anon" },
    { op: "touch", ...range, len: MIB, access: "w" },
    { op: "madvise", ...range, advice: "hugepage" },
    { op: "madvise", ...range, advice: "dontneed" },
    { op: "touch", ...range, len: 4096, access: "w" },
  ];
  const found = [];
  for (const mode of ["none", "sync"] as const) {
    const machine = createKernel({ features: featuresOf(mode), seed: 1, profile: { thpEnabled } });
    const going = run({ machine, stream: { kind: "operations", operations }, operationsTotal: null, now: () => 0 });
    let step = await going.next();
    while (!step.done) step = await going.next();
    found.push({ source: "model" as const, summary: step.value.summary });
  }
  return found;
}

test("a difference of RSS is told with its reason, and none where there is none", async () => {
  expect(rssSentence(await summaries("never"))).toBeNull();
  const different = await summaries("madvise");
  expect(rssSentence(different)).toMatch(
    /^RSS at its peak is between 2.58 MiB and 3.58 MiB: memory that may be in huge pages/,
  );
  expect(rssSentence(different.slice(1))).toBeNull();
});
