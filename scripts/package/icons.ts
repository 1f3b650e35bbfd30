/** The icon, drawn from its SVG in the sizes that desktops ask for. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import { PACKAGING } from "./about.ts";

export const ICON_SIZES = [16, 24, 32, 48, 64, 128, 256, 512, 1024] as const;

/** Writes `SIZExSIZE.png` files into a folder, the names that electron-builder looks for. */
export async function drawIcons(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const drawing = await loadImage(join(PACKAGING, "icon.svg"));
  for (const size of ICON_SIZES) {
    const canvas = createCanvas(size, size);
    canvas.getContext("2d").drawImage(drawing, 0, 0, size, size);
    writeFileSync(join(folder, `${size}x${size}.png`), canvas.toBuffer("image/png"));
  }
}
