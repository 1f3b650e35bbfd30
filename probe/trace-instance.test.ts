import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { makeTraceInstance } from "./trace-instance.ts";

// A folder stands for tracefs: what is tried is who removes it, and when.
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reclaim-lab-instances-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(process.platform !== "linux")("it goes when its process is killed", async () => {
  const source = `import { makeTraceInstance } from ${JSON.stringify(join(import.meta.dirname, "trace-instance.ts"))};
    makeTraceInstance(${JSON.stringify(folder)});
    process.kill(process.pid, "SIGKILL");`;
  expect(spawnSync(process.execPath, ["--input-type=module", "-e", source]).signal).toBe("SIGKILL");
  await vi.waitFor(() => expect(readdirSync(folder)).toEqual([]), { timeout: 120_000 });
});

test.skipIf(process.platform !== "linux")("it goes when it is removed, and so does what a dead process left", () => {
  mkdirSync(join(folder, "reclaim-lab-999999999-1-0"));
  mkdirSync(join(folder, "somebody-elses"));
  const instance = makeTraceInstance(folder);
  expect(readdirSync(folder)).toHaveLength(2);
  instance.remove();
  expect(existsSync(instance.path)).toBe(false);
  expect(readdirSync(folder)).toEqual(["somebody-elses"]);
});
