import { expect, test } from "vitest";
import { type Invariant, violatedWords } from "../experiment/violated-words.ts";

/** The compiler asks for each. */
const SAID: Readonly<Record<Invariant, RegExp>> = {
  "no access through a freed table": /^a freed table was/,
  "no table freed twice or freed while reachable": /^a table was freed twice/,
  "a reader inside rcu_read_lock never sees its table freed": /^a table was freed under a reader/,
  "no write lost": /^a write was lost$/,
  "no stale TLB entry used after the operation that removed it has returned": /^a stale TLB entry was used/,
  "counts equal recounts": /^counts differ/,
  "no deadlock": /^a deadlock$/,
  "every run finishes": /^a run never/,
  "DONTNEED discards the whole range": /^DONTNEED left/,
  "an emptied table is reclaimed": /^an emptied table stayed$/,
  "a move that returns has moved the page": /had not moved the page$/,
};

test.each(Object.entries(SAID))("that %j is broken is said as what happened, not as what should hold", (name, said) => {
  expect(violatedWords(name)).toMatch(said);
  expect(violatedWords(name)).not.toContain(name);
});

test("one that is not known is quoted, also where every object has its name", () => {
  expect(violatedWords("the sky is blue")).toBe("“the sky is blue” does not hold");
  expect(violatedWords("constructor")).toBe("“constructor” does not hold");
});
