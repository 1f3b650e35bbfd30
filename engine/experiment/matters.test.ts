import { expect, test } from "vitest";
import { mattersOf } from "./matters.ts";

const final = {
  vmpte_kb: 40,
  rss_kb: 0,
  virt_kb: 0,
  pte_tables: 10,
  pmd_tables: 1,
  pud_tables: 1,
  empty_pte_tables: 0,
};

test("page tables are held against RSS and against the least that it could need", () => {
  const [sync, none] = mattersOf([
    { mode: "none", source: "model", summary: { peak: { vmpte_kb: 2048, rss_kb: 1024 * 1024 }, final } },
    { mode: "eager", source: "model", summary: null },
    {
      mode: "sync",
      source: "kernel",
      summary: { peak: { vmpte_kb: 3072, rss_kb: 512 * 1024 }, final, average_vmpte_kb: 100.5 },
    },
  ] as const).toReversed();
  expect(none?.run.mode).toBe("none");
  expect(none?.peak).toEqual({ vmpteKb: 2048, rssKb: 1_048_576, share: 1 / 512, leastKb: 2048 });
  expect(none?.averageKb).toBeNull();
  expect(sync?.peak.share).toBeCloseTo(3 / 512, 12);
  expect(sync?.peak.leastKb).toBe(1024);
  expect(sync?.averageKb).toBe(100.5);
  // Nothing is resident any more.
  expect(sync?.end.share).toBeNull();
});
