/**
 * Rows straight from the pages of a SQLite file, without the tree that leads to them: what is left when its inner pages
 * are lost (https://www.sqlite.org/fileformat2.html, "B-tree Pages" and "Record Format").
 */

export type StoredValue = number | string | Uint8Array | null;

export interface ScannedRow {
  /** Of a table with rowids; null of one without. */
  readonly rowid: number | null;
  /** In the order of the table's columns; undefined is what lay in pages that are lost. */
  readonly values: readonly (StoredValue | undefined)[];
  /** Is none of them undefined? */
  readonly whole: boolean;
}

interface Payload {
  readonly record: Buffer;
  readonly whole: boolean;
}

export const INNER_INDEX = 0x02;
export const INNER_TABLE = 0x05;
export const LEAF_INDEX = 0x0a;
export const LEAF_TABLE = 0x0d;
/** Of the file. */
const HEADER_BYTES = 100;
/** No row of ours comes near; what says that it is longer is damage. */
const PAYLOAD_MAX = 64 * 1024 * 1024;

interface Layout {
  readonly bytes: Buffer;
  readonly pageSize: number;
  /** Bytes of a page that are used. */
  readonly usable: number;
  /** Bytes that may still be read: a crafted file's rows could all lead to the same long chain, or lie in one another. */
  readonly budget: { left: number };
}

/** A variable-length integer and where the next thing begins. Throws RangeError beyond the end. */
export function varint(bytes: Buffer, at: number): [value: number, next: number] {
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

/** How many bytes a value of this type takes after the header. Throws RangeError where there is no such type. */
function valueBytes(type: number): number {
  if (type <= 6) return INTEGER_BYTES[type];
  if (type === 7) return 8;
  if (type === 8 || type === 9) return 0;
  if (type >= 12) return Math.floor((type - 12) / 2);
  throw new RangeError("no record");
}

/** The values of a record, undefined from where it is cut off. Throws RangeError where it is not one, or has more columns. */
export function readRecord({ record, whole }: Payload, columnsMax: number): (StoredValue | undefined)[] {
  let [headerEnd, at] = varint(record, 0);
  let body = headerEnd;
  if (headerEnd > record.length) throw new RangeError("no record");
  const values: (StoredValue | undefined)[] = [];
  while (at < headerEnd) {
    if (values.length === columnsMax) throw new RangeError("no record of ours");
    let type: number;
    [type, at] = varint(record, at);
    if (!whole && body + valueBytes(type) > record.length) {
      values.push(undefined);
      body = Number.POSITIVE_INFINITY;
    } else if (type === 0) values.push(null);
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

/** How many bytes of a payload of `size` lie in its cell; the rest is on overflow pages. `usable`: bytes of a page. */
export function localBytes(usable: number, size: number, isTable: boolean): number {
  const most = isTable ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
  if (size <= most) return size;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const kept = least + ((size - least) % (usable - 4));
  return kept <= most ? kept : least;
}

/** A cell's payload, overflow pages and all; as much of it as there is where the file ends before it. */
function payload({ bytes, pageSize, usable, budget }: Layout, at: number, size: number, isTable: boolean): Payload {
  if (size > PAYLOAD_MAX) throw new RangeError("no payload");
  budget.left -= size;
  if (budget.left < 0) throw new RangeError("no payload");
  const local = localBytes(usable, size, isTable);
  if (local === size) return { record: bytes.subarray(at, at + size), whole: true };
  const pieces = [bytes.subarray(at, at + local)];
  let left = size - local;
  let next = bytes.readUInt32BE(at + local);
  while (left > 0) {
    if (next === 0) throw new RangeError("no payload");
    const start = (next - 1) * pageSize;
    if (start + pageSize > bytes.length) return { record: Buffer.concat(pieces), whole: false };
    next = bytes.readUInt32BE(start);
    const piece = bytes.subarray(start + 4, start + 4 + Math.min(left, usable - 4));
    pieces.push(piece);
    left -= piece.length;
  }
  return { record: Buffer.concat(pieces), whole: true };
}

/**
 * Every row of at most `columnsMax` columns that a page of the file holds, of whatever table, also of pages that are no
 * longer in use. A cell is read once, however many pointers of its page lead to it.
 */
export function* scanPages(bytes: Buffer, columnsMax: number): Generator<ScannedRow> {
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
    const seen = new Set<number>();
    for (let i = 0; i < cells && header + 2 * i + 2 <= pageSize; i++) {
      try {
        const cell = bytes.readUInt16BE(start + header + 2 * i);
        if (cell < header || cell >= layout.usable || seen.has(cell)) continue;
        seen.add(cell);
        const [size, afterSize] = varint(bytes, start + cell + child);
        const [rowid, at] = type === LEAF_TABLE ? varint(bytes, afterSize) : [null, afterSize];
        const found = payload(layout, at, size, type === LEAF_TABLE);
        yield { rowid, values: readRecord(found, columnsMax), whole: found.whole };
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
  }
}
