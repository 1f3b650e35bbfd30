/**
 * Floors: the least that a program over the same typed arrays does for the same operations, without a kernel's rules. What
 * the engine takes is given as a multiple of it, measured in the same run: machines differ, and the multiple does not.
 */

/** Literals, as the compiler wants them (engine/mm/geometry.ts): pages of 4 KiB, tables of 512 entries. */
const PAGE_BYTES = 4096;
const ENTRIES = 512;
const INDEX = 511;

/** Page tables as arrays: upper tables of 512 rows, PTE tables of 512 entries, and how many of these are not none. */
class Tables {
  readonly upper = new Int32Array(ENTRIES * 64);
  upperTop = 1;
  readonly entries: Uint32Array;
  readonly count: Uint16Array;
  tableTop = 1;

  constructor(tables: number) {
    this.entries = new Uint32Array(ENTRIES * tables);
    this.count = new Uint16Array(tables);
  }

  /** The PTE table that maps `page`, made if there is none. A page number has more than 32 bits; the low ones are exact. */
  table(page: number): number {
    const { upper } = this;
    const gib = Math.floor(page / 262_144);
    let at = (gib >>> 9) & INDEX;
    if (upper[at] === 0) upper[at] = this.upperTop++;
    at = upper[at] * ENTRIES + (gib & INDEX);
    if (upper[at] === 0) upper[at] = this.upperTop++;
    at = upper[at] * ENTRIES + ((page >>> 9) & INDEX);
    if (upper[at] === 0) upper[at] = this.tableTop++;
    return upper[at];
  }
}

interface Touched {
  readonly addr: number;
  readonly len: number;
}

/**
 * Single-page touches and releases: each looks its mapping up (the one that was used last), walks to its table, writes or
 * clears an entry, and keeps count of entries, of resident pages and of simulated time. Gives what is resident at the end,
 * and the time, so that nothing of it is left out by the compiler.
 */
export function singlePagesFloor(count: number): number {
  const tables = new Tables(ENTRIES + 1);
  const mapping: Touched = { addr: 2 ** 44, len: 2 ** 30 };
  const { addr: base, len } = mapping;
  let resident = 0;
  let ns = 0;
  const touched = { addr: 0 };
  const walk = (addr: number): number => {
    if (addr < mapping.addr || addr >= mapping.addr + len) throw new RangeError("outside");
    const page = Math.floor(addr / PAGE_BYTES);
    return tables.table(page) * ENTRIES + (page & INDEX);
  };
  for (let i = 0; i < count; i += 2) {
    touched.addr = base + (i % 2 ** 18) * PAGE_BYTES;
    let at = walk(touched.addr);
    if (tables.entries[at] === 0) {
      tables.entries[at] = 1;
      tables.count[at >>> 9]++;
      resident++;
      ns += 500;
    }
    at = walk(touched.addr);
    if (tables.entries[at] !== 0) {
      tables.entries[at] = 0;
      tables.count[at >>> 9]--;
      resident--;
      ns += 300;
    }
  }
  return resident + ns;
}

/** What is kept of a PTE table: its parent, its slot there, its level, state, entries, and the run that these are. */
const columns = (rows: number) => ({
  parent: new Int32Array(rows),
  slot: new Uint16Array(rows),
  level: new Uint8Array(rows),
  state: new Uint8Array(rows),
  count: new Uint16Array(rows),
  run: new Uint32Array(rows),
  value: new Uint32Array(rows),
});

/**
 * So many PTE tables, each made, linked into its PMD table, filled for `entries` pages and emptied again; with `free` it is
 * taken out and its row used again. Gives the tables that are left.
 */
export function tablesFloor(tables: number, entries: number, free: boolean): number {
  const rows = columns(free ? 2 : tables + 1);
  const pmds = new Int32Array(Math.ceil(tables / ENTRIES) * ENTRIES);
  let live = 0;
  for (let i = 0; i < tables; i++) {
    const row = free ? 1 : i + 1;
    rows.parent[row] = Math.floor(i / ENTRIES);
    rows.slot[row] = i % ENTRIES;
    rows.level[row] = 0;
    rows.state[row] = 1;
    pmds[i] = row;
    live++;
    rows.count[row] = entries;
    rows.run[row] = entries << 16;
    rows.value[row] = 1;
    rows.count[row] = 0;
    rows.run[row] = 0;
    if (!free) continue;
    pmds[i] = 0;
    rows.state[row] = 0;
    live--;
  }
  return live;
}
