/** The typeface of pictures: our own, so that a picture is the same on every machine, also on one without fonts. */
import { createRequire } from "node:module";
import { GlobalFonts } from "@napi-rs/canvas";
import { ReclaimLabError } from "../../engine/error.ts";

const require = createRequire(import.meta.url);
const FILES = [
  ["Reclaim Lab Sans", "latin"],
  ["Reclaim Lab Sans Latin", "latin-ext"],
  ["Reclaim Lab Sans Greek", "greek"],
  ["Reclaim Lab Sans Cyrillic", "cyrillic"],
] as const;

let registered = false;

/** The CSS font family of pictures; registers it at the first call. What it lacks comes from the system's fonts. */
export function pictureFont(): string {
  if (!registered) {
    for (const [family, subset] of FILES) {
      const path = require.resolve(`@fontsource-variable/inter/files/inter-${subset}-wght-normal.woff2`);
      if (!GlobalFonts.registerFromPath(path, family))
        throw new ReclaimLabError("The font for pictures cannot be read", {
          where: path,
          todo: "Reinstall the program",
        });
    }
    registered = true;
  }
  return [...FILES.map(([family]) => `"${family}"`), "sans-serif"].join(", ");
}
