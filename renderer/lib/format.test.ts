import { describe, expect, test } from "vitest";
import { formatBytes, formatDuration, formatShort } from "../../engine/experiment/format.ts";
import { dayGroup, formatWhen } from "./format.ts";

describe("numbers", () => {
  test("bytes take the largest binary unit", () => {
    expect(formatBytes(0)).toBe("0 B");
    expect(formatBytes(53_687_091_200)).toBe("50 GiB");
    expect(formatBytes(2_097_152)).toBe("2 MiB");
    expect(formatBytes(1536)).toBe("1.5 KiB");
    expect(formatBytes(60_473_139_527_680)).toBe("55 TiB");
    expect(formatBytes(-4096)).toBe("−4 KiB");
  });

  test("short numbers keep three digits", () => {
    expect(formatShort(8_123_456)).toBe("8.1 M");
    expect(formatShort(9_999)).toBe("9,999");
    expect(formatShort(51_200)).toBe("51.2 k");
    expect(formatShort(28_800_000)).toBe("28.8 M");
    expect(formatShort(123_000_000)).toBe("123 M");
  });
});

describe("times", () => {
  test("durations from milliseconds to hours, no unit overflows", () => {
    expect(formatDuration(0.4)).toBe("under 1 ms");
    expect(formatDuration(42)).toBe("42 ms");
    expect(formatDuration(4200)).toBe("4.2 s");
    expect(formatDuration(9_960)).toBe("10 s");
    expect(formatDuration(59_600)).toBe("1 min 0 s");
    expect(formatDuration(95_000)).toBe("1 min 35 s");
    expect(formatDuration(3_720_000)).toBe("1 h 2 min");
  });

  test("moments are said as a person says them", () => {
    const now = new Date(2026, 10, 23, 15, 0);
    expect(formatWhen(new Date(2026, 10, 23, 14, 2), now)).toBe("today 14:02");
    expect(formatWhen(new Date(2026, 10, 22, 9, 10), now)).toBe("yesterday 09:10");
    expect(formatWhen(new Date(2026, 10, 12, 14, 2), now)).toBe("12 Nov 14:02");
    expect(formatWhen(new Date(2025, 10, 12, 14, 2), now)).toBe("12 Nov 2025");
    expect(dayGroup(new Date(2026, 10, 23, 0, 0), now)).toBe("Today");
    expect(dayGroup(new Date(2026, 10, 22, 23, 59), now)).toBe("Yesterday");
    expect(dayGroup(new Date(2026, 10, 18, 12, 0), now)).toBe("This week");
    expect(dayGroup(new Date(2026, 10, 12, 12, 0), now)).toBe("Last week");
    expect(dayGroup(new Date(2026, 8, 1, 12, 0), now)).toBe("September 2026");
  });
});
