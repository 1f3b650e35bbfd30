import { expect, test } from "vitest";
import { createKernel } from "../mm/kernel.ts";
import { blaming } from "../workload/blame.ts";
import { following } from "../workload/following.ts";
import { asService } from "../workload/service.ts";
import { tallying } from "../workload/tally.ts";
import type { Machine } from "./machine.ts";
import { featuresOf } from "./policies.ts";

const KNOWN = ["execute", "sampleInto", "vmpteKb", "rssKb", "emptyPteTables", "leastKb", "cost"] as const;

test("what is known of a machine is known of whatever it is wrapped in", () => {
  const kernel = createKernel({ features: featuresOf("sync") });
  const blamed = blaming(createKernel({ features: featuresOf("sync") }), { reclaims: true });
  const wrapped: Record<string, Machine> = {
    blaming: blamed,
    tallying: tallying(kernel),
    following: following(kernel),
    service: asService(kernel),
    all: following(tallying(blamed)),
  };
  for (const [how, machine] of Object.entries(wrapped))
    for (const name of KNOWN) expect(machine[name], `${name} of ${how}`).toBeTypeOf("function");
  expect(wrapped.all.blame).toBeTypeOf("function");
  expect(wrapped.all.releases).toBeTypeOf("function");
});
