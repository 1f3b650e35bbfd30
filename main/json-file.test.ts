import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { chooseHistory, historyFile, ownHistory } from "./data-folder.ts";
import { readConvenience, readJson, writeJson } from "./json-file.ts";

const schema = v.object({ size: v.number() });
let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "json-file-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("what was written is read; what is missing or something else is the fallback", () => {
  writeJson(at("deep/settings.json"), { size: 3 });
  expect(readJson(at("deep/settings.json"), schema, { size: 0 })).toEqual({ size: 3 });
  expect(readJson(at("none.json"), schema, { size: 0 })).toEqual({ size: 0 });
  for (const text of ["", "{", '{"size":"3"}']) {
    writeFileSync(at("odd.json"), text);
    expect(readJson(at("odd.json"), schema, { size: 7 }), text).toEqual({ size: 7 });
    expect(readJson(join(at("odd.json"), "below"), schema, { size: 7 })).toEqual({ size: 7 });
  }
});

// A folder in its place: what no user can read, root neither.
test("what is there and cannot be read is an error in words, and never taken for missing", () => {
  mkdirSync(at("settings.json"));
  expect(() => readJson(at("settings.json"), schema, { size: 0 })).toThrow("A settings file cannot be read");
  const said = vi.spyOn(console, "error").mockImplementation(() => {});
  expect(readConvenience(at("settings.json"), schema, { size: 5 })).toEqual({ size: 5 });
  expect(String(said.mock.calls[0])).toContain("cannot be read");
  said.mockRestore();
});

test("where it cannot be read which history was chosen, the folder's own is not opened instead", () => {
  chooseHistory(folder, at("another.sqlite"));
  expect(historyFile(folder)).toBe(at("another.sqlite"));
  rmSync(at("history.json"));
  expect(historyFile(folder)).toBe(ownHistory(folder));
  mkdirSync(at("history.json"));
  expect(() => historyFile(folder)).toThrow("cannot be read");
});
