import { expect, test } from "vitest";
import type { PresetParam } from "../../main/contract.ts";
import { paramText, readParam, showParam } from "./params.ts";

const size: PresetParam = {
  name: "size",
  label: "Size",
  description: "",
  type: "bytes",
  unit: "",
  default: 53_687_091_200,
  min: 4096,
  max: 1024 ** 4,
  step: 4096,
};
const rounds: PresetParam = { ...size, name: "rounds", type: "count", default: 1, min: 1, max: 1000, step: 1 };

test("a size is typed and read in binary units", () => {
  expect(paramText(size, size.default)).toBe("50 GiB");
  expect(readParam(size, "50G")).toEqual({ value: 53_687_091_200 });
  expect(showParam(size, 2_097_152)).toBe("2 MiB");
});

test("what cannot be says what can", () => {
  expect(readParam(size, "-1")).toEqual({ problem: "At least 4 KiB" });
  expect(readParam(size, "2T")).toEqual({ problem: "At most 1 TiB" });
  expect(readParam(size, "4097")).toEqual({ problem: "Must be a multiple of 4 KiB" });
  expect(readParam(size, "big")).toHaveProperty("problem");
  expect(readParam(rounds, "0")).toEqual({ problem: "At least 1" });
  expect(readParam(rounds, "1.5")).toEqual({ problem: "Write a whole number" });
});

test("choices and switches", () => {
  const choice: PresetParam = {
    ...size,
    type: "choice",
    default: "a",
    choices: [
      { value: "a", label: "First" },
      { value: "b", label: "Second" },
    ],
  };
  expect(readParam(choice, "b")).toEqual({ value: "b" });
  expect(readParam(choice, "c")).toEqual({ problem: "Choose one of First, Second" });
  expect(readParam({ ...size, type: "boolean" }, "true")).toEqual({ value: true });
  expect(showParam({ type: "boolean", unit: "" }, false)).toBe("no");
  expect(showParam({ type: "number", unit: "ms" }, 1500)).toBe("1,500 ms");
});
