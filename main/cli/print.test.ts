import { expect, test } from "vitest";
import { harmless, table } from "./print.ts";

test("what would act on a terminal is shown instead", () => {
  expect(harmless("\u001b]0;owned\u0007\u001b[2Jtitle")).toBe("\\u001b]0;owned\\u0007\\u001b[2Jtitle");
  expect(harmless("a\u200eb\u061cc\u2028d")).toBe("a\\u200eb\\u061cc\\u2028d");
  expect(harmless("a\rb\u009b1mc\u202edcba")).toBe("a\\u000db\\u009b1mc\\u202edcba");
});

test("everything else stays, also in other scripts, with tabs and lines", () => {
  const text = "Größe\t1,024 kB\n「表」 → “x” 👩‍💻";
  expect(harmless(text)).toBe(text);
});

test("a row of a table is one line, whatever its cells hold", () => {
  const rows = [
    ["1", "a name\n2   another\tone\u001b[2J"],
    ["10", "b"],
  ];
  expect(table(rows, new Set([0]))).toBe(" 1   a name\\n2   another\\tone\\u001b[2J\n10   b");
});
