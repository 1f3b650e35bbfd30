import { ReclaimLabError } from "../../engine/error.ts";
import { tryDisplay } from "../../probe/display.ts";

/** Tries the display and prints the switches that the window's program needs on it, a line each. */
export async function display(): Promise<void> {
  const { switches, words } = await tryDisplay();
  if (switches === null)
    throw new ReclaimLabError("There is no display here", {
      why: words,
      todo: "The command line needs none: reclaim-lab --help",
    });
  for (const each of switches) process.stdout.write(`${each}\n`);
}
