/**
 * `npm run test:e2e`: Playwright on the real window, on Linux on displays of its own (e2e/fixtures.ts): the tests would
 * take over the user's. Arguments go to Playwright.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { buildIfNeeded } from "./lib/build.ts";
import { findElectron } from "./lib/electron-runtime.ts";
import { ROOT } from "./lib/paths.ts";
import { runScript, say } from "./lib/say.ts";
import { ensureCompiler, ensureSystemLibraries } from "./lib/system-libraries.ts";

await runScript(async () => {
  ensureSystemLibraries({ virtualDisplay: process.platform === "linux" });
  ensureCompiler();
  const electron = await findElectron();
  say(electron.chosen);
  buildIfNeeded();
  const playwright = join(ROOT, "node_modules", "@playwright", "test", "cli.js");
  return (
    spawnSync(process.execPath, [playwright, "test", ...process.argv.slice(2)], {
      cwd: ROOT,
      stdio: "inherit",
      env: { ...process.env, RECLAIM_LAB_ELECTRON: electron.executable },
    }).status ?? 1
  );
});
