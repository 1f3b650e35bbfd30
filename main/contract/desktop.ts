/** What the desktop gives and takes: files that were chosen, dropped or opened with the program; the clipboard. */
import * as v from "valibot";
import { windowToMain } from "./define.ts";
import { labErrorSchema, nothingSchema, openedFileSchema, recentFileSchema, tokenSchema } from "./shapes.ts";

const PICTURE_BYTES_MAX = 64 * 2 ** 20;

export const desktopCalls = {
  /** Asks for a trace or workload file with the system's dialog and opens it; null: the user changed their mind. */
  "file.choose": windowToMain(nothingSchema, v.nullable(openedFileSchema)),
  /** The same for the folder of a capture. */
  "file.chooseFolder": windowToMain(nothingSchema, v.nullable(openedFileSchema)),
  /** The file that the program was started with, once; null where there was none (or it has been taken). */
  "file.pending": windowToMain(nothingSchema, v.nullable(openedFileSchema)),
  /** The files that were opened lately, newest first. */
  "file.recent": windowToMain(nothingSchema, v.array(recentFileSchema)),
  /** Opens one of them. Refused, and taken off the list, where it is gone. */
  "file.openRecent": windowToMain(v.object({ id: tokenSchema }), openedFileSchema),
  "file.clearRecent": windowToMain(nothingSchema, nothingSchema),
  "clipboard.writeText": windowToMain(v.object({ text: v.pipe(v.string(), v.maxLength(64 * 2 ** 20)) }), nothingSchema),
  "clipboard.writePicture": windowToMain(
    v.object({
      /** A PNG file's bytes. */
      png: v.custom<Uint8Array>(
        (value) =>
          // An object can have the prototype alone.
          ArrayBuffer.isView(value) &&
          value instanceof Uint8Array &&
          value.length > 8 &&
          value.length <= PICTURE_BYTES_MAX,
        "not the bytes of a PNG file",
      ),
    }),
    nothingSchema,
  ),
};

export const desktopEvents = {
  /** The program was started once more, with a file: it is open, under its token. */
  "file.opened": openedFileSchema,
  /** A file that the desktop or the menu gave could not be opened. */
  "file.refused": labErrorSchema,
  /** The list of recent files is another. */
  "file.recentChanged": v.array(recentFileSchema),
};
