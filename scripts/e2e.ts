/**
 * `npm run test:e2e`: Playwright on the real window. Brings its own display where there is none (or where the tests
 * would take over the user's). Arguments go to Playwright.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { buildIfNeeded } from "./lib/build.ts";
import { findElectron } from "./lib/electron-runtime.ts";
import { ROOT } from "./lib/paths.ts";
import { runScript, say } from "./lib/say.ts";
import { ensureCompiler, ensureSystemLibraries } from "./lib/system-libraries.ts";

await runScript(async () => {
  const virtual = process.platform === "linux";
  ensureSystemLibraries({ virtualDisplay: virtual });
  ensureCompiler();
  const electron = await findElectron();
  say(electron.chosen);
  buildIfNeeded();
  const playwright = [
    process.execPath,
    join(ROOT, "node_modules", "@playwright", "test", "cli.js"),
    "test",
    ...process.argv.slice(2),
  ];
  const [program, ...args] = virtual ? ["xvfb-run", "-a", "-s", "-screen 0 1920x1080x24", ...playwright] : playwright;
  const env = { ...process.env, RECLAIM_LAB_ELECTRON: electron.executable };
  if (virtual) delete (env as NodeJS.ProcessEnv).WAYLAND_DISPLAY;
  return spawnSync(program ?? "", args, { cwd: ROOT, stdio: "inherit", env }).status ?? 1;
});
