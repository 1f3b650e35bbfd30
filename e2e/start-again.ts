import { spawn } from "node:child_process";
import { electronSwitches } from "../scripts/lib/display.ts";
import { ROOT } from "./fixtures.ts";

/** Starts the program once more over the same data, as the desktop does, with these arguments; gives its exit status. */
export function startAgain(dataFolder: string, args: readonly string[] = [], cwd?: string): Promise<number | null> {
  const second = spawn(process.env.RECLAIM_LAB_ELECTRON ?? "", [...electronSwitches(), ROOT, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, RECLAIM_LAB_DATA: dataFolder },
    stdio: "ignore",
  });
  return new Promise((resolve) => second.once("exit", resolve));
}
