import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("the explorer finds every sabotage of the engine", () => {
  const script = fileURLToPath(new URL("sabotage-explorer.ts", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout).not.toContain("MISSED");
  expect(stdout).toContain("11 of 11 found");
  expect(status).toBe(0);
});
