import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { BadInputError } from "../../engine/error.ts";
import { runConformScript } from "../../engine/workload/conform.ts";
import { PROBE_PATH } from "../locate.ts";
import { KIND } from "../stream-format.ts";
import { describeKernel, describeReclaimingKernel, foundKernel } from "../testing.ts";
import { engineAnswers } from "./engine-answers.ts";
import { KernelAnswers, startProbe } from "./kernel-answers.ts";
import { kernelLines } from "./kernel-script.ts";
import { lower, RESET } from "./lower.ts";

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
  test("answers odd but legal lines as the engine does, in its format", async () => {
    const script =
      "# none\r\n\r\n  map\t0   0x400000   rw   # c\r\n\ttouch 0 1P+4K-4K\n\n   \nkillchild\nunmap 0 4M".split("\n");
    const { profile } = foundKernel();
    const printed = await kernelLines(script, "odd", "whole");
    expect(printed).toEqual([...runConformScript(script, profile.ptReclaim ? "sync" : "none", "odd", { profile })]);
    expect(printed).toContain("1\t0\tok\tmap 0   0x400000   rw");
    expect(printed).toContain("3\t12\tESRCH\tkillchild");
  });

  test("a bad script is refused with line and reason before any of it is performed", async () => {
    const kernel = new KernelAnswers(startProbe("whole"));
    try {
      for (const [line, why] of [
        ["frobnicate 0 4M", 'unknown operation "frobnicate"'],
        ["scan", "only the model has"],
        ["pt_reclaim 0 4M", "only the model has"],
      ]) {
        const error = await kernel.respond(["map 0 4M", line]).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(BadInputError);
        expect(error).toMatchObject({ where: "line 2", why: expect.stringContaining(why) });
      }
      expect(asText(await kernel.hold(["vmas"]))).toEqual(["0 vmas=0"]);
    } finally {
      await kernel.close();
    }
  });

  const map = lower("map 0 4M", "");
  const [code, ...numbers] = map.split(" ");
  test.each([
    ["too few numbers", `${code} 0 0 0`, "five numbers"],
    ["too many", `${map} 0`, "five numbers"],
    ["none at all", "", "five numbers"],
    ["two blanks", map.replace(" ", "  "), "five numbers"],
    ["a capital digit", map.replace(/0$/, "A"), "five numbers"],
    ["a number of 15 digits", `${map}${"0".repeat(14)}`, "five numbers"],
    ["something behind a NUL", `${map}\0 1`, "a NUL"],
    ["a line that does not end", "0".repeat(200), "too long"],
    ["a kind that there is not", "0 0 0 0 0", "no operation"],
    ["one between two that there are", "1f 0 0 0 0", "no operation"],
    ["one that scripts do not have", `${KIND.exec.toString(16)} 0 0 0 0`, "no operation"],
    [
      "a protection of four bits",
      [(KIND.mprotect + (8 << 8)).toString(16), ...numbers].join(" "),
      "code is out of range",
    ],
    ["a flag of another kind", ["100002", ...numbers].join(" "), "code is out of range"],
    ["another process", ["100000002", ...numbers].join(" "), "code is out of range"],
    ["advice that takes memory from the machine", ["6404", ...numbers].join(" "), "code is out of range"],
    ["a number that it does not use", [code, ...numbers].join(" ").replace(/0$/, "1000"), "is not 0"],
    ["half a page", ["2", "800", "1000", "0", "0"].join(" "), "no multiple"],
    ["an address past the user range", "2 ffffffffffffff 1000 0 0", "out of range"],
    ["a range that ends past it", "2 fffffffffff000 1000 0 0", "beyond the user range"],
  ])("the probe refuses %s", (_, line, why) => {
    const script = `${RESET}\n${line}\n`;
    const { status, stdout, stderr } = spawnSync(PROBE_PATH, ["conform"], { input: script, encoding: "utf8" });
    expect(stderr).toMatch(/^reclaim-probe: stdin:2: /);
    expect(stderr).toContain(why);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "0\tok\n" });
  });

  test("a line that is cut off is not performed", () => {
    const { status, stderr } = spawnSync(PROBE_PATH, ["conform"], { input: map, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 2, stderr: `reclaim-probe: stdin:1: ${map}: it is cut off\n` });
  });
});
