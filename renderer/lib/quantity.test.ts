import { expect, test } from "vitest";
import { parseBytes, parseNumber, writeBytes } from "./quantity.ts";

test("sizes in every usual spelling", () => {
  for (const [text, bytes] of [
    ["4096", 4096],
    ["2M", 2_097_152],
    ["2 MB", 2_097_152],
    ["2mib", 2_097_152],
    ["50 GiB", 53_687_091_200],
    ["1.5k", 1536],
    ["1,048,576", 1_048_576],
    ["64 bytes", 64],
    ["-1", -1],
  ] as const) {
    expect(parseBytes(text), text).toEqual({ value: bytes });
  }
});

test("what is no size says what is one", () => {
  for (const text of ["", "lots", "2 X", "2MM", "M", "1e9"]) expect(parseBytes(text), text).toHaveProperty("problem");
  expect(parseBytes("0.3k")).toEqual({ problem: "This is not a whole number of bytes" });
  expect(parseBytes("9000P")).toHaveProperty("problem");
});

test("numbers", () => {
  expect(parseNumber("25,600", false)).toEqual({ value: 25_600 });
  expect(parseNumber("1.5", true)).toEqual({ value: 1.5 });
  expect(parseNumber("1.5", false)).toEqual({ problem: "Write a whole number" });
  expect(parseNumber("12 apples", false)).toEqual({ problem: "Write a number" });
});

test("sizes are written so that they read back the same", () => {
  for (const bytes of [0, 1, 4096, 4097, 2_097_152, 53_687_091_200, 55 * 1024 ** 4, -4096]) {
    expect(parseBytes(writeBytes(bytes))).toEqual({ value: bytes });
  }
  expect(writeBytes(2_097_152)).toBe("2 MiB");
});
