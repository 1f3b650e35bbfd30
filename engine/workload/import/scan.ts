/** Reading numbers in place, in a long text, without making substrings. */

const ZERO = 48;
const NINE = 57;
const SPACE = 32;
const TAB = 9;

export function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 97 && code <= 102) return code - 87;
  if (code >= 65 && code <= 70) return code - 55;
  return -1;
}

/** A cursor over one line: numbers are read at `at`, which moves on. */
export class Cursor {
  text = "";
  at = 0;

  set(text: string, at: number): void {
    this.text = text;
    this.at = at;
  }

  /** Decimal digits, up to 15; NaN if there is none or there are more. */
  decimal(): number {
    const { text } = this;
    let value = 0;
    const start = this.at;
    let i = start;
    for (; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < ZERO || code > NINE) break;
      value = value * 10 + (code - ZERO);
    }
    this.at = i;
    return i === start || i - start > 15 ? Number.NaN : value;
  }

  /**
   * Hexadecimal digits without prefix, as a signed 64-bit number: 0xfffffffffffffffe is -2. NaN if there is none or
   * there are more than 16. Between 2^53 and 2^63 the value is rounded; such are no addresses.
   */
  hexDigits(): number {
    const { text } = this;
    let high = 0;
    let low = 0;
    const start = this.at;
    let i = start;
    for (; i < text.length; i++) {
      const digit = hexDigit(text.charCodeAt(i));
      if (digit < 0) break;
      if (i - start < 8) low = low * 16 + digit;
      else {
        const carry = Math.floor(low / 0x1000_0000);
        high = (high * 16 + carry) % 2 ** 32;
        low = (low % 0x1000_0000) * 16 + digit;
      }
    }
    this.at = i;
    const count = i - start;
    if (count === 0 || count > 16) return Number.NaN;
    return high >= 2 ** 31 ? (high - 2 ** 32) * 2 ** 32 + low : high * 2 ** 32 + low;
  }

  /** 0x and hexadecimal digits, or decimal digits (a sign allowed), as `hexDigits` gives them. */
  number(): number {
    const { text } = this;
    if (text.charCodeAt(this.at) === 45) {
      this.at++;
      return -this.decimal();
    }
    if (text.charCodeAt(this.at) === ZERO && (text.charCodeAt(this.at + 1) | 32) === 120) {
      this.at += 2;
      return this.hexDigits();
    }
    return this.decimal();
  }

  /** Seconds with up to nine decimals ("3360.146003559"), as nanoseconds; NaN where malformed. */
  seconds(): number {
    const whole = this.decimal();
    if (this.text.charCodeAt(this.at) !== 46) return Number.NaN;
    const from = ++this.at;
    const fraction = this.decimal();
    const digits = this.at - from;
    if (digits > 9) return Number.NaN;
    return whole * 1e9 + fraction * 10 ** (9 - digits);
  }

  /** Where the literal stands next: moves past it and says true. */
  take(literal: string): boolean {
    if (!this.text.startsWith(literal, this.at)) return false;
    this.at += literal.length;
    return true;
  }

  blanks(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== SPACE && code !== TAB) return;
      this.at++;
    }
  }
}
