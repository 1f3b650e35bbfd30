import { expect, test } from "vitest";
import { cellSlots, cellWords, mapTotals, slotAddress, slotAt } from "./map-cells.ts";

const segments = [
  { slot: 100, slots: 3 },
  { slot: 5000, slots: 10 },
];

test("places along the mapped space lead to slots", () => {
  expect(slotAt(segments, 0)).toBe(100);
  expect(slotAt(segments, 2)).toBe(102);
  expect(slotAt(segments, 3)).toBe(5000);
  expect(slotAt(segments, 12)).toBe(5009);
  expect(slotAt(segments, 13)).toBeUndefined();
});

test("addresses are in groups of four digits", () => {
  expect(slotAddress(0x7fff_c000_0000 / 2 ** 21)).toBe("0x7fff c000 0000");
  expect(slotAddress(1)).toBe("0x0000 0020 0000");
  expect(slotAddress(2 ** 30)).toBe("0x8 0000 0000 0000");
});

test("a cell says what it holds, and which slots it stands for", () => {
  const counts = Uint32Array.of(3, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0, 7);
  expect(cellWords(counts, 0)).toBe("40 empty, 3 full");
  expect(cellWords(counts, 1)).toBe("7 no table");
  expect(mapTotals(counts)).toEqual([3, 0, 40, 0, 0, 7]);
  expect(cellSlots({ from: 10, count: 50, cells: 2 }, 1)).toEqual({ from: 35, count: 25 });
  expect(cellSlots({ from: 0, count: 43, cells: 2 }, 1)).toEqual({ from: 22, count: 21 });
});
