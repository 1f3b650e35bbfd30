/** Pictures in large windows: only with RECLAIM_LAB_SCREENS=1, since nothing is checked in them. */
import { atRest } from "./axe.ts";
import { DRAWS_SCREENS, type LabApp } from "./lab-app.ts";

const LARGE = [
  [1920, 1080],
  [2560, 1440],
] as const;

/** The window as it is now at both large sizes; it is 1280 x 800 afterwards, as it was. A menu would close. */
export async function drawLarge(lab: LabApp, name: string): Promise<void> {
  if (!DRAWS_SCREENS) return;
  for (const [width, height] of LARGE) {
    await lab.resize(width, height);
    await atRest(lab.page);
    await lab.screenshot(`${name}-${width}`);
  }
  await lab.resize(1280, 800);
}
