import { expect, test } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import { createKernel } from "./kernel.ts";

const M = 2 ** 20;
const BASE = 2 ** 44;

function lab() {
  const kernel = createKernel({ features: featuresOf("sync"), image: "empty" });
  const map = (at: number, prot: "rw" | "none" = "rw") =>
    kernel.execute({ op: "mmap", addr: BASE + at * M, len: 8 * M, prot, backing: "anon" }).status;
  return { kernel, map };
}

test("mlockall populates what is mapped, and leaves what may not be accessed", () => {
  const { kernel, map } = lab();
  map(0);
  map(64, "none");
  expect(kernel.vmpteKb()).toBe(0);
  kernel.execute({ op: "mlockall", current: true });
  // PUD, PMD and four PTE tables.
  expect(kernel.vmpteKb()).toBe(24);
  expect(kernel.execute({ op: "madvise", addr: BASE, len: 8 * M, advice: "dontneed" }).status).toBe("EINVAL");
  map(128);
  expect(kernel.vmpteKb()).toBe(24);
});

test("mlockall of the future populates mappings and the heap as they are made, until munlockall", () => {
  const { kernel, map } = lab();
  map(0);
  kernel.execute({ op: "mlockall", future: true });
  expect(kernel.vmpteKb()).toBe(0);
  map(64);
  expect(kernel.vmpteKb()).toBe(24);
  kernel.execute({ op: "brk", addr: BASE + 128 * M });
  kernel.execute({ op: "brk", addr: BASE + 130 * M });
  expect(kernel.vmpteKb()).toBe(28);
  kernel.execute({ op: "mlockall" });
  expect(kernel.execute({ op: "madvise", addr: BASE + 64 * M, len: 8 * M, advice: "dontneed" }).status).toBe("ok");
  expect(kernel.vmpteKb()).toBe(12);
  map(192);
  expect(kernel.vmpteKb()).toBe(12);
});

test("with MCL_ONFAULT nothing is populated; a child does not inherit any of it", () => {
  const { kernel, map } = lab();
  kernel.execute({ op: "mlockall", current: true, future: true, onFault: true });
  map(0);
  expect(kernel.vmpteKb()).toBe(0);
  kernel.execute({ op: "mlockall", future: true });
  kernel.execute({ op: "fork" });
  kernel.execute({ op: "mmap", addr: BASE + 64 * M, len: 8 * M, prot: "rw", backing: "anon", process: 1 });
  expect(kernel.vmpteKb(1)).toBe(0);
});
