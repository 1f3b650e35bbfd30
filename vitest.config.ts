import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{engine,probe,db,chart,main,renderer,scripts,bench}/**/*.test.ts"],
    environment: "node",
    // Vitest leaves one core to others, which on a machine of two is half of it.
    maxWorkers: availableParallelism(),
    // Two cores are what the smallest machine has; a hang is a failure, and no test asserts a time.
    testTimeout: 60_000,
    setupFiles: ["scripts/lib/test-seed.ts"],
    env: {
      // Many tests start the command line: what Node compiled of it is kept between its starts.
      NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules", ".cache", "node"),
      RECLAIM_LAB_SEED: process.env.RECLAIM_LAB_SEED ?? "1",
    },
  },
});
