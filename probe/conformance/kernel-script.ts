/** `npm run conform:kernel -- FILE|- [--pieces]`: a script on the running kernel, printed as `reclaim-lab conform` prints the model's. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeError, ReclaimLabError } from "../../engine/error.ts";
import { scriptText } from "../../engine/workload/conform.ts";
import { ensureProbe } from "../detect.ts";
import type { Dontneed } from "../modes.ts";
import { KernelAnswers, startProbe } from "./kernel-answers.ts";

/** A script's result lines. `name`: the script's, for errors. Errors: as KernelAnswers.hold. */
export async function kernelLines(lines: readonly string[], name: string, dontneed: Dontneed): Promise<string[]> {
  const steps = lines.map((line, at) => ({ text: scriptText(line), place: `${name}:${at + 1}` }));
  const asked = steps.filter(({ text }) => text !== "");
  const kernel = new KernelAnswers(startProbe(dontneed));
  try {
    const answers = await kernel.hold(
      asked.map(({ text }) => text),
      (at) => asked[at].place,
    );
    return answers.map(({ deltaKb, status }, at) => `${at + 1}\t${deltaKb}\t${status}\t${asked[at].text}`);
  } finally {
    await kernel.close();
  }
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { pieces: { type: "boolean" } } });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new Error("one script is asked for: FILE, or - for stdin");
  const why = ensureProbe();
  if (why !== null) throw new Error(why);
  const lines = readFileSync(file === "-" ? 0 : file, "utf8").split("\n");
  const results = await kernelLines(lines, file, values.pieces ? "pieces" : "whole");
  process.stdout.write(results.map((line) => `${line}\n`).join(""));
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  main().catch((error: unknown) => {
    const said =
      error instanceof ReclaimLabError ? describeError(error) : error instanceof Error ? error.message : error;
    console.error(`conform:kernel: ${said}`);
    process.exitCode = 2;
  });
