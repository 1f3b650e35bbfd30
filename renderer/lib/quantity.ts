/**
 * What a person types into a parameter field, as a number, and back.
 * Sizes are binary whatever the spelling: 2M = 2 MB = 2MiB = 2,097,152 bytes, as the kernel and its tools have it.
 */

const POWER: Readonly<Record<string, number>> = { "": 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

export type Parsed = { readonly value: number } | { readonly problem: string };

const NUMBER = /^(-?\d[\d,_ ]*(?:\.\d+)?|-?\.\d+)/;

function readNumber(text: string): { readonly value: number; readonly rest: string } | undefined {
  const match = NUMBER.exec(text);
  if (!match) return undefined;
  return { value: Number(match[0].replace(/[,_ ]/g, "")), rest: text.slice(match[0].length).trim() };
}

/** "50G", "2 MiB", "4096", "1.5 GB" -> bytes. */
export function parseBytes(text: string): Parsed {
  const read = readNumber(text.trim());
  const unit = read && /^(?:([kmgtp])(?:i?b)?|b|bytes?)?$/i.exec(read.rest);
  if (!read || !unit) return { problem: "Write a size such as 2M, 50 GiB or 4096" };
  const value = read.value * 1024 ** (POWER[(unit[1] ?? "").toLowerCase()] ?? 0);
  if (!Number.isInteger(value)) return { problem: "This is not a whole number of bytes" };
  if (!Number.isSafeInteger(value)) return { problem: "This is more than can be counted exactly (8 PiB)" };
  return { value };
}

/** "25,600" or "25600" -> 25600; "1.5" only where fractions are allowed. */
export function parseNumber(text: string, fractions: boolean): Parsed {
  const read = readNumber(text.trim());
  if (!read || read.rest !== "") return { problem: "Write a number" };
  if (!fractions && !Number.isInteger(read.value)) return { problem: "Write a whole number" };
  return { value: read.value };
}

/** Bytes as they are typed: the largest unit that keeps the number whole. 2097152 -> "2 MiB", 4097 -> "4097". */
export function writeBytes(bytes: number): string {
  const units = ["", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let unit = 0;
  while (value !== 0 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? String(value) : `${value} ${units[unit]}`;
}
