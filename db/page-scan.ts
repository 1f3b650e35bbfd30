/**
 * Rows straight from the pages of a SQLite file, without the tree that leads to them: what is left when its inner pages
 * are lost (https://www.sqlite.org/fileformat2.html, "B-tree Pages" and "Record Format").
 */

export type StoredValue = number | string | Uint8Array | null;

export interface ScannedRow {
  /** Of a table with rowids; null of one without. */
  readonly rowid: number | null;
  readonly values: readonly StoredValue[];
}

const INNER_INDEX = 0x02;
const LEAF_INDEX = 0x0a;
const LEAF_TABLE = 0x0d;
/** Of the file. */
const HEADER_BYTES = 100;
/** No row of ours comes near; what says that it is longer is damage. */
const PAYLOAD_MAX = 64 * 1024 * 1024;

interface Layout {
  readonly bytes: Buffer;
  readonly pageSize: number;
  /** Bytes of a page that are used. */
  readonly usable: number;
  /** Bytes of overflow pages that may still be read: a crafted file's rows could all lead to the same long chain. */
  readonly budget: { left: number };
}

/** A variable-length integer and where the next thing begins. Throws RangeError beyond the end. */
function varint(bytes: Buffer, at: number): [value: number, next: number] {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const byte = bytes.readUInt8(at + i);
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return [value, at + i + 1];
  }
  return [value * 256 + bytes.readUInt8(at + 8), at + 9];
}

function wholeNumber(bytes: Buffer, at: number, length: number): number {
  if (length <= 6) return bytes.readIntBE(at, length);
  return Number(bytes.readBigInt64BE(at));
}

const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8];

/** The values of a record. Throws RangeError where it is not one. */
function readRecord(record: Buffer): StoredValue[] {
  let [headerEnd, at] = varint(record, 0);
  let body = headerEnd;
  if (headerEnd > record.length) throw new RangeError("no record");
  const values: StoredValue[] = [];
  while (at < headerEnd) {
    let type: number;
    [type, at] = varint(record, at);
    if (type === 0) values.push(null);
    else if (type <= 6) {
      values.push(wholeNumber(record, body, INTEGER_BYTES[type]));
      body += INTEGER_BYTES[type];
    } else if (type === 7) {
      values.push(record.readDoubleBE(body));
      body += 8;
    } else if (type === 8 || type === 9) values.push(type - 8);
    else if (type >= 12) {
      const length = Math.floor((type - 12) / 2);
      if (body + length > record.length) throw new RangeError("no record");
      const piece = record.subarray(body, body + length);
      values.push(type % 2 === 1 ? piece.toString("utf8") : piece);
      body += length;
    } else throw new RangeError("no record");
  }
  return values;
}

/** A cell's payload, overflow pages and all. */
function payload({ bytes, pageSize, usable, budget }: Layout, at: number, size: number, isTable: boolean): Buffer {
  const most = isTable ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
  if (size > PAYLOAD_MAX) throw new RangeError("no payload");
  if (size <= most) return bytes.subarray(at, at + size);
  budget.left -= size;
  if (budget.left < 0) throw new RangeError("no payload");
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const kept = least + ((size - least) % (usable - 4));
  const local = kept <= most ? kept : least;
  const pieces = [bytes.subarray(at, at + local)];
  let left = size - local;
  let next = bytes.readUInt32BE(at + local);
  while (left > 0) {
    if (next === 0) throw new RangeError("no payload");
    const start = (next - 1) * pageSize;
    next = bytes.readUInt32BE(start);
    const piece = bytes.subarray(start + 4, start + 4 + Math.min(left, usable - 4));
    if (piece.length === 0) throw new RangeError("no payload");
    pieces.push(piece);
    left -= piece.length;
  }
  return Buffer.concat(pieces);
}

/** Every row that a page of the file holds, of whatever table, also of pages that are no longer in use. */
export function* scanPages(bytes: Buffer): Generator<ScannedRow> {
  if (bytes.length < HEADER_BYTES) return;
  const pageSize = bytes.readUInt16BE(16) === 1 ? 65_536 : bytes.readUInt16BE(16);
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) return;
  const layout = { bytes, pageSize, usable: pageSize - bytes.readUInt8(20), budget: { left: 4 * bytes.length } };
  // The first page is the schema's.
  for (let start = pageSize; start + pageSize <= bytes.length; start += pageSize) {
    const type = bytes.readUInt8(start);
    if (type !== LEAF_INDEX && type !== LEAF_TABLE && type !== INNER_INDEX) continue;
    // Inner pages of a table without rowids hold rows as well, each behind the number of a page.
    const [header, child] = type === INNER_INDEX ? [12, 4] : [8, 0];
    const cells = bytes.readUInt16BE(start + 3);
    for (let i = 0; i < cells && header + 2 * i + 2 <= pageSize; i++) {
      try {
        const cell = bytes.readUInt16BE(start + header + 2 * i);
        if (cell < header || cell >= layout.usable) continue;
        const [size, afterSize] = varint(bytes, start + cell + child);
        const [rowid, at] = type === LEAF_TABLE ? varint(bytes, afterSize) : [null, afterSize];
        yield { rowid, values: readRecord(payload(layout, at, size, type === LEAF_TABLE)) };
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
  }
}
