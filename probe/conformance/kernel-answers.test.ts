import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { runConformScript } from "../../engine/workload/conform.ts";
import { ProbeDiedError } from "../errors.ts";
import { PROBE_PATH } from "../locate.ts";
import { describeKernel } from "../testing.ts";
import { KernelAnswers } from "./kernel-answers.ts";

const SCRIPT = [
  "map 0 4M # no tables yet",
  "touch 0 4M",
  "fork",
  "dontneed 0 4M",
  "childstat",
  "killchild",
  "touch 0 2M r stride=512K",
  "protect 0 1M r",
  "vmas list",
  "pdontneed 0 4M",
  "touch 4M-4K 8K",
  "unmap 0 4M",
];
const asText = (answers: { deltaKb: number; status: string }[]) => answers.map((a) => `${a.deltaKb} ${a.status}`);

describeKernel("the kernel's answers", () => {
  test("are those of a kernel with the series in mode sync", async () => {
    const kernel = new KernelAnswers("sync");
    const first = await kernel.respond(SCRIPT);
    const again = await kernel.respond(SCRIPT);
    await kernel.close();
    expect(asText(first)).toEqual([
      "0 ok",
      "16 ok",
      "16 child=16",
      "8 ok",
      "8 child=16",
      "8 ok",
      "12 ok",
      "12 ok",
      "12 vmas=2 0-100:r-p 100-400:rwp",
      "12 ok=4194304",
      "16 segv=1,bus=0",
      "0 ok",
    ]);
    expect(again).toEqual(first);
  });

  test("are those of a kernel without it in mode none, huge pages included", async () => {
    const kernel = new KernelAnswers("none");
    const small = await kernel.respond(["map 0 4M", "touch 0 4M", "dontneed 0 4M", "dontneed_step 0 4M 2M"]);
    const huge = await kernel.respond(["map 0 4M hugepage", "touch 0 4M", "dontneed 4K 4M-4K", "dontneed 0 4M"]);
    await kernel.close();
    expect(asText(small)).toEqual(["0 ok", "16 ok", "16 ok", "16 ok"]);
    // The second huge page goes with its deposited table; the first was split and its table stays.
    expect(asText(huge)).toEqual(["0 ok", "16 ok", "12 ok", "12 ok"]);
  });

  test("odd but legal lines are printed and answered as the engine does", () => {
    const script = "# none\r\n\r\n  map\t0   0x400000   rw   # c\r\n\ttouch 0 1P+4K-4K\n\n   \nkillchild\nunmap 0 4M";
    const probe = spawnSync(PROBE_PATH, ["conform", "-"], { input: script, encoding: "utf8" }).stdout;
    expect(probe).toBe(`${[...runConformScript(script.split("\n"), "sync", "odd")].join("\n")}\n`);
    expect(probe).toContain("1\t0\tok\tmap 0   0x400000   rw\n");
    expect(probe).toContain("3\t12\tESRCH\tkillchild\n");
  });

  test("a bad script is refused with line and reason", async () => {
    const kernel = new KernelAnswers("sync");
    const error = await kernel.respond(["map 0 4M", "frobnicate 0 4M"]).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ProbeDiedError);
    expect((error as ProbeDiedError).why).toContain("stdin:2: unknown operation: frobnicate");
  });
});
