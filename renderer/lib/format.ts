/** How sizes, rates, durations and moments are written in the window; counts, kB and shares: chart/format.ts. */
import { MISSING } from "../../chart/format.ts";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

const known = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && !Number.isNaN(value);

const BINARY_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** Bytes in the largest binary unit that leaves at most three digits before the point: 53687091200 -> "50 GiB". */
export function formatBytes(bytes: number | null | undefined): string {
  if (!known(bytes)) return MISSING;
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1024 && unit < BINARY_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2;
  const text = Number(value.toFixed(digits)).toString();
  return `${bytes < 0 ? "−" : ""}${text} ${BINARY_UNITS[unit]}`;
}

/** Kibibytes as a size to read at a glance: 102640 -> "100 MiB". */
export function formatSizeKb(kb: number | null | undefined): string {
  return known(kb) ? formatBytes(kb * 1024) : MISSING;
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
  return whole.format(value);
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

/** "14:02" in the user's clock. */
export function formatClock(time: Date): string {
  return `${String(time.getHours()).padStart(2, "0")}:${String(time.getMinutes()).padStart(2, "0")}`;
}

const DAY_MS = 86_400_000;
const startOfDay = (time: Date): number => new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();

/** Days between two moments on the user's calendar, 0 for the same day. */
export function calendarDaysBetween(earlier: Date, later: Date): number {
  return Math.round((startOfDay(later) - startOfDay(earlier)) / DAY_MS);
}

/** "today 14:02", "yesterday 09:10", "12 Nov 14:02", "12 Nov 2025". */
export function formatWhen(time: Date, now: Date): string {
  const days = calendarDaysBetween(time, now);
  if (days === 0) return `today ${formatClock(time)}`;
  if (days === 1) return `yesterday ${formatClock(time)}`;
  const month = time.toLocaleString("en-GB", { month: "short" });
  if (time.getFullYear() === now.getFullYear()) return `${time.getDate()} ${month} ${formatClock(time)}`;
  return `${time.getDate()} ${month} ${time.getFullYear()}`;
}

/** The heading in the history under which a moment belongs. */
export function dayGroup(time: Date, now: Date): string {
  const days = calendarDaysBetween(time, now);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days < 7) return "This week";
  if (days < 14) return "Last week";
  return time.toLocaleString("en-GB", { month: "long", year: "numeric" });
}
