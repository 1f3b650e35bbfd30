import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { unzip } from "./unzip.ts";

/** A zip file with the given files, each deflated or stored. */
function zipOf(files: readonly { name: string; text: string; stored?: boolean; mode?: number }[]): Buffer {
  const parts: Buffer[] = [];
  const list: Buffer[] = [];
  let at = 0;
  for (const { name, text, stored = false, mode = 0o644 } of files) {
    const data = Buffer.from(text);
    const packed = stored ? data : deflateRawSync(data);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(stored ? 0 : 8, 8);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(stored ? 0 : 8, 10);
    entry.writeUInt32LE(crc32(data), 16);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(data.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE((mode << 16) >>> 0, 38);
    entry.writeUInt32LE(at, 42);
    list.push(entry, Buffer.from(name));
    parts.push(local, Buffer.from(name), packed);
    at += 30 + name.length + packed.length;
  }
  const directory = Buffer.concat(list);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, directory, end]);
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "unzip-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("unpacks deflated, stored and empty files under the names it is given", async () => {
  const zip = join(folder, "a.zip");
  await writeFile(
    zip,
    zipOf([
      { name: "top/program", text: "x".repeat(100_000), mode: 0o755 },
      { name: "top/stored.txt", text: "as it is", stored: true },
      { name: "top/empty", text: "", stored: true },
      { name: "top/skipped", text: "no" },
    ]),
  );
  const written = await unzip(zip, join(folder, "out"), (name) =>
    name === "top/skipped" ? null : name.replace("top/", "in/"),
  );
  expect(written).toBe(3);
  expect((await readdir(join(folder, "out", "in"))).sort()).toEqual(["empty", "program", "stored.txt"]);
  expect(await readFile(join(folder, "out", "in", "program"), "utf8")).toBe("x".repeat(100_000));
  expect((await stat(join(folder, "out", "in", "program"))).mode & 0o777).toBe(0o755 & ~process.umask());
  expect(await readFile(join(folder, "out", "in", "stored.txt"), "utf8")).toBe("as it is");
});

it("writes nothing outside of its folder", async () => {
  const zip = join(folder, "evil.zip");
  await writeFile(zip, zipOf([{ name: "../evil", text: "gotcha" }]));
  await expect(unzip(zip, join(folder, "out"), (name) => name)).rejects.toThrow(/leaves its folder/);
  expect(await readdir(folder)).toEqual(["evil.zip"]);
});

it("names a file that is no zip or is cut off", async () => {
  const zip = join(folder, "bad.zip");
  await writeFile(zip, "not a zip");
  await expect(unzip(zip, folder, (name) => name)).rejects.toThrow(/not a zip file/);
});
