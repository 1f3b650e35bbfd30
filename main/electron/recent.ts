/** The files that were opened lately, newest first: kept in the data folder over restarts; their paths stay in main. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import * as v from "valibot";
import { BadInputError } from "../../engine/error.ts";
import { tokenSchema } from "../contract/shapes.ts";
import type { RecentFile } from "../contract.ts";
import { readConvenience, writeJson } from "../json-file.ts";

const REMEMBERED_MAX = 10;

const storedSchema = v.array(
  v.object({
    id: tokenSchema,
    path: v.pipe(v.string(), v.nonEmpty()),
    /** A capture is called after its program. */
    name: v.optional(v.string()),
  }),
);

export interface RecentFiles {
  /** As the window is told of them: by id and name, no path. */
  list(): RecentFile[];
  /** To the top of the list. `name`: what it is called, where that is not the file's own. */
  add(path: string, name?: string): void;
  /** The path behind an id. Errors: BadInputError where it is not on the list, or gone; what is gone is taken off. */
  path(id: string): string;
  clear(): void;
}

/** `onChange`: the list is another than before. */
export function recentFilesIn(folder: string, onChange: () => void): RecentFiles {
  const file = join(folder, "recent.json");
  let files = readConvenience(file, storedSchema, []);

  function keep(next: typeof files): void {
    files = next.slice(0, REMEMBERED_MAX);
    try {
      writeJson(file, files);
    } catch (error) {
      // A full disk must not keep a file from being opened.
      console.error("recent files:", error);
    }
    onChange();
  }

  return {
    list: () =>
      files.map(({ id, path, name }) => ({
        id,
        name: name ?? basename(path),
        folder: basename(name === undefined ? dirname(path) : path),
      })),
    add(path, name) {
      const known = files.find((each) => each.path === path);
      const id = known?.id ?? randomBytes(9).toString("base64url");
      keep([{ id, path, ...(name === undefined ? {} : { name }) }, ...files.filter((each) => each.path !== path)]);
    },
    path(id) {
      const found = files.find((each) => each.id === id);
      if (found === undefined)
        throw new BadInputError("This is not one of the recent files", { todo: "Open it from its folder" });
      if (existsSync(found.path)) return found.path;
      keep(files.filter((each) => each !== found));
      throw new BadInputError(`${basename(found.path)} no longer exists`, {
        where: basename(dirname(found.path)),
        why: "it was moved, renamed or deleted since it was last opened",
        todo: "Open it from its new place; it was removed from the list of recent files",
      });
    },
    clear: () => keep([]),
  };
}
