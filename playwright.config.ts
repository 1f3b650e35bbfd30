import { defineConfig } from "@playwright/test";

export default defineConfig({
  // A real window on a shared machine: in CI a test that fails once is tried again, and reported as flaky.
  retries: process.env.CI ? 1 : 0,
  testDir: "e2e",
  testMatch: "**/*.e2e.ts",
  // Two cores are what the smallest machine has: while one window waits, the other works. Each has its own display and
  // data folder (e2e/fixtures.ts), and tests are dealt out singly.
  workers: 2,
  fullyParallel: true,
  // A machine may be busy with other things: what does not come at all is a failure, what comes late is none.
  timeout: 400_000,
  expect: { timeout: 120_000 },
  forbidOnly: true,
  reporter: [["list"]],
  outputDir: "test-results",
});
