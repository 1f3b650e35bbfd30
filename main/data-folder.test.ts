/** Who may see what the lab keeps. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore } from "../db/store.ts";
import { closeToOthers, dataFolder, historyFile, shownPath } from "./data-folder.ts";

let base: string;
const at = (...names: string[]): string => join(base, ...names);
const mode = (path: string): number => statSync(path).mode & 0o777;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "reclaim-lab-data-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

test("the data folder is RECLAIM_LAB_DATA, else the system's place", () => {
  expect(dataFolder({ RECLAIM_LAB_DATA: "/x" }, "linux")).toBe("/x");
  expect(dataFolder({ XDG_DATA_HOME: "/y" }, "linux")).toBe("/y/reclaim-lab");
  // The specification says to ignore what is not absolute.
  expect(dataFolder({ XDG_DATA_HOME: "y" }, "linux")).toMatch(/\.local\/share\/reclaim-lab$/);
});

test("a path is shown as it is where there is no home folder", () => {
  expect(shownPath("/a/b", null)).toBe("/a/b");
  expect(shownPath("/a/b", "/a")).toBe("~/b");
});

test("a choice of history that is damaged is none of the folder's own", () => {
  expect(historyFile(base)).toBe(at("history.sqlite"));
  for (const text of ["{", "null", '{"history": 1}']) {
    writeFileSync(at("history.json"), text);
    expect(() => historyFile(base)).toThrow("Which history was chosen cannot be read");
  }
});

test.skipIf(process.platform === "win32")("a new folder and a new history are their owner's alone", () => {
  closeToOthers(at("a", "b"));
  openStore(at("a", "b", "history.sqlite")).close();
  openStore(at("elsewhere", "history.sqlite")).close();
  expect([at("a"), at("a", "b"), at("elsewhere")].map(mode)).toEqual([0o700, 0o700, 0o700]);
  expect([at("a", "b", "history.sqlite"), at("elsewhere", "history.sqlite")].map(mode)).toEqual([0o600, 0o600]);
});

test.skipIf(process.platform === "win32")(
  "a folder of the user's behind a link is closed like one in its place",
  () => {
    mkdirSync(at("elsewhere"));
    chmodSync(at("elsewhere"), 0o755);
    symlinkSync(at("elsewhere"), at("data"));
    closeToOthers(at("data"));
    openStore(at("data", "history.sqlite")).close();
    expect([mode(at("elsewhere")), mode(at("elsewhere", "history.sqlite"))]).toEqual([0o700, 0o600]);
  },
);

test.skipIf(process.platform === "win32")(
  "a folder and files of before are closed; other files, and what links lead to, stay as they are",
  () => {
    mkdirSync(at("data"));
    chmodSync(at("data"), 0o755);
    const ours = ["history.sqlite", "history.sqlite-wal", "history.json", "history.before-v2.20260131T235959Z.sqlite"];
    for (const path of [...ours, "notes.txt"].map((name) => at("data", name)).concat(at("mine.sqlite"))) {
      writeFileSync(path, "");
      chmodSync(path, 0o644);
    }
    symlinkSync(at("mine.sqlite"), at("data", "link.sqlite"));
    closeToOthers(at("data"));
    expect(mode(at("data"))).toBe(0o700);
    expect(ours.map((name) => mode(at("data", name)))).toEqual(ours.map(() => 0o600));
    expect([at("data", "notes.txt"), at("mine.sqlite")].map(mode)).toEqual([0o644, 0o644]);
  },
);
