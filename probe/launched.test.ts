/** With few open files: what a recording leaves out is told in words. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { captureMeans } from "./capture-means.ts";
import { missingIn, missingInWords } from "./launched.ts";

const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-test-launched-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("what readings leave out is in their notes", () => {
  const words = (notes: Readonly<Record<string, number>>) => missingInWords(missingIn(new Map(Object.entries(notes))));
  expect(words({ exit_status: 0 })).toEqual([]);
  expect(words({ full: 1024 })).toEqual(["only 1,024 of its processes were measured: that is the most"]);
  expect(words({ skipped: 3000, full: 7 })).toEqual([
    "only 7 of its processes were measured: no more files could be opened (ulimit -Hn, fs.file-max)",
    "3,000 readings could not be made: the machine ran out of open files or memory",
  ]);
  expect(words({ denied: 47 })).toEqual([
    "47 readings were not allowed: they were of processes with another user's rights (hidepid)",
  ]);
});

const means = await captureMeans("tracefs");
if (means.how === null) console.warn(`captures with few open files are not tested: ${means.why}`);

test.skipIf(means.how === null)("a capture of more processes than files can be opened for says so", () => {
  const cli = resolve(import.meta.dirname, "..", "main", "cli.ts");
  // Enough for Node, and fewer than there are processes.
  const program = "for i in $(seq 60); do sleep 1 & done; wait";
  const words = [process.execPath, cli, "capture", "--with", "tracefs", "--out", join(folder, "few")];
  const { stdout, status } = spawnSync(
    "/bin/sh",
    ["-c", 'ulimit -n 48 && exec "$@"', "sh", ...words, "--", "/bin/sh", "-c", program],
    { encoding: "utf8" },
  );
  expect(stdout).toMatch(/ {2}only \d+ of its processes were measured: no more files could be opened/);
  expect(status).toBe(0);
});
