/**
 * Exports that are dragged out of the window. The page names an experiment and a format; the host writes the file into a
 * temporary folder of ours, and the drag that the page then asks for by the file's token takes it from there.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { app, type BrowserWindow, nativeImage } from "electron";
import { BadInputError } from "../../engine/error.ts";
import type { Handlers } from "../contract.ts";
import type { AskHost } from "./ask.ts";
import { offeredName } from "./offered-name.ts";

/** So many files wait to be dragged; the oldest goes. */
const STAGED_MAX = 20;

interface Parts {
  readonly ask: AskHost;
  readonly window: () => BrowserWindow | undefined;
}

export function dragHandlers({ ask, window }: Parts): Handlers<"export.stage" | "export.drag"> {
  const staged = new Map<string, string>();
  let folder: string | undefined;

  function ownFolder(): string {
    if (folder === undefined) {
      const made = mkdtempSync(join(app.getPath("temp"), "reclaim-lab-drag-"));
      folder = made;
      app.once("will-quit", () => rmSync(made, { recursive: true, force: true }));
    }
    return folder;
  }

  function forgetOldest(): void {
    const [oldest] = staged.keys();
    if (staged.size <= STAGED_MAX || oldest === undefined || folder === undefined) return;
    staged.delete(oldest);
    rmSync(join(folder, oldest), { recursive: true, force: true });
  }

  return {
    "export.stage": async (choice) => {
      const name = await offeredName(ask, choice);
      const token = randomBytes(12).toString("base64url");
      const place = join(ownFolder(), token);
      mkdirSync(place);
      const path = join(place, name);
      await ask("export.write", { ...choice, path });
      staged.set(token, path);
      forgetOldest();
      return token;
    },
    "export.drag": ({ token }) => {
      const file = staged.get(token);
      if (file === undefined) throw new BadInputError("There is no such file to drag", { todo: "Drag it again" });
      window()?.webContents.startDrag({ file, icon: dragIcon() });
      return undefined;
    },
  };
}

const ICON_PX = 32;
const SHEET = [0xff, 0xff, 0xff, 0xff] as const;
const EDGE = [0x5a, 0x53, 0x4a, 0xff] as const;
const LINE = [0x66, 0x6e, 0x0f, 0xff] as const;

/** A sheet with a rising line, pixel by pixel (blue, green, red, alpha): Linux starts no drag without a picture. */
function dragIcon(): Electron.NativeImage {
  const pixels = Buffer.alloc(ICON_PX * ICON_PX * 4);
  for (let y = 0; y < ICON_PX; y++) {
    for (let x = 6; x < 26; x++) {
      const edge = x === 6 || x === 25 || y === 0 || y === ICON_PX - 1;
      const line = Math.abs(27 - x - (y - 4)) <= 1 && y > 5 && y < 27;
      pixels.set(edge ? EDGE : line ? LINE : SHEET, (y * ICON_PX + x) * 4);
    }
  }
  return nativeImage.createFromBitmap(pixels, { width: ICON_PX, height: ICON_PX });
}
