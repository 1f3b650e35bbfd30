/** Readings of hours: files that do not fit into one string (2^29 characters) are read all the same. */
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ImportReport } from "../../engine/workload/import/index.ts";
import { readMeasured } from "../../engine/workload/measured.ts";
import { notesIn, pidIn, readingsIn } from "../../probe/capture-folder.ts";
import { openSource } from "../trace/source.ts";
import { RecordLine } from "./record-line.ts";

const STRING_MAX = 2 ** 29;
const GAP = 2 ** 17;
const READINGS = 4200;

const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-test-long-"));
const path = join(folder, "vmpte.txt");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A reading each 128 KiB, between comments that are holes of the file: it takes little room on the disk. */
beforeAll(() => {
  const file = openSync(path, "w");
  let at = writeSync(file, "# pid 77  CLOCK_MONOTONIC before read\n#");
  for (let i = 0; i < READINGS; i++) {
    at += GAP;
    at += writeSync(file, `\n${i}.000000000 ${100 + (i % 7)} 5000 1 ${i}.000001000\n#`, at);
  }
  writeSync(file, "\n# user_us 120\n# system_us 30\n", at);
  closeSync(file);
});

test("the file is longer than a string can be", () => expect(statSync(path).size).toBeGreaterThan(STRING_MAX));

test("a capture ends: readings are counted, the process and what it used are found", async () => {
  expect(await readingsIn(path)).toEqual({ pid: 77, readings: READINGS });
  expect(pidIn(path)).toBe(77);
  expect(notesIn(path)).toEqual([
    ["user_us", 120],
    ["system_us", 30],
  ]);
});

test("check reads all samples", async () => {
  const { pid, samples } = await readMeasured(await openSource(path), new ImportReport());
  expect(pid).toBe(77);
  expect(samples.at(READINGS - 1)).toEqual({
    fromNs: (READINGS - 1) * 1e9,
    toNs: (READINGS - 1) * 1e9 + 1000,
    vmpteKb: 100 + ((READINGS - 1) % 7),
    rssKb: 5000,
  });
  expect(samples.at(READINGS)).toBeUndefined();
});

test("the window follows it", () => {
  const line = new RecordLine(path);
  line.follow();
  expect(line.points.at(-1)?.atMs).toBeGreaterThan((READINGS - 20) * 1000);
  expect(Math.max(...line.points.map(({ vmpteKb }) => vmpteKb))).toBe(106);
});
