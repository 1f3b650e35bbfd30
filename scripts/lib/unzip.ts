/**
 * Unpacks a zip file: central directory, stored and deflated entries, files of any size below 4 GB. Written for
 * archives whose bytes have been checked already; still, no entry may leave the target folder.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, mkdir, open, writeFile } from "node:fs/promises";
import { dirname, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const END_BYTES = 22;
const COMMENT_BYTES_MAX = 65_535;

interface Entry {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly packedBytes: number;
  readonly headerAt: number;
  /** Permission bits, 0 where the archive has none. */
  readonly mode: number;
}

async function read(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, at);
  if (bytesRead !== bytes) throw new Error(`the zip file ends at byte ${at + bytesRead}`);
  return buffer;
}

async function directory(file: FileHandle): Promise<Entry[]> {
  const { size } = await file.stat();
  const tailAt = Math.max(0, size - END_BYTES - COMMENT_BYTES_MAX);
  const tail = await read(file, tailAt, size - tailAt);
  let end = tail.length - END_BYTES;
  while (end >= 0 && tail.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
  if (end < 0) throw new Error("not a zip file: it has no directory");
  const list = await read(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries: Entry[] = [];
  for (let at = 0; at < list.length; ) {
    if (list.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error(`the zip file's directory is damaged at byte ${at}`);
    const nameBytes = list.readUInt16LE(at + 28);
    entries.push({
      name: list.toString("utf8", at + 46, at + 46 + nameBytes),
      method: list.readUInt16LE(at + 10),
      packedBytes: list.readUInt32LE(at + 20),
      headerAt: list.readUInt32LE(at + 42),
      mode: (list.readUInt32LE(at + 38) >>> 16) & 0o777,
    });
    at += 46 + nameBytes + list.readUInt16LE(at + 30) + list.readUInt16LE(at + 32);
  }
  return entries;
}

/**
 * Unpacks into `folder` each file for which `rename` gives a name (relative to it); null skips the entry.
 * Gives how many files were written.
 */
export async function unzip(zip: string, folder: string, rename: (name: string) => string | null): Promise<number> {
  const file = await open(zip);
  let written = 0;
  try {
    for (const entry of await directory(file)) {
      const name = entry.name.endsWith("/") ? null : rename(entry.name);
      if (name === null) continue;
      const target = resolve(folder, name);
      if (!target.startsWith(resolve(folder) + sep))
        throw new Error(`the zip file's entry ${entry.name} leaves its folder`);
      if (entry.method !== 0 && entry.method !== 8)
        throw new Error(`${entry.name}: unknown compression ${entry.method}`);
      const header = await read(file, entry.headerAt, 30);
      const start = entry.headerAt + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
      await mkdir(dirname(target), { recursive: true });
      const mode = entry.mode || 0o644;
      if (entry.packedBytes === 0) await writeFile(target, "", { mode });
      else {
        const packed = createReadStream(zip, { start, end: start + entry.packedBytes - 1 });
        const out = createWriteStream(target, { mode });
        await (entry.method === 0 ? pipeline(packed, out) : pipeline(packed, createInflateRaw(), out));
      }
      written++;
    }
  } finally {
    await file.close();
  }
  return written;
}
