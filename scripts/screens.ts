/**
 * `npm run screens`: the pictures that the documents show, taken anew by the end-to-end tests of those views. The tests leave
 * pictures of all views in test-results/screens (with RECLAIM_LAB_SCREENS=1 at 1920 x 1080 too). Where ImageMagick is there
 * they are made a third of the size: the window has few colours.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./lib/paths.ts";
import { runScript, say } from "./lib/say.ts";

const FOLDER = join(ROOT, "docs", "screens");
const TAKEN = join(ROOT, "test-results", "screens");
/** The tests that take them. */
const TESTS = ["tour", "policies"];
const SMALLER = ["-dither", "None", "-colors", "255", "-define", "png:compression-level=9"];

/** The names of the pictures that README and documents show. */
function shown(): string[] {
  const documents = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => join("docs", name))];
  const texts = documents.filter((name) => name.endsWith(".md")).map((name) => readFileSync(join(ROOT, name), "utf8"));
  return [...new Set(texts.flatMap((text) => [...text.matchAll(/screens\/([\w-]+\.png)/g)].map(([, name]) => name)))];
}

await runScript(async () => {
  const taken = spawnSync(process.execPath, [join(ROOT, "scripts", "e2e.ts"), ...TESTS], { stdio: "inherit" });
  const names = shown();
  for (const name of readdirSync(FOLDER)) if (!names.includes(name)) rmSync(join(FOLDER, name));
  const missing = names.filter((name) => !existsSync(join(TAKEN, name)));
  const made = names.filter((name) => !missing.includes(name));
  for (const name of made) copyFileSync(join(TAKEN, name), join(FOLDER, name));
  if (spawnSync("mogrify", [...SMALLER, ...made.map((name) => join(FOLDER, name))]).error !== undefined)
    say("the pictures are as large as they came: there is no ImageMagick (mogrify) to make them smaller");
  if (missing.length > 0) say(`no test took ${missing.join(", ")}`);
  return taken.status === 0 && missing.length > 0 ? 1 : (taken.status ?? 1);
});
