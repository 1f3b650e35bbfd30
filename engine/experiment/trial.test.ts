import { describe, expect, test } from "vitest";
import { exitWords, judgeTrial, medianOf, parseSetting, parseSettings, type TrialRun } from "./trial.ts";

describe("settings as they are typed", () => {
  test("a name and variables; values with blanks in quotes; odd names of variables are the user's", () => {
    expect(parseSetting("few arenas: MALLOC_CONF=narenas:2,dirty_decay_ms:0 X=1")).toEqual({
      name: "few arenas",
      env: { MALLOC_CONF: "narenas:2,dirty_decay_ms:0", X: "1" },
    });
    expect(parseSetting(`two: A="x y" B='it'\\''s' C=`)).toEqual({ name: "two", env: { A: "x y", B: "it's", C: "" } });
    expect(parseSetting("MALLOC_CONF=background_thread:true")).toEqual({
      name: "MALLOC_CONF=background_thread:true",
      env: { MALLOC_CONF: "background_thread:true" },
    });
    expect(parseSetting("odd: foo.bar-baz=1 _=2 GLIBC_TUNABLES=glibc.malloc.x=1:glibc.y=2").env).toEqual({
      "foo.bar-baz": "1",
      _: "2",
      GLIBC_TUNABLES: "glibc.malloc.x=1:glibc.y=2",
    });
  });

  test.each(["", "name:", "name: VAR", "name: =1", "x: A=1 A=2", 'x: A="b', "as it is: A=1", "a:X=1"])(
    "%j is refused",
    (text) => {
      expect(() => parseSetting(text)).toThrow();
    },
  );

  test("names are told apart", () => {
    expect(() => parseSettings(["a: X=1", "a: X=2"])).toThrow('Two settings are called "a"');
  });
});

const RUN: TrialRun = {
  peak_vmpte_kb: 2000,
  end_vmpte_kb: 1800,
  average_vmpte_kb: 1500,
  peak_rss_kb: 500_000,
  average_rss_kb: 400_000,
  wall_ms: 4000,
  cpu_ms: 2000,
  minor_faults: 1000,
  major_faults: 0,
  exit_code: 0,
};

/** Three runs that differ by chance: by a share of each figure. */
function runs(change: Partial<TrialRun>, noise = [0, 0.02, -0.02]): TrialRun[] {
  return noise.map(
    (share) =>
      Object.fromEntries(
        Object.entries({ ...RUN, ...change }).map(([name, value]) => [
          name,
          name === "exit_code" ? value : value * (1 + share),
        ]),
      ) as unknown as TrialRun,
  );
}

describe("a trial's verdict", () => {
  test("is told only beyond the noise", () => {
    expect(judgeTrial(runs({}), runs({}))?.verdict).toBe("same");
    expect(judgeTrial(runs({}), runs({ average_vmpte_kb: 1450 }))?.verdict).toBe("same");
    // Apart by chance, by less than alike runs differ.
    expect(
      judgeTrial(runs({}, [0, 0.1]), runs({ average_vmpte_kb: 1800, peak_vmpte_kb: 2400 }, [0, 0.1]))?.verdict,
    ).toBe("same");
    expect(judgeTrial(runs({}), runs({ average_vmpte_kb: 500 }))).toMatchObject({
      verdict: "helps",
      reason: "VmPTE on average 67 % less",
    });
    expect(judgeTrial(runs({}), runs({ average_rss_kb: 3_000_000, peak_rss_kb: 3_000_000 }))?.verdict).toBe("harms");
  });

  test("a difference that is too small to count is not called one between identical runs", () => {
    const steady = [0, 0.001, -0.001];
    const slower = judgeTrial(runs({}, steady), runs({ wall_ms: 4400, minor_faults: 9000 }, steady));
    expect(slower?.verdict).toBe("same");
    expect(slower?.reason).toMatch(/in memory or time that is both large enough to count and larger/);
  });

  test("weighs a cost against what it brings", () => {
    expect(judgeTrial(runs({}), runs({ average_vmpte_kb: 500, cpu_ms: 2600 }))?.verdict).toBe("helps");
    expect(judgeTrial(runs({}), runs({ average_vmpte_kb: 1200, cpu_ms: 6000 }))?.verdict).toBe("harms");
    expect(judgeTrial(runs({}), runs({ wall_ms: 9000 }))?.verdict).toBe("harms");
  });

  test("a program that no longer works under a setting is harmed; one that never did is judged as it is", () => {
    expect(judgeTrial(runs({}), runs({ exit_code: 139, average_vmpte_kb: 1 }))?.verdict).toBe("harms");
    expect(judgeTrial(runs({ exit_code: 124 }), runs({ exit_code: 124 }))?.verdict).toBe("same");
    expect(judgeTrial([], runs({}))).toBeNull();
    expect(medianOf(runs({}))?.wall_ms).toBe(4000);
  });

  test("one run of each knows nothing of the noise", () => {
    expect(judgeTrial(runs({}, [0]), runs({ average_vmpte_kb: 1300 }, [0]))?.verdict).toBe("same");
    expect(judgeTrial(runs({}, [0]), runs({ average_vmpte_kb: 700 }, [0]))).toMatchObject({
      verdict: "helps",
      reason: expect.stringContaining("one run: chance is not known"),
    });
    // A program of 0.3 s was seen to differ by 30 % from itself.
    expect(judgeTrial(runs({}, [0]), runs({ average_rss_kb: 0.65 * RUN.average_rss_kb }, [0]))).toMatchObject({
      verdict: "same",
      reason: expect.stringContaining("use --repeat 3"),
    });
  });
});

test("an exit status says which signal ended the program", () => {
  const words = [0, 3, 129, 137, 142, 131, 159].map(exitWords);
  expect(words).toEqual(["0", "3", "129 (SIGHUP)", "137 (SIGKILL)", "142 (SIGALRM)", "131 (SIGQUIT)", "159 (SIGSYS)"]);
});
