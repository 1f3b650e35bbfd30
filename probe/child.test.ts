/** Programs of ours that do not start. */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exitOf, started } from "./child.ts";
import { ensureProbe } from "./detect.ts";

test("one that is not there is said so, whenever it is asked", async () => {
  const child = started(spawn("/no/such", { stdio: "pipe" }), "The program");
  // An error that nobody listens for would end the process.
  await new Promise((done) => setTimeout(done, 50));
  await expect(exitOf(child)).rejects.toThrow("The program cannot be started");
  await expect(exitOf(child)).rejects.toMatchObject({ name: "NotStartedError", why: "it is not there" });
});

test("how one ended is known after it has", async () => {
  const [seven, killed] = ["exit 7", "kill -9 $$"].map((script) => started(spawn("/bin/sh", ["-c", script]), "sh"));
  await new Promise((done) => setTimeout(done, 200));
  expect([await exitOf(seven), await exitOf(killed)]).toEqual([7, 137]);
});

/** Where each is imported from, and how it is called. */
const STARTERS = {
  look: ["look.ts", "startLooker", "startLooker()"],
  guard: ["capture-folder.ts", "temporaryFolder", "temporaryFolder()"],
  perf: ["recording-cost.ts", "controlledPerf", `controlledPerf("perf", [])`],
  script: ["conformance/kernel-answers.ts", "startProbe", `startProbe("whole")`],
  trial: [
    "trial.ts",
    "runTrial",
    `runTrial({ command: ["/bin/true"], env: {}, cwd: "/", intervalUs: 1000, signal: new AbortController().signal })`,
  ],
} as const;

const missing = ensureProbe();
if (missing !== null) console.warn(`programs without open files are not tested: ${missing}`);

test.skipIf(missing !== null).each(Object.entries(STARTERS))(
  "without open files %s is refused in words",
  (_name, [module, name, call]) => {
    const source = `
      import { closeSync, openSync } from "node:fs";
      import { ${name} } from ${JSON.stringify(join(import.meta.dirname, module))};
      let last;
      try { for (;;) last = openSync("/dev/null"); } catch (error) { if (error.code !== "EMFILE") throw error; }
      // One is left, to look for the probe's sources; none is enough for pipes.
      closeSync(last);
      try {
        await ${call};
        console.log("started");
      } catch (error) {
        console.log(error.name + ": " + error.message + ": " + error.why);
      }
      process.exit();`;
    const words = ["-c", 'ulimit -n 80 && exec "$@"', "sh", process.execPath, "--input-type=module", "-e", source];
    const { stdout, stderr } = spawnSync("/bin/sh", words, { encoding: "utf8" });
    expect(stdout + stderr).toMatch(/^NotStartedError: .* cannot be started: no more files can be opened\n$/);
  },
);
