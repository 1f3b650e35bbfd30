import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { runConformScript } from "../../engine/workload/conform.ts";
import { ProbeDiedError } from "../errors.ts";
import { PROBE_PATH } from "../locate.ts";
import { describeKernel, describeReclaimingKernel, foundKernel } from "../testing.ts";
import { engineAnswers } from "./engine-answers.ts";
import { KernelAnswers, startProbe } from "./kernel-answers.ts";

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

describeReclaimingKernel("the answers of a kernel with the series", () => {
  test("are the engine's in mode sync, and the same when asked again", async () => {
    const kernel = new KernelAnswers(startProbe("whole"));
    const first = await kernel.respond(SCRIPT);
    const again = await kernel.respond(SCRIPT);
    await kernel.close();
    expect(asText(first)).toEqual(asText(engineAnswers(SCRIPT, "sync", { profile: foundKernel().profile })));
    expect(asText(first).slice(0, 8)).toEqual([
      "0 ok",
      "16 ok",
      "16 child=16",
      "8 ok",
      "8 child=16",
      "8 ok",
      "12 ok",
      "12 ok",
    ]);
    expect(again).toEqual(first);
  });

  test("are those of a kernel without it where DONTNEED comes in pieces, huge pages included", async () => {
    const { profile } = foundKernel();
    const small = ["map 0 4M nohugepage", "touch 0 4M", "dontneed 0 4M", "dontneed_step 0 4M 2M"];
    // A huge page of its own goes with its deposited table; one that is split leaves its table.
    const huge = ["map 0 4M hugepage", "touch 0 4M", "dontneed 4K 4M-4K", "dontneed 0 4M"];
    const kernel = new KernelAnswers(startProbe("pieces"));
    const answers = [await kernel.respond(small), await kernel.respond(huge)];
    await kernel.close();
    expect(answers.map(asText)).toEqual(
      [small, huge].map((script) => asText(engineAnswers(script, "none", { profile }))),
    );
    expect(asText(answers[0])).toEqual(["0 ok", "16 ok", "16 ok", "16 ok"]);
  });
});

describeKernel("the probe", () => {
  test("prints and answers odd but legal lines as the engine does", () => {
    const script = "# none\r\n\r\n  map\t0   0x400000   rw   # c\r\n\ttouch 0 1P+4K-4K\n\n   \nkillchild\nunmap 0 4M";
    const probe = spawnSync(PROBE_PATH, ["conform", "-"], { input: script, encoding: "utf8" }).stdout;
    const { profile } = foundKernel();
    const mode = profile.ptReclaim ? "sync" : "none";
    expect(probe).toBe(`${[...runConformScript(script.split("\n"), mode, "odd", { profile })].join("\n")}\n`);
    expect(probe).toContain("1\t0\tok\tmap 0   0x400000   rw\n");
    expect(probe).toContain("3\t12\tESRCH\tkillchild\n");
  });

  test("refuses a bad script with line and reason", async () => {
    const kernel = new KernelAnswers(startProbe("whole"));
    const error = await kernel.respond(["map 0 4M", "frobnicate 0 4M"]).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ProbeDiedError);
    expect((error as ProbeDiedError).why).toContain("stdin:2: unknown operation: frobnicate");
  });
});
