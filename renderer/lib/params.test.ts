import { expect, test } from "vitest";
import type { Params } from "../../engine/experiment/types.ts";
import type { Preset, PresetParam } from "../../main/contract.ts";
import { showParam, showParams } from "./params.ts";

const size: PresetParam = {
  name: "size",
  label: "Mapping",
  description: "",
  type: "bytes",
  min: 4096,
  max: 2 ** 45,
  default: 2 ** 31,
};
const rounds: PresetParam = { ...size, name: "rounds", type: "count" };
const order: PresetParam = {
  name: "order",
  label: "Order",
  description: "",
  type: "choice",
  choices: [{ value: "sequential", label: "from the start" }],
  default: "sequential",
};

test("values are read with their unit", () => {
  expect(showParam(size, 53_687_091_200)).toBe("50 GiB");
  expect(showParam(rounds, 25_600)).toBe("25,600");
  expect(showParam({ ...rounds, type: "ms" }, 10)).toBe("10 ms");
  expect(showParam(order, "sequential")).toBe("from the start");
  expect(showParam({ ...rounds, type: "ms" }, 10_000)).toBe("10,000 ms");
  // The number of a process, say: a name, not a count.
  expect(showParam(undefined, 25_600)).toBe("25600");
});

test("a line of all parameters", () => {
  const preset: Preset = { name: "p", title: "P", description: "", params: [size, rounds], sources: [] };
  expect(showParams(preset, { size: 2 ** 21, rounds: 3 })).toBe("size 2 MiB · rounds 3");
  const file = { pid: 7, light: true } as unknown as Params;
  expect(showParams(undefined, file)).toBe("pid 7 · without page faults");
});

test("a parameter that is called as every object's fields are is a parameter like another", () => {
  expect(showParams(undefined, { constructor: true } as unknown as Params)).toBe("constructor true");
});
