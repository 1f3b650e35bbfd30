import { describe, expect, test } from "vitest";
import { BadInputError } from "../error.ts";
import { runConformScript } from "./conform.ts";
import { ARENA_BASE, LINE_MAX, parseConformLine } from "./conform-script.ts";

const MIB = 2 ** 20;

function refusal(script: string): BadInputError {
  try {
    for (const _ of runConformScript(script.split("\n"), "sync", "x.ops"));
  } catch (error) {
    if (error instanceof BadInputError) return error;
    throw error;
  }
  throw new Error("the script was not refused");
}

describe("the script format", () => {
  test("numbers have units and may be sums", () => {
    expect(parseConformLine("map 1G+8K 2M-4K", "").operations[0]).toMatchObject({
      addr: ARENA_BASE + 2 ** 30 + 8192,
      len: 2 * MIB - 4096,
    });
    expect(parseConformLine("map 0x1000 3P", "").operations[0]).toMatchObject({ addr: ARENA_BASE + 4096, len: 12288 });
  });

  test("comments and blank lines are not operations, and the answers are numbered without them", () => {
    const script = ["# a comment", "", "map 0 4M  # two tables", "  touch 0 4M"];
    expect([...runConformScript(script, "sync", "x.ops")]).toEqual(["1\t0\tok\tmap 0 4M", "2\t16\tok\ttouch 0 4M"]);
  });
});

describe("a bad line is refused with its number and the reason", () => {
  const bad: [script: string, line: number, why: RegExp][] = [
    ["map 0 4M\nfrobnicate 0 4K", 2, /unknown operation "frobnicate"/],
    ["\n\nconstructor 0 4K", 3, /unknown operation "constructor"/],
    ["map 0 4M __proto__", 1, /map does not know "__proto__"/],
    ["touch 0 4097", 1, /length 4097 is not a multiple of the page size/],
    ["map 120T 4M", 1, /reach beyond the user range/],
    ["mremap 0 4M 112T", 1, /reaches beyond the user range/],
    ["map 0 99999999999999999999G", 1, /too large/],
    ["map 0 0xfffffffffffff000", 1, /too large/],
    ["map 0 2M-4M", 1, /negative/],
    ["map 0 -4K", 1, /negative/],
    ["map 0 4Q", 1, /not a number/],
    ["map 0", 1, /needs length/],
    ["unmap 0 4K 4K", 1, /at most 2 arguments/],
    ["touch 0 4K stride=0", 1, /stride/],
    ["dontneed_step 0 4M 0", 1, /more than 0/],
    ["protect 0 4K rwx", 1, /takes none, ro or rw/],
    ["uffdwp 0 4K maybe", 1, /takes on, off/],
    ["uffdmode later", 1, /takes sync or async/],
    [`map 0 ${"1".repeat(LINE_MAX)}`, 1, /characters long/],
  ];
  for (const [script, line, why] of bad) {
    test(JSON.stringify(script.slice(0, 40)), () => {
      const error = refusal(script);
      expect(error.where).toBe(`x.ops:${line}`);
      expect(error.why).toMatch(why);
    });
  }
});

test.each([
  ["dontneed_step 0 65G 4K", "17,039,360 system calls; a line may ask for 16,777,216"],
  ["touch 0 1T stride=8K", "134,217,728 accesses"],
  ["touch 0 17T", "touches more than 16384 GiB"],
  ["map 0 65G file", "maps of a file more than 64 GiB"],
  ["map 0 17T populate", "maps and populates more than 16384 GiB"],
  ["populate 0 17T", "faults in more than 16384 GiB"],
  ["mlock 0 17T", "faults in more than 16384 GiB"],
])("%s is more than a line may ask for", (line, why) => {
  expect(() => parseConformLine(line, "x.ops:1")).toThrow(
    expect.objectContaining({ why: expect.stringContaining(why) }),
  );
});

test.each(["dontneed_step 0 64G 4K", "touch 0 16T", "map 0 100T", "map 0 64G file", "mlock 0 16T"])(
  "%s is within the bounds",
  (line) => {
    expect(parseConformLine(line, "x.ops:1").text).toBe(line);
  },
);
