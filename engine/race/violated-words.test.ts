import { expect, test } from "vitest";
import { violatedWords } from "../experiment/violated-words.ts";
import { NO_DOUBLE_FREE, NO_FREED_ACCESS, NO_LOST_WRITE, NO_STALE_TLB, READER_SAFE } from "./trace.ts";

test("what is broken is said as what happened, not as what should hold", () => {
  expect(violatedWords(NO_LOST_WRITE)).toBe("a write was lost");
  for (const name of [NO_DOUBLE_FREE, NO_FREED_ACCESS, NO_STALE_TLB, READER_SAFE, "no deadlock", "every run finishes"])
    expect(violatedWords(name), name).not.toContain(name);
  expect(violatedWords("the sky is blue")).toBe("“the sky is blue” does not hold");
});
