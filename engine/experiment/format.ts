/**
 * How numbers are written, the same in window, command line and exports: thousands separators, units said, no digit that
 * means nothing. Sizes are in the binary unit that suits them; the exact kB of /proc stand in data and where a pointer rests.
 */

export type Unit = "kb" | "count" | "ns" | "ms";

const formats = new Map<number, Intl.NumberFormat>();

function byIntl(value: number, most: number): string {
  const made = formats.get(most) ?? new Intl.NumberFormat("en-US", { maximumFractionDigits: most });
  formats.set(most, made);
  return made.format(value);
}

/** So many digits are a whole number that a double has exactly. */
const EXACT_DIGITS = 15;

/**
 * With thousands separators and at most `most` digits after the point, as Intl writes "en-US". Intl itself is asked for very large and
 * very small numbers only: its first use in a process takes 20 ms, half of what a command needs.
 */
export function formatDigits(value: number, most: number): string {
  const [, sign, whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(value)) ?? [];
  if (whole === "" || whole.length + most > EXACT_DIGITS) return byIntl(value, most);
  const kept = Number(whole + fraction.slice(0, most).padEnd(most, "0"));
  const rounded = String((fraction[most] ?? "0") < "5" ? kept : kept + 1).padStart(most + 1, "0");
  const point = rounded.length - most;
  const grouped = rounded.slice(0, point).replace(/\B(?=(?:\d{3})+$)/g, ",");
  const rest = rounded.slice(point).replace(/0+$/, "");
  return `${sign}${grouped}${rest === "" ? "" : `.${rest}`}`;
}

/** What a source cannot know. */
export const MISSING = "–";

const known = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && !Number.isNaN(value);

/** 102640 -> "102,640". */
export function formatCount(value: number | null | undefined): string {
  return known(value) ? formatDigits(value, 0) : MISSING;
}

const BINARY_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/**
 * Bytes in the largest binary unit that leaves a whole number before the point, at most two digits behind it (one from 10
 * on): 105103360 -> "100.2 MiB", 1310720 -> "1.25 MiB", 8589934592 -> "8 GiB".
 */
export function formatBytes(bytes: number | null | undefined): string {
  if (!known(bytes)) return MISSING;
  let value = Math.abs(bytes);
  let unit = 0;
  const shown = () => Number(value.toFixed(unit === 0 ? 0 : value >= 9.995 ? 1 : 2));
  while (shown() >= 1024 && unit < BINARY_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${bytes < 0 ? "−" : ""}${formatDigits(shown(), 2)} ${BINARY_UNITS[unit]}`;
}

/** Kibibytes, which /proc and the samples call kB, to be read: 102640 -> "100.2 MiB". */
export function formatKb(kb: number | null | undefined): string {
  return known(kb) ? formatBytes(kb * 1024) : MISSING;
}

/** Kibibytes in the largest unit in which `stepKb` is whole, in full: the ticks of an axis, that many apart. 1200 by 200 -> "1,200 KiB". */
export function formatKbTick(kb: number, stepKb: number): string {
  let unit = 1;
  let size = 1;
  while (stepKb % (size * 1024) === 0 && unit < BINARY_UNITS.length - 1) {
    size *= 1024;
    unit += 1;
  }
  return `${formatDigits(kb / size, 0)} ${BINARY_UNITS[unit]}`;
}

const NS_UNITS = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
] as const;

/** Simulated or measured nanoseconds: 11700000000 -> "11.7 s". */
export function formatNs(ns: number | null | undefined): string {
  if (!known(ns)) return MISSING;
  const [size, unit] = NS_UNITS.find(([limit]) => Math.abs(ns) >= limit) ?? [1, "ns"];
  return `${formatDigits(ns / size, 1)} ${unit}`;
}

/** Nanoseconds in the unit that suits `largest`, in full: the ticks of an axis that ends there. */
export function formatNsTick(ns: number, largest: number): string {
  const [size, unit] = NS_UNITS.find(([limit]) => Math.abs(largest) >= limit) ?? [1, "ns"];
  return `${formatDigits(ns / size, 6)} ${unit}`;
}

/** Milliseconds as a person says them: 42 -> "42 ms", 4200 -> "4.2 s", 95000 -> "1 min 35 s". */
export function formatDuration(ms: number | null | undefined): string {
  if (!known(ms)) return MISSING;
  if (ms < 1) return ms <= 0 ? "0 ms" : "under 1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds) % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A rate or a count in three digits: 8123456 -> "8.1 M". */
export function formatShort(value: number | null | undefined): string {
  if (!known(value)) return MISSING;
  const size = Math.abs(value);
  for (const [limit, suffix] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e4, "k"],
  ] as const) {
    if (size >= limit) {
      const unit = suffix === "k" ? 1e3 : limit;
      const scaled = value / unit;
      return `${scaled.toFixed(Math.abs(scaled) >= 100 ? 0 : 1).replace(/\.0$/, "")} ${suffix}`;
    }
  }
  return formatDigits(value, 0);
}

/** A value to be read, with its unit. */
export function formatValue(value: number | null | undefined, unit: Unit): string {
  if (unit === "kb") return formatKb(value);
  if (unit === "ns") return formatNs(value);
  if (unit === "ms") return formatDuration(value);
  return formatCount(value);
}

/** The same value in full, as /proc and the samples have it: "102,640 kB". */
export function formatExact(value: number | null | undefined, unit: Unit): string {
  if (!known(value)) return MISSING;
  return unit === "count" ? formatDigits(value, 0) : `${formatDigits(value, 6)} ${unit === "kb" ? "kB" : unit}`;
}

/**
 * A share in one decimal, never rounded to a claim that is not so: 0.99999 stays "99.9 %" until it is exactly 1 ("100 %"),
 * and anything above zero is at least "0.1 %".
 */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return MISSING;
  const size = Math.abs(share) * 100;
  let shown = Math.round(size * 10) / 10;
  if (shown === 100 && size < 100) shown = 99.9;
  if (shown === 0 && size > 0) shown = 0.1;
  const sign = share < 0 && shown !== 0 ? "−" : "";
  return `${sign}${size === 0 || size === 100 ? size : shown.toFixed(1)} %`;
}

/** A difference with its sign and unit: -102400 kB -> "−100 MiB"; equal numbers are "0". `format`: how its size is written. */
export function formatDifference(
  value: number,
  unit: Unit,
  format: (size: number, unit: Unit) => string = formatValue,
): string {
  if (value === 0) return "0";
  return `${value < 0 ? "−" : "+"}${format(Math.abs(value), unit)}`;
}

/** "1 run", "25,600 runs". */
export function formatNumberOf(count: number, one: string): string {
  return `${formatCount(count)} ${count === 1 ? one : `${one}s`}`;
}

/** What became of a baseline: "99.8 % less", "12.0 % more", "the same"; empty where the baseline is nothing. */
export function formatChange(baseline: number, value: number): string {
  if (value === baseline) return "the same";
  if (baseline === 0) return "";
  return `${formatPercent(Math.abs(value - baseline) / baseline)} ${value < baseline ? "less" : "more"}`;
}
