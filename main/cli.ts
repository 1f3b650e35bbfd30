#!/usr/bin/env node
/**
 * Where the command line starts. What Node compiles of it is kept between starts, in the user's cache; the version is said
 * without the rest of the program.
 */
import { readerIsGone } from "./cli/reader.ts";
import { keepCompiled, pruneCompiled } from "./compile-cache.ts";
import { VERSION } from "./version.ts";

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") {
    if (readerIsGone()) return;
    process.exit(process.exitCode ?? 0);
  }
  const why = error.code === "ENOSPC" ? "no space is left on the device" : error.message;
  process.stderr.write(`reclaim-lab: What was to be printed could not be written: ${why}\n`);
  process.exit(1);
});

// What is said beside the result may be lost; the result and the exit status stand.
process.stderr.on("error", () => {});

const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) process.stdout.write(`${VERSION}\n`);
else {
  const compiled = keepCompiled();
  const { commandLine } = await import("./cli/program.ts");
  process.exitCode = await commandLine(args);
  if (compiled !== null) pruneCompiled(compiled);
}
