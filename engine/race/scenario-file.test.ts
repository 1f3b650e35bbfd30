import { describe, expect, test } from "vitest";
import { SERIES_POLICY } from "../experiment/policies.ts";
import { raceCases, runScenario, scenarioNamed } from "./race.ts";
import { parseScenario } from "./scenario-file.ts";

const GOOD = `# what the follow-up fix is about
title Refault during a break
setup
  map 0 2M rw
  touch 0 8K
lane DONTNEED
  dontneed 0 2M
lane writer
  touch 0 4K w   # the page that was zapped first
lane timer
  timer 0
`;

const parsed = (text: string) => parseScenario(text, "my.race", "my");

describe("a scenario of a file", () => {
  test("is what the one in the program is: the same verdicts, broken by the same patch", () => {
    const mine = parsed(GOOD);
    expect(mine).toMatchObject({ name: "my", title: "Refault during a break", batchFails: false });
    expect(mine.lanes.map(({ name }) => name)).toEqual(["DONTNEED", "writer", "timer"]);
    const theirs = scenarioNamed("refault-resched");
    for (const without of [null, "9fix"] as const) {
      const [one, other] = [runScenario(mine, without), runScenario(theirs, without)];
      expect([one.verdict, one.interleavings, one.states]).toEqual([other.verdict, other.interleavings, other.states]);
    }
  });

  test("takes every word that docs/races.md names", () => {
    const words = [
      "dontneed 0 1M",
      "unmap 1M 1M",
      "protect 0 1M ro",
      "mremap 1M 1M 8M",
      "fork",
      "populate 0 4K",
      "collapse 0 2M",
      "gup 0",
      "rmap 4K",
      "timer 1",
      "touch 0 8K r",
    ];
    for (const word of words) {
      const text = `setup\nmap 0 1M rw\nmap 1M 1M rw reserve\ntouch 0 8K\nlane a\n${word}\nlane b\ntouch 0 4K w\n`;
      const scenario = parsed(text);
      for (const { mode, without } of raceCases([scenario], null, SERIES_POLICY).slice(0, 1))
        expect([word, runScenario(scenario, without, {}, mode).verdict]).toEqual([word, "holds"]);
    }
  });

  test("shared memory is mapped and raced as private memory is", () => {
    const text = "setup\nmap 0 2M rw shared\ntouch 0 4K\nlane a\ndontneed 0 2M\nlane b\ndontneed 0 2M\n";
    expect(runScenario(parsed(text), null).verdict).toBe("holds");
  });

  test.each([
    ["", "two lanes or more"],
    ["lane a\ntouch 0 4K\n", "two lanes or more"],
    ["lane a\nlane b\ntouch 0 4K\n", "Lane a does nothing"],
    ["frobnicate\n", "begins with title, setup or lane"],
    ["setup\ndontneed 0 2M\n", "made of map and touch"],
    ["setup\nmap 0 2M rw file\n", "private or shared anonymous"],
    ["setup\nmap 1G 2M rw\n", "ends at 1G"],
    ["setup\nmap 0 0 rw\n", "the range is empty"],
    ["lane a\nmap 0 2M rw\n", "a lane is made of"],
    ["lane a\ntouch 0 1M w\n", "at most 8 pages"],
    ["lane a\ntimer 9\n", "number of a lane"],
    ["lane a\nswapoff\n", "not an operation"],
    [`${"lane a\ntouch 0 4K\n".repeat(5)}`, "at most 4 lanes"],
    [`lane a\n${"touch 0 4K\n".repeat(7)}`, "at most 6 operations"],
    ["#\n".repeat(300), "too long"],
  ])("%j is refused with the line and the reason", (text, reason) => {
    expect(() => parsed(text)).toThrow(reason);
    try {
      parsed(text);
    } catch (error) {
      expect(error).toMatchObject({ name: "BadInputError", where: expect.stringMatching(/^my\.race/) });
    }
  });
});
