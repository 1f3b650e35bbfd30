import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{engine,probe,db,chart,main,renderer,scripts,bench}/**/*.test.ts"],
    environment: "node",
    // Vitest leaves one core to others, which on a machine of two is half of it.
    maxWorkers: availableParallelism(),
    // A machine may be slow and busy: what does not come at all is a failure, what comes late is none.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 120_000 } },
    setupFiles: ["scripts/lib/test-seed.ts"],
    env: {
      // Many tests start the command line: what Node compiled of it is kept between its starts.
      NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules", ".cache", "node"),
      RECLAIM_LAB_SEED: process.env.RECLAIM_LAB_SEED ?? "1",
    },
  },
});
