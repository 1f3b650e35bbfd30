import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { keepAllocatorSettings, withAllocatorSettings } from "./allocator.ts";

test("the host's own process has the settings, the programs that it starts have not", () => {
  const env = withAllocatorSettings({ HOME: "/home/x", MALLOC_ARENA_MAX: "7" });
  expect(env).toMatchObject({ HOME: "/home/x", MALLOC_ARENA_MAX: "7", MALLOC_TRIM_THRESHOLD_: "131072" });
  keepAllocatorSettings(env);
  expect(env).toEqual({ HOME: "/home/x", MALLOC_ARENA_MAX: "7" });
});

test("a child of a process that kept them to itself sees none of them", () => {
  const program = `
    import(process.argv[1]).then(async ({ keepAllocatorSettings }) => {
      const had = process.env.MALLOC_TRIM_THRESHOLD_;
      keepAllocatorSettings();
      const { spawnSync } = await import("node:child_process");
      console.log(had, spawnSync("env", { encoding: "utf8" }).stdout.includes("MALLOC_"));
    });`;
  const file = new URL("./allocator.ts", import.meta.url).href;
  const done = spawnSync(process.execPath, ["-e", program, file], {
    env: withAllocatorSettings({ ...process.env }),
    encoding: "utf8",
  });
  expect(done.stdout).toBe("131072 false\n");
});
