import { describe, expect, it } from "vitest";
import { featuresOf } from "../experiment/policies.ts";
import { createKernel } from "./kernel.ts";

const BASE = 2 ** 44;
const MB = 2 ** 20;

describe("touch with a stride", () => {
  function mapped() {
    const kernel = createKernel({ features: featuresOf("sync"), image: "empty" });
    kernel.execute({ op: "mmap", addr: BASE, len: 2 * MB, prot: "rw", backing: "anon" });
    kernel.execute({ op: "mmap", addr: BASE + 8 * MB, len: 2 * MB, prot: "rw", backing: "anon" });
    return kernel;
  }

  it("counts every access to what is not mapped, between mappings and behind the last", () => {
    const kernel = mapped();
    const { segv, status } = kernel.execute({ op: "touch", addr: BASE, len: 12 * MB, access: "w", stride: 3 * 4096 });
    // Accesses at 0, 12K, 24K, ...: 1024 in 12M; those in the two mappings raise nothing.
    let expected = 0;
    for (let at = 0; at < 12 * MB; at += 3 * 4096) if (!(at < 2 * MB || (at >= 8 * MB && at < 10 * MB))) expected++;
    expect({ segv, status }).toEqual({ segv: expected, status: "ok" });
  });

  it("answers at once for terabytes of nothing", () => {
    const { segv } = mapped().execute({ op: "touch", addr: BASE + 16 * MB, len: 2 ** 43, access: "r", stride: 8192 });
    expect(segv).toBe(2 ** 30);
  });
});
