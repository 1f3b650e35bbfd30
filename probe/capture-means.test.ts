import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TRACEFS, whyPerf } from "./capture-means.ts";

test("of what perf says the line that tells why is given on", () => {
  const denied = `event syntax error: 'raw_syscalls:sys_enter'
                     \\___ can't access trace events

Error:\tNo permissions to read /sys/kernel/tracing/events/raw_syscalls/sys_enter
Hint:\tTry 'sudo mount -o remount,mode=755 /sys/kernel/tracing'
`;
  expect(whyPerf(denied)).toBe("No permissions to read /sys/kernel/tracing/events/raw_syscalls/sys_enter");
  expect(whyPerf("unknown option\nUsage: perf")).toBe("unknown option");
});

test.skipIf(process.getuid?.() !== 0 || !existsSync(`${TRACEFS}/instances`))(
  "a tracefs that is closed to a user is not said to be missing",
  () => {
    const source = `import { captureMeans } from ${JSON.stringify(join(import.meta.dirname, "capture-means.ts"))};
      console.log((await captureMeans("tracefs")).why);`;
    const words = ["--input-type=module", "-e", source];
    const said = execFileSync(process.execPath, words, { uid: 65_534, encoding: "utf8" });
    expect(said).toMatch(/(open|writable) only (to|by) root$/m);
  },
);
