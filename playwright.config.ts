import { defineConfig } from "@playwright/test";

export default defineConfig({
  // A real window on a shared machine: in CI a test that fails once is tried again, and reported as flaky.
  retries: process.env.CI ? 1 : 0,
  testDir: "e2e",
  testMatch: "**/*.e2e.ts",
  // Each test starts the whole app; two at once would share two cores with their engine workers.
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  reporter: [["list"]],
  outputDir: "test-results",
});
