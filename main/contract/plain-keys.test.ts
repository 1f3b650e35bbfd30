import * as v from "valibot";
import { expect, test } from "vitest";
import { kernelProfileSchema, paramsSchema, sweepDetailSchema } from "./shapes.ts";

const NAMES = ["__proto__", "prototype", "constructor"];
const withKey = (name: string, value: unknown): unknown =>
  JSON.parse(`{"name":"x",${JSON.stringify(name)}:${JSON.stringify(value)}}`);

test.each(NAMES)("a field called %s is refused, whatever its value is", (name) => {
  for (const value of ["x", 1, { toString: 1 }]) {
    expect(v.is(paramsSchema, withKey(name, value))).toBe(false);
    expect(v.is(kernelProfileSchema, withKey(name, value))).toBe(false);
    const settings = [{ name: "x", env: withKey(name, value) }];
    expect(v.is(sweepDetailSchema, { parameter: "setting", values: ["x"], settings })).toBe(false);
  }
  expect(v.safeParse(paramsSchema, withKey(name, 1)).issues?.[0]?.message).toBe(`a field cannot be called ${name}`);
});

test("what is no object is none, and others are as they were", () => {
  expect(v.is(paramsSchema, null)).toBe(false);
  expect(v.is(paramsSchema, { size: 1, name: "x" })).toBe(true);
});
