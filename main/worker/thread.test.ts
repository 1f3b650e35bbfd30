import { expect, test } from "vitest";
import { ReclaimLabError } from "../../engine/error.ts";
import { startThread } from "./thread.ts";

const FILE = new URL("data:text/javascript,");

test("a thread that the system does not give is refused in words", () => {
  const start = () => startThread(FILE, { resourceLimits: { stackSizeMb: 2 ** 33 } });
  expect(start).toThrow(ReclaimLabError);
  expect(start).toThrow(/^No more threads can be started$/);
});

test("one that it gives runs", async () => {
  const worker = startThread(FILE);
  expect(await new Promise((resolve) => worker.once("exit", resolve))).toBe(0);
});
