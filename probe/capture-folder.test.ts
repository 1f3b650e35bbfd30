import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeError } from "../engine/error.ts";
import { afterFailure, makeCaptureFolder, sweepLeftovers } from "./capture-folder.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reclaim-lab-test-folders-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("only its owner can read a capture", () => {
  const before = process.umask(0o002);
  try {
    makeCaptureFolder(join(folder, "a", "capture"));
  } finally {
    process.umask(before);
  }
  expect(statSync(join(folder, "a", "capture")).mode & 0o777).toBe(0o700);
  expect(() => makeCaptureFolder(join(folder, "a", "capture"))).toThrow("cannot be created");
});

/** Leftovers of a process that cannot be any more; a file in each. */
function leftover(kind: "capture" | "try"): string {
  const path = mkdtempSync(join(tmpdir(), `reclaim-lab-${kind}-999999999-`));
  writeFileSync(join(path, "perf.data"), "");
  return path;
}

test("what dead captures and trials left goes", () => {
  const left = [leftover("capture"), leftover("try")];
  sweepLeftovers();
  expect(left.filter((path) => existsSync(path))).toEqual([]);
});

test.skipIf(process.getuid?.() !== 0)("what is another user's stays, and is in nobody's way", () => {
  const left = leftover("capture");
  chmodSync(left, 0o755);
  const source = `import { sweepLeftovers } from ${JSON.stringify(join(import.meta.dirname, "capture-folder.ts"))}; sweepLeftovers();`;
  try {
    execFileSync(process.execPath, ["--input-type=module", "-e", source], { uid: 65_534, stdio: "pipe" });
    expect(existsSync(left)).toBe(true);
    // Nor does root remove what somebody else put there to be removed.
    const theirs = join(tmpdir(), `reclaim-lab-capture-999999999-${process.pid}`);
    execFileSync("mkdir", [theirs], { uid: 65_534 });
    sweepLeftovers();
    expect(existsSync(theirs)).toBe(true);
    rmSync(theirs, { recursive: true });
  } finally {
    rmSync(left, { recursive: true, force: true });
  }
});

test("a recording that failed leaves what was recorded, or nothing; the disk's errors are in words", async () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
  const failed = async (vmpte: string, events?: number) => {
    const path = join(folder, `of-${events}-${vmpte.length}`);
    const takeAway = makeCaptureFolder(path);
    writeFileSync(join(path, "vmpte.txt"), vmpte);
    const words = describeError(await afterFailure(path, takeAway, full, events));
    return { words: words.replace(path, "OUT"), kept: existsSync(path) };
  };
  expect(await failed("# pid 1\n")).toEqual({
    words: "OUT: The recording could not be written: the disk is full. Mend that, or choose another place with --out",
    kept: false,
  });
  expect(await failed("# pid 1\n", 7)).toEqual({
    words: "OUT: The recording could not be finished: the disk is full. Its events are kept in events.txt.gz",
    kept: true,
  });
  expect(await failed("# pid 1\n1 2 3\n", 7)).toEqual({
    words:
      "OUT: The recording could not be finished: the disk is full. Its readings of VmPTE are kept in vmpte.txt, its events are kept in events.txt.gz",
    kept: true,
  });
});
