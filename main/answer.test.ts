/** What nobody nearer to an error said of it. */
import { closeSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { describeError } from "../engine/error.ts";
import { inWords, isBadInput, toLabError } from "./answer.ts";

function thrownBy(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return inWords(error);
  }
  throw new Error("nothing was thrown");
}

describe("an error that nobody named", () => {
  test("of the file system says which file it was of, and is none of the history", () => {
    const gone = thrownBy(() => readFileSync("/nowhere/x.json"));
    expect(describeError(gone)).toBe(
      "/nowhere/x.json: The file cannot be read or written: there is no such file or folder. Check the disk and the path, then try again",
    );
    expect(toLabError(gone)).toMatchObject({ name: "FileError", badInput: true });
    expect(describeError(thrownBy(() => renameSync("/nowhere/x", "/nowhere/y")))).toMatch(/^\/nowhere\/x: /);
  });

  test.skipIf(process.platform !== "linux")("of a device is no bad input, and makes up no name", () => {
    const fd = openSync("/dev/full", "w");
    try {
      const full = thrownBy(() => writeSync(fd, "x"));
      expect(describeError(full)).toMatch(/^A file cannot be read or written: no space is left on the device\. /);
      expect(isBadInput(full)).toBe(false);
    } finally {
      closeSync(fd);
    }
  });

  test("of SQLite is one of the history", () => {
    const db = new Database(":memory:");
    const error = thrownBy(() => db.exec("SELECT * FROM nowhere"));
    db.close();
    expect(describeError(error)).toMatch(/^the history: The history failed with an error: SQLITE_ERROR/);
  });
});
