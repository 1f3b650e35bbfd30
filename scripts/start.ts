/**
 * `npm start`: opens the desktop window, doing all the set-up that this machine still lacks. Without a display it runs
 * the default experiment in the terminal, into the same history. Arguments after `--` go to the window's program.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ELECTRON_TODO } from "../main/contract/electron-support.ts";
import { tryDisplay } from "../probe/display.ts";
import { buildIfNeeded } from "./lib/build.ts";
import { electronSwitches } from "./lib/display.ts";
import { findElectron, rememberElectron } from "./lib/electron-runtime.ts";
import { ROOT } from "./lib/paths.ts";
import { runScript, say } from "./lib/say.ts";
import { ensureCompiler, ensureSystemLibraries } from "./lib/system-libraries.ts";

/** Runs a program in the foreground, passes signals on, and gives its exit status. */
function foreground(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: "inherit" });
    // The terminal's Ctrl-C reaches the child by itself; this one waits for it to end in order.
    const wait = () => {};
    const pass = () => child.kill("SIGTERM");
    process.on("SIGINT", wait);
    process.on("SIGTERM", pass);
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1)));
  });
}

await runScript(async () => {
  const display = await tryDisplay();
  if (display.switches === null) {
    say(`no display here (${display.words}): running the default experiment in the terminal`);
    return foreground(process.execPath, [join(ROOT, "main", "cli.ts"), "run", "commit-table"]);
  }
  ensureSystemLibraries({ virtualDisplay: false });
  ensureCompiler();
  const electron = await findElectron();
  say(electron.chosen);
  if (electron.fault !== null) say(`WARNING: ${electron.fault}. ${ELECTRON_TODO}`);
  buildIfNeeded();
  rememberElectron(electron.version);
  return foreground(electron.executable, [...electronSwitches(), ...display.switches, ROOT, ...process.argv.slice(2)]);
});
