import { expect, test } from "vitest";
import { FILTER_EXAMPLES, parseHistoryFilter } from "./history-filter.ts";

test("terms, words, quotes, negation; what is half written is left out", () => {
  const { terms, words } = parseHistoryFilter(
    'chunk>1M policy:eager -tag:"on call" saved>10% canary created>= "two words"',
  );
  expect(words).toEqual(["canary", "two words"]);
  expect(terms).toEqual([
    { kind: "param", not: false, name: "chunk", comparison: ">", value: 2 ** 20 },
    { kind: "policy", not: false, policies: ["eager"] },
    { kind: "text", not: true, field: "tag", value: "on call" },
    { kind: "number", not: false, field: "saved", comparison: ">", value: 0.1 },
  ]);
  expect(parseHistoryFilter("order:random rounds=3").terms).toMatchObject([{ value: "random" }, { value: 3 }]);
  expect(parseHistoryFilter("peak<100M").terms).toMatchObject([{ field: "peak", value: 100 * 1024 }]);
  expect(parseHistoryFilter("  ")).toEqual({ terms: [], words: [] });
});

test("what cannot be read is refused with its term and what to do", () => {
  for (const [text, why] of [
    ["saved>much", /not a share/],
    ["policy:nothing", /one of none, sync/],
    ["status>done", /no order/],
    ["order>random", /not a number or a size/],
    ["created>=tomorrow", /not a day/],
    ["is:odd", /one of pinned/],
  ] as const) {
    expect(() => parseHistoryFilter(text)).toThrow("The filter cannot be read");
    try {
      parseHistoryFilter(text);
    } catch (error) {
      expect(error).toMatchObject({ where: text, why: expect.stringMatching(why) });
    }
  }
});

test("every example of the help can be read", () => {
  for (const [term] of FILTER_EXAMPLES) expect(parseHistoryFilter(term).terms, term).toHaveLength(1);
});
