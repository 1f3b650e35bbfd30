/** What the scripts tell their user: one line on stderr, so that stdout stays for results. */
export function say(line: string): void {
  process.stderr.write(`reclaim-lab: ${line}\n`);
}

/** What a script cannot mend itself: said in one line, exit status 1. */
export class SetupError extends Error {
  override readonly name = "SetupError";
}

/** Runs a script's main function; its errors are lines, never stack traces. Sets the exit status. */
export async function runScript(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetupError) && process.env.RECLAIM_LAB_DEBUG) throw error;
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
