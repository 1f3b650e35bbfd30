/**
 * `npm test`: all checks, then the unit tests, then the end-to-end tests. The checks go side by side, as many as there
 * are cores, the longest first; each says what it found once it is through. The first part that fails ends the whole.
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { ROOT } from "./lib/paths.ts";
import { runScript, say } from "./lib/say.ts";

const CHECKS = ["check:svelte", "check:typescript", "check:lint", "check:imports", "check:unused"];

/** Runs an npm script; gives its exit status. `kept`: what it prints is printed when it has ended. */
function npmRun(name: string, { kept }: { readonly kept: boolean }): Promise<number> {
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const child = spawn(npm, ["run", "-s", name], {
    cwd: ROOT,
    stdio: kept ? ["ignore", "pipe", "pipe"] : "inherit",
    shell: process.platform === "win32",
  });
  const text: Buffer[] = [];
  child.stdout?.on("data", (part: Buffer) => text.push(part));
  child.stderr?.on("data", (part: Buffer) => text.push(part));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => {
      process.stderr.write(Buffer.concat(text));
      resolve(status ?? 1);
    });
  });
}

async function part(name: string, kept = false): Promise<boolean> {
  const start = performance.now();
  const status = await npmRun(name, { kept });
  const seconds = Math.round((performance.now() - start) / 1000);
  say(`${name}: ${status === 0 ? "passed" : `failed (${status})`} after ${seconds} s`);
  return status === 0;
}

async function checks(): Promise<boolean> {
  const left = [...CHECKS];
  let sound = true;
  const next = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) if (!(await part(name, true))) sound = false;
  };
  await Promise.all(Array.from({ length: availableParallelism() }, next));
  return sound;
}

await runScript(async () => ((await checks()) && (await part("test:unit")) && (await part("test:e2e")) ? 0 : 1));
