/**
 * `npm run screens`: the pictures under docs/screens, drawn anew by the end-to-end tests of all views. Where ImageMagick
 * is there they are made a third of the size: the window has few colours.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./lib/paths.ts";
import { runScript, say } from "./lib/say.ts";

const FOLDER = join(ROOT, "docs", "screens");
const SMALLER = ["-dither", "None", "-colors", "255", "-define", "png:compression-level=9"];

await runScript(async () => {
  const env = { ...process.env, RECLAIM_LAB_SCREENS: "1" };
  const drawn = spawnSync(process.execPath, [join(ROOT, "scripts", "e2e.ts"), "tour", "views"], {
    stdio: "inherit",
    env,
  });
  const pictures = readdirSync(FOLDER)
    .filter((name) => name.endsWith(".png"))
    .map((name) => join(FOLDER, name));
  if (spawnSync("mogrify", [...SMALLER, ...pictures]).error !== undefined)
    say("the pictures are as large as they came: there is no ImageMagick (mogrify) to make them smaller");
  return drawn.status ?? 1;
});
