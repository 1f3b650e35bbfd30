import { expect, test } from "vitest";
import { answerCell, answerHeading } from "./answer-words.ts";

test("columns are called as everywhere, units are said", () => {
  const columns = [
    "policy",
    "knobs",
    "saved_percent",
    "caller_ms",
    "longest_call_us",
    "vmpte_kb",
    "recoverable_kb",
    "main_cause",
  ];
  expect(columns.map(answerHeading)).toEqual([
    "policy",
    "settings",
    "saved, %",
    "caller, ms",
    "longest call, µs",
    "VmPTE",
    "recoverable",
    "main cause",
  ]);
});

test("policies have their words, sizes their unit, and no setting is nothing", () => {
  expect(answerCell("policy", "sync")).toBe("sync reclaim");
  expect(answerCell("policy", "made-up")).toBe("made-up");
  expect(answerCell("knobs", "{}")).toBe("");
  expect(answerCell("knobs", '{"scan_interval":10}')).toBe("scan_interval 10 ms");
  expect(answerCell("average_kb", 7080)).toBe("6.91 MiB");
  expect(answerCell("tasks", 1200)).toBe("1,200");
  expect(answerCell("saved_percent", 44.7)).toBe("44.7");
  expect(answerCell("reason", null)).toBe("");
});

test("a column that is called as every object's fields are is a column like another", () => {
  expect(answerHeading("constructor")).toBe("constructor");
  expect(answerHeading("of_constructor")).toBe("of constructor");
});
