/** How moments are written in the window; counts, sizes, shares and durations: engine/experiment/format.ts. */

/** "14:02" in the user's clock. */
function formatClock(time: Date): string {
  return `${String(time.getHours()).padStart(2, "0")}:${String(time.getMinutes()).padStart(2, "0")}`;
}

const DAY_MS = 86_400_000;
const startOfDay = (time: Date): number => new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();

/** Days between two moments on the user's calendar, 0 for the same day. */
function calendarDaysBetween(earlier: Date, later: Date): number {
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
