import { spawnSync } from "node:child_process";
import { SetupError } from "../lib/say.ts";

/** Runs a program to its end; throws SetupError with what it said where it fails. Gives its output. */
export function command(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
) {
  const done = spawnSync(program, args, { encoding: "utf8", maxBuffer: 64 << 20, ...options });
  if (done.error !== undefined) throw new SetupError(`${program} does not start: ${done.error.message}`);
  if (done.status !== 0)
    throw new SetupError(`${program} ${args.join(" ")} failed:\n${`${done.stdout}${done.stderr}`.trim().slice(-4000)}`);
  return done.stdout;
}
