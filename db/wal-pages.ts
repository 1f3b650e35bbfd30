/** Which pages a write-ahead log holds (https://www.sqlite.org/walformat.html), read without SQLite as SQLite reads them. */
import { readSync } from "node:fs";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** Its last bit says in which order the bytes of a checksum's words are. */
const MAGIC = 0x377f0682;

interface Sum {
  one: number;
  two: number;
}

/** Goes on with a checksum over `length` bytes from `at`, a multiple of 8. */
function add(sum: Sum, bytes: DataView, at: number, length: number, littleEndian: boolean): void {
  let { one, two } = sum;
  for (let i = at; i < at + length; i += 8) {
    one = (one + bytes.getUint32(i, littleEndian) + two) >>> 0;
    two = (two + bytes.getUint32(i + 4, littleEndian) + one) >>> 0;
  }
  sum.one = one;
  sum.two = two;
}

export interface WalPages {
  /** In bytes. */
  readonly pageSize: number;
  /** Where in the log the newest committed content of a page begins, by the page's number. */
  readonly at: ReadonlyMap<number, number>;
}

/** Of an open file. Null where SQLite would take nothing from it. It ends with the first frame that does not fit. */
export function walPages(log: number): WalPages | null {
  const header = Buffer.alloc(HEADER_BYTES);
  if (readSync(log, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) return null;
  const magic = header.readUInt32BE(0);
  const pageSize = header.readUInt32BE(8);
  const isPage = pageSize >= 512 && pageSize <= 65_536 && (pageSize & (pageSize - 1)) === 0;
  if ((magic & ~1) !== MAGIC || !isPage) return null;
  const littleEndian = (magic & 1) === 0;
  const sum = { one: 0, two: 0 };
  add(sum, new DataView(header.buffer, header.byteOffset), 0, 24, littleEndian);
  if (sum.one !== header.readUInt32BE(24) || sum.two !== header.readUInt32BE(28)) return null;
  const salts = header.subarray(16, 24);
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + pageSize);
  const view = new DataView(frame.buffer, frame.byteOffset);
  const committed = new Map<number, number>();
  let pending = new Map<number, number>();
  for (let at = HEADER_BYTES; ; at += frame.length) {
    if (readSync(log, frame, 0, frame.length, at) < frame.length) break;
    const page = frame.readUInt32BE(0);
    if (page === 0 || !frame.subarray(8, 16).equals(salts)) break;
    add(sum, view, 0, 8, littleEndian);
    add(sum, view, FRAME_HEADER_BYTES, pageSize, littleEndian);
    if (sum.one !== frame.readUInt32BE(16) || sum.two !== frame.readUInt32BE(20)) break;
    pending.set(page, at + FRAME_HEADER_BYTES);
    // The number of pages of the whole file, which only a transaction's last frame has.
    if (frame.readUInt32BE(4) === 0) continue;
    for (const [number, place] of pending) committed.set(number, place);
    pending = new Map();
  }
  return { pageSize, at: committed };
}
