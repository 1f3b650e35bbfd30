/** Damages text and bytes the way files get damaged, and the way people write them who mean harm. */
import type { Random } from "../lib/random.ts";

const NUMBERS = [
  "0",
  "-0",
  "-1",
  "1",
  "2",
  "511",
  "512",
  "4095",
  "4096",
  "4097",
  "2097151",
  "2097152",
  "1073741824",
  "4294967295",
  "4294967296",
  "140737488351232",
  "140737488355328",
  "9007199254740991",
  "9007199254740992",
  "9223372036854775807",
  "18446744073709551615",
  "18446744073709551616",
  "1e308",
  "1e999",
  "-1e999",
  "0.1",
  "1e-320",
  "NaN",
  "Infinity",
  "0x0",
  "0xffffffffffffffff",
  "0x7ffffffff000",
  "0x",
  "00",
  "1_000",
  "1e",
  "",
  "१२",
] as const;

const PIECES = [
  "\0",
  "\r",
  "\r\n",
  "\n\n",
  "\t",
  "\u2028",
  "\ufeff",
  "\ufffd",
  "\u202e",
  "💥",
  "\x1b[31m",
  "__proto__",
  "constructor",
  "toString",
  "null",
  "undefined",
  "true",
  "[]",
  "{}",
  '{"op":',
  '"',
  "'",
  "\\",
  "\\u0000",
  "\ud800",
  "%s%n",
  "../",
  "/",
  "..\\",
  "file:///",
  "<script>",
  "' OR 1=1 --",
  "$(id)",
  "`id`",
  "#",
  "//",
  "]]>",
  ": ",
  "= ",
  "@ ",
  "+++",
] as const;

const NUMBER = /-?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?)/g;

function replaceAt(text: string, start: number, end: number, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}

function replaceNumber(text: string, random: Random): string {
  const start = random.below(text.length + 1);
  NUMBER.lastIndex = start;
  const found = NUMBER.exec(text);
  NUMBER.lastIndex = 0;
  if (found === null) return text;
  const by = random.chance(0.7)
    ? random.pick(NUMBERS)
    : String(Math.floor(Number(found[0]) * random.pick([2, 0.5, 512, 4096, -1])) + random.between(-2, 2));
  return replaceAt(text, found.index, found.index + found[0].length, by);
}

function lineEdit(text: string, random: Random): string {
  const lines = text.split("\n");
  const at = random.below(lines.length);
  const other = random.below(lines.length);
  const edit = random.below(5);
  if (edit === 0) lines.splice(at, 1);
  else if (edit === 1) lines.splice(at, 0, lines[other] ?? "");
  else if (edit === 2) [lines[at], lines[other]] = [lines[other] ?? "", lines[at] ?? ""];
  else if (edit === 3) lines.splice(at, random.below(20));
  else lines[at] = `${lines[at]}${lines[other]}`;
  return lines.join("\n");
}

/** One edit of a text. */
export function mutateText(text: string, random: Random, words: readonly string[] = []): string {
  const at = random.below(text.length + 1);
  switch (random.below(9)) {
    case 0:
      return replaceAt(text, at, at + random.between(1, 8), "");
    case 1:
      return replaceAt(text, at, at, random.pick(PIECES));
    case 2:
    case 3:
      return replaceNumber(text, random);
    case 4:
      return lineEdit(text, random);
    case 5:
      return replaceAt(text, at, at + 1, String.fromCharCode(random.below(random.chance(0.8) ? 128 : 0x10000)));
    case 6:
      return words.length === 0 ? text : replaceAt(text, at, at + random.below(12), random.pick(words));
    case 7:
      return text.slice(0, at);
    default: {
      const to = random.below(text.length + 1);
      const piece = text.slice(Math.min(at, to), Math.min(Math.max(at, to), Math.min(at, to) + 200));
      return replaceAt(text, at, at, piece.repeat(random.chance(0.02) ? 400 : random.between(1, 3)));
    }
  }
}

/** A few edits, more of them seldom. */
export function mutateTextSome(text: string, random: Random, words: readonly string[] = []): string {
  let result = text;
  for (let left = random.chance(0.8) ? random.between(1, 4) : random.between(5, 40); left > 0; left--)
    result = mutateText(result, random, words);
  return result;
}

/** A stretch of whole lines, so that an input is small even where its source is not. */
export function someLines(text: string, random: Random, most: number): string {
  let start = random.below(text.length);
  start = random.chance(0.3) ? 0 : text.indexOf("\n", start) + 1;
  let end = start;
  for (let left = random.between(1, most); left > 0; left--) {
    const next = text.indexOf("\n", end);
    if (next < 0) return text.slice(start);
    end = next + 1;
  }
  return text.slice(start, end);
}

/** Damages bytes in place: flips, overwrites, zeroes; or cuts them. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  let result = bytes;
  for (let left = random.chance(0.7) ? random.between(1, 4) : random.between(5, 60); left > 0; left--) {
    const at = random.chance(0.4) ? random.below(Math.min(200, result.length)) : random.below(result.length);
    switch (random.below(6)) {
      case 0:
        result[at] ^= 1 << random.below(8);
        break;
      case 1:
        result[at] = random.pick([0, 1, 0x7f, 0x80, 0xff]);
        break;
      case 2:
        result.fill(random.pick([0, 0xff]), at, at + random.pick([2, 4, 8, 64, 512, 4096]));
        break;
      case 3: {
        const from = random.below(result.length);
        result.copyWithin(at, from, from + random.pick([4, 16, 512, 4096]));
        break;
      }
      case 4:
        result[at] = random.below(256);
        break;
      default:
        if (random.chance(0.2)) result = result.subarray(0, Math.max(1, at));
    }
  }
  return result;
}

/** A JSON-like value of any shape. */
export function anyValue(random: Random, depth = 0): unknown {
  switch (random.below(depth > 3 ? 8 : 11)) {
    case 0:
      return Number(random.pick(NUMBERS));
    case 1:
      return random.below(1000);
    case 2:
      return random.pick(PIECES);
    case 3:
      return random.chance(0.5);
    case 4:
      return null;
    case 5:
      return undefined;
    case 6:
      return random.pick(NUMBERS);
    case 7:
      return random.chance(0.05) ? "x".repeat(200_000) : "";
    case 8:
      return Array.from({ length: random.below(5) }, () => anyValue(random, depth + 1));
    case 9:
      return Object.fromEntries(
        Array.from({ length: random.below(5) }, () => [random.pick(PIECES), anyValue(random, depth + 1)]),
      );
    default:
      return random.pick([new Float64Array(3), new Date(0), 10n, new Map([[1, 2]]), /x/, new Uint8Array(2)]);
  }
}

/** A structured clone has an object that stands in it 20,000 times once, but a text each time: 4 GB of a long one, which no page can send. */
function manyOf(value: unknown): unknown[] {
  const long = typeof value === "string" && value.length > 1000;
  return Array.from({ length: long ? 100 : 20_000 }, () => value);
}

/** A value like the given one with something in it replaced, removed or added. */
export function mutateValue(value: unknown, random: Random): unknown {
  if (typeof value !== "object" || value === null || random.chance(0.15)) {
    if (typeof value === "string" && random.chance(0.5)) return mutateText(value, random);
    if (typeof value === "number" && random.chance(0.5)) return value + random.pick([-1, 1, 0.5, 2 ** 31, -value]);
    return anyValue(random);
  }
  if (Array.isArray(value)) {
    const copy = [...(value as unknown[])];
    const at = random.below(copy.length + 1);
    const edit = random.below(3);
    if (edit === 0) copy.splice(at, 1);
    else if (edit === 1) copy.splice(at, 0, anyValue(random));
    else if (copy.length > 0) copy[at % copy.length] = mutateValue(copy[at % copy.length], random);
    if (random.chance(0.02)) return manyOf(copy[0]);
    return copy;
  }
  const copy: Record<string, unknown> = { ...(value as Record<string, unknown>) };
  const keys = Object.keys(copy);
  const key = keys.length === 0 ? "x" : random.pick(keys);
  const edit = random.below(5);
  if (edit === 0) delete copy[key];
  // As JSON and structured clones have it, "__proto__" is a property like others: by assignment it would be the prototype.
  else if (edit === 1) return { ...copy, ...Object.fromEntries([[random.pick(PIECES), anyValue(random)]]) };
  else copy[key] = mutateValue(copy[key], random);
  return copy;
}
