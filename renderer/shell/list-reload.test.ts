import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { listReload } from "./list-reload.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("events that come together are one fetch", async () => {
  const fetch = vi.fn(async () => {});
  const list = listReload(fetch);
  for (let event = 0; event < 3000; event++) list.soon(60);
  await vi.advanceTimersByTimeAsync(59);
  expect(fetch).toHaveBeenCalledTimes(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(fetch).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(fetch).toHaveBeenCalledTimes(1);
});

test("events that never pause do not hold it up", async () => {
  const fetch = vi.fn(async () => {});
  const list = listReload(fetch);
  for (let ms = 0; ms < 2000; ms += 20) {
    list.soon(60);
    await vi.advanceTimersByTimeAsync(20);
  }
  expect(fetch.mock.calls.length).toBeGreaterThanOrEqual(4);
  list.stop();
});

test("a fetch is not overtaken by the next, and what came meanwhile follows", async () => {
  const answers: (() => void)[] = [];
  const fetch = vi.fn(() => new Promise<void>((resolve) => answers.push(resolve)));
  const list = listReload(fetch);
  list.soon(60);
  await vi.advanceTimersByTimeAsync(60);
  list.soon(60);
  await vi.advanceTimersByTimeAsync(5000);
  expect(fetch).toHaveBeenCalledTimes(1);
  answers[0]?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(fetch).toHaveBeenCalledTimes(2);
});
