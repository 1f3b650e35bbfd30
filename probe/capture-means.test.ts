import { expect, test } from "vitest";
import { whyPerf } from "./capture-means.ts";

test("of what perf says the line that tells why is given on", () => {
  const denied = `event syntax error: 'raw_syscalls:sys_enter'
                     \\___ can't access trace events

Error:\tNo permissions to read /sys/kernel/tracing/events/raw_syscalls/sys_enter
Hint:\tTry 'sudo mount -o remount,mode=755 /sys/kernel/tracing'
`;
  expect(whyPerf(denied)).toBe("No permissions to read /sys/kernel/tracing/events/raw_syscalls/sys_enter");
  expect(whyPerf("unknown option\nUsage: perf")).toBe("unknown option");
});
