import { expect, test } from "vitest";
import { ImportReport } from "./import/report.ts";
import { readMeasured } from "./measured.ts";

const BASE_S = 40_000;
/** The i-th reading of a file, on its line. */
const line = (i: number): string => `${BASE_S + i}.000000001 ${i} ${2 * i} 1 ${BASE_S + i}.000000301\n`;
const reading = (i: number) => ({
  fromNs: (BASE_S + i) * 1e9 + 1,
  toNs: (BASE_S + i) * 1e9 + 301,
  vmpteKb: i,
  rssKb: 2 * i,
});

async function* source(order: readonly number[]) {
  yield Buffer.from(`# pid 7\n${order.map(line).join("")}`);
}

test("samples are what was read, however many there are", async () => {
  const count = 40_000;
  const { samples } = await readMeasured(source(Array.from({ length: count }, (_, i) => i)), new ImportReport());
  for (const i of [0, 1, 16_383, 16_384, 16_385, 32_768, count - 1]) expect(samples.at(i)).toEqual(reading(i));
  expect(samples.at(count)).toBeUndefined();
  expect(samples.at(-1)).toBeUndefined();
});

test("a process with more than 4 TiB has the size that was read", async () => {
  async function* huge() {
    yield Buffer.from(`# pid 7\n1.000000000 ${2 ** 33 + 4} ${20 * 2 ** 30} 1 1.000000300\n`);
  }
  const { samples } = await readMeasured(huge(), new ImportReport());
  expect(samples.at(0)).toMatchObject({ vmpteKb: 2 ** 33 + 4, rssKb: 20 * 2 ** 30 });
});

test("samples that stand in another order are put in the order of time", async () => {
  const { samples } = await readMeasured(source([3, 1, 2]), new ImportReport());
  expect([0, 1, 2].map((i) => samples.at(i))).toEqual([1, 2, 3].map(reading));
});
