/** An initramfs: a cpio archive in the form `newc` that Linux unpacks (Documentation/driver-api/early-userspace/buffer-format.rst), compressed. */
import { gzipSync } from "node:zlib";

export interface Entry {
  readonly path: string;
  /** Type and permissions, as in st_mode. */
  readonly mode: number;
  readonly data?: Buffer;
}

const DIRECTORY = 0o40000;
const FILE = 0o100000;

export const directory = (path: string): Entry => ({ path, mode: DIRECTORY | 0o755 });
export const program = (path: string, data: Buffer): Entry => ({ path, mode: FILE | 0o755, data });

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

function entry({ path, mode, data = Buffer.alloc(0) }: Entry, inode: number): Buffer {
  const name = Buffer.from(`${path}\0`);
  const links = mode & DIRECTORY ? 2 : 1;
  // inode, mode, uid, gid, links, mtime, size, device and rdev (major, minor), length of the name, checksum
  const fields = [inode, mode, 0, 0, links, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
  return Buffer.concat([padded(Buffer.concat([header, name])), padded(data)]);
}

export function initramfs(entries: readonly Entry[]): Buffer {
  const all = [...entries, { path: "TRAILER!!!", mode: 0 }];
  return gzipSync(Buffer.concat(all.map((each, at) => entry(each, at + 1))));
}
