#!/usr/bin/env node
/**
 * Where the command line starts. What Node compiles of it is kept between starts, in the user's cache; the version is said
 * without the rest of the program.
 */
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { VERSION } from "./version.ts";

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
  const why = error.code === "ENOSPC" ? "no space is left on the device" : error.message;
  process.stderr.write(`reclaim-lab: What was to be printed could not be written: ${why}\n`);
  process.exit(1);
});

const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) process.stdout.write(`${VERSION}\n`);
else {
  enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "reclaim-lab", "compiled"));
  const { commandLine } = await import("./cli/program.ts");
  process.exitCode = await commandLine(args);
}
