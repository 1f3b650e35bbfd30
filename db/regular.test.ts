import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isRegular, readRegular } from "./regular.ts";

test.skipIf(process.platform === "win32")("a pipe is not waited for, a device is not read without end", () => {
  const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-regular-"));
  try {
    const [file, link, pipe, zero, nowhere, long] = ["file", "link", "pipe", "zero", "nowhere", "long"].map((name) =>
      join(folder, name),
    );
    writeFileSync(file, "text");
    symlinkSync(file, link);
    execFileSync("mkfifo", [pipe]);
    symlinkSync("/dev/zero", zero);
    symlinkSync(join(folder, "gone"), nowhere);
    writeFileSync(long, "");
    truncateSync(long, 16 * 1024 * 1024 + 1);
    expect([file, link, pipe, zero, nowhere, folder].map(isRegular)).toEqual([true, true, false, false, false, false]);
    expect([readRegular(file), readRegular(link)]).toEqual(["text", "text"]);
    for (const odd of [pipe, zero]) expect(() => readRegular(odd)).toThrow("it is a device or a pipe, not a file");
    expect(() => readRegular(folder)).toThrow("it is a folder");
    expect(() => readRegular(nowhere)).toThrow("ENOENT");
    expect(() => readRegular(long)).toThrow("16 MiB");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
