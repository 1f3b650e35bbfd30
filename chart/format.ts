/** How numbers are written: thousands separators, units said, no digit that means nothing. The same everywhere. */

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
/** What a source cannot know. */
export const MISSING = "–";

const known = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && !Number.isNaN(value);

/** 102640 -> "102,640". */
export function formatCount(value: number | null | undefined): string {
  return known(value) ? whole.format(value) : MISSING;
}

/** Kibibytes as the kernel writes them: 102640 -> "102,640 kB". */
export function formatKb(kb: number | null | undefined): string {
  return known(kb) ? `${whole.format(kb)} kB` : MISSING;
}

const NS_UNITS = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
] as const;
const oneDecimal = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const exact = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6 });

/** Simulated or measured nanoseconds: 11700000000 -> "11.7 s". */
export function formatNs(ns: number | null | undefined): string {
  if (!known(ns)) return MISSING;
  const [size, unit] = NS_UNITS.find(([limit]) => Math.abs(ns) >= limit) ?? [1, "ns"];
  return `${oneDecimal.format(ns / size)} ${unit}`;
}

/** Nanoseconds in the unit that suits `largest`, in full: the ticks of an axis that ends there. */
export function formatNsTick(ns: number, largest: number): string {
  const [size, unit] = NS_UNITS.find(([limit]) => Math.abs(largest) >= limit) ?? [1, "ns"];
  return `${exact.format(ns / size)} ${unit}`;
}

/** A value with the unit of its column. */
export function formatValue(value: number | null | undefined, unit: "kb" | "count" | "ns" | "ms"): string {
  if (unit === "kb") return formatKb(value);
  if (unit === "ns") return formatNs(value);
  if (unit === "ms") return known(value) ? formatNs(value * 1e6) : MISSING;
  return formatCount(value);
}

/**
 * A share in one decimal, never rounded to a claim that is not so: 0.99999 stays "99.9 %" until it is exactly 1, and
 * anything above zero is at least "0.1 %".
 */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return MISSING;
  const size = Math.abs(share) * 100;
  let shown = Math.round(size * 10) / 10;
  if (shown === 100 && size < 100) shown = 99.9;
  if (shown === 0 && size > 0) shown = 0.1;
  const sign = share < 0 && shown !== 0 ? "−" : "";
  return `${sign}${shown.toFixed(1)} %`;
}

/** A difference with its sign and unit: -102400 kB -> "−102,400 kB"; equal numbers are "0 kB". */
export function formatDifference(value: number, unit: "kb" | "count" | "ns" | "ms"): string {
  const sign = value === 0 ? "" : value < 0 ? "−" : "+";
  return `${sign}${formatValue(Math.abs(value), unit)}`;
}

/** "1 run", "25,600 runs". */
export function formatNumberOf(count: number, one: string): string {
  return `${formatCount(count)} ${count === 1 ? one : `${one}s`}`;
}
