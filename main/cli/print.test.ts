import { expect, test } from "vitest";
import { harmless } from "./print.ts";

test("what would act on a terminal is shown instead", () => {
  expect(harmless("\u001b]0;owned\u0007\u001b[2Jtitle")).toBe("\\u001b]0;owned\\u0007\\u001b[2Jtitle");
  expect(harmless("a\rb\u009b1mc\u202edcba")).toBe("a\\u000db\\u009b1mc\\u202edcba");
});

test("everything else stays, also in other scripts, with tabs and lines", () => {
  const text = "Größe\t1,024 kB\n「表」 → “x” 👩‍💻";
  expect(harmless(text)).toBe(text);
});
