import { describe, expect, it } from "vitest";
import { createRandom } from "../workload/random.ts";
import { forecastOf, forecastSentences, type Observed } from "./forecast.ts";

const HOUR_MS = 3.6e6;

/** One look each quarter of an hour. */
const looks = (count: number, kbOf: (hour: number, i: number) => number): Observed[] =>
  Array.from({ length: count }, (_, i) => ({ atMs: i * (HOUR_MS / 4), vmpteKb: kbOf(i / 4, i) }));

describe("the forecast", () => {
  it("of a steady growth is that growth, without spread, and says when the limit is met", () => {
    const forecast = forecastOf(
      looks(9, (hour) => 1000 + 100 * hour),
      500,
    );
    expect(forecast?.kbPerHour).toEqual({ low: 100, median: 100, high: 100 });
    expect(forecast?.hoursToLimit).toEqual({ soonest: 5, median: 5, latest: 5 });
  });

  it("is not moved by one spike", () => {
    const forecast = forecastOf(
      looks(20, (hour, i) => 1000 + 100 * hour + (i === 7 ? 50_000 : 0)),
      null,
    );
    expect(forecast?.kbPerHour.median).toBeCloseTo(100, 5);
    expect(forecast?.hoursToLimit).toBeNull();
  });

  it("of noise around nothing says that it is not certain, and that the limit may never be met", () => {
    const forecast = forecastOf(
      looks(21, (_, i) => 1000 + ((i * 7919) % 13)),
      1000,
    );
    if (forecast === null) throw new Error("no forecast");
    expect(forecast.kbPerHour.low).toBeLessThanOrEqual(0);
    expect(forecast.kbPerHour.high).toBeGreaterThanOrEqual(0);
    expect(forecast.hoursToLimit?.latest).toBeNull();
    expect(forecastSentences(forecast).join(" ")).toContain("for certain");
  });

  it("says nothing of few looks, or of a short time", () => {
    expect(
      forecastOf(
        looks(4, () => 1),
        null,
      ),
    ).toBeNull();
    expect(
      forecastOf(
        Array.from({ length: 9 }, (_, i) => ({ atMs: i * 1000, vmpteKb: i })),
        null,
      ),
    ).toBeNull();
    expect(forecastOf([], null)).toBeNull();
  });

  it("of a shrinking process meets no limit", () => {
    const forecast = forecastOf(
      looks(9, (hour) => 9000 - 100 * hour),
      500,
    );
    expect(forecast?.hoursToLimit).toEqual({ soonest: null, median: null, latest: null });
    if (forecast) expect(forecastSentences(forecast).at(-1)).toContain("is not met");
  });

  it("holds the true slope in about nine cases of ten", () => {
    const generator = createRandom(42);
    const random = () => generator.float() - 0.5;
    let held = 0;
    for (let round = 0; round < 200; round++) {
      const forecast = forecastOf(
        looks(16, (hour) => 1000 + 50 * hour + 400 * (random() + random() + random())),
        null,
      );
      if (forecast && forecast.kbPerHour.low <= 50 && forecast.kbPerHour.high >= 50) held++;
    }
    expect(held).toBeGreaterThanOrEqual(160);
    expect(held).toBeLessThanOrEqual(196);
  });
});
