/** The window: launch, first point, frames while a run streams, a long history, a long run. Measured in the real app. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buildIfNeeded } from "../scripts/lib/build.ts";
import { findElectron } from "../scripts/lib/electron-runtime.ts";
import { ensureSystemLibraries } from "../scripts/lib/system-libraries.ts";
import type { Row, Section } from "./harness.ts";

async function* rows(): AsyncGenerator<Row> {
  const virtual = process.platform === "linux";
  ensureSystemLibraries({ virtualDisplay: virtual });
  const { executable, version } = await findElectron();
  buildIfNeeded();
  const measure = [process.execPath, join(import.meta.dirname, "window", "measure.ts")];
  const [program = "", ...args] = virtual ? ["xvfb-run", "-a", "-s", "-screen 0 1920x1080x24", ...measure] : measure;
  const child = spawn(program, args, {
    env: { ...process.env, RECLAIM_LAB_ELECTRON: executable },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const over = new Promise<number | null>((resolve) => child.once("close", resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    const row: Row = JSON.parse(line);
    yield { ...row, note: [row.note, `Electron ${version}`].filter(Boolean).join("; ") };
  }
  const status = await over;
  if (status !== 0) throw new Error(`measuring the window ended with status ${status}`);
}

export const section: Section = { title: "Window (on a virtual display without a graphics card)", rows };
