/** A process that is killed leaves its temporary files behind; the next one that writes there removes them. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, utimesSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { publish } from "./files.ts";
import { removeLeftovers, temporaryBeside } from "./temporaries.ts";
import { testFolder } from "./testing.ts";

let folder: ReturnType<typeof testFolder>;
beforeEach(() => {
  folder = testFolder();
});
afterEach(() => folder.remove());

const names = () => readdirSync(folder.path).sort();
function write(name: string): void {
  const temporary = temporaryBeside(folder.file(name));
  writeFileSync(temporary, "whole");
  publish(temporary, folder.file(name));
}

const MODULE = resolve(import.meta.dirname, "temporaries.ts");

/** A process that makes temporary files in the folder; it says so, and goes on until it is killed. */
async function writer(): Promise<ReturnType<typeof spawn>> {
  const program = `
    const { temporaryBeside } = await import(process.argv[1]);
    const { writeFileSync } = await import("node:fs");
    const name = temporaryBeside(process.argv[2]);
    for (const suffix of ["", "-wal"]) writeFileSync(name + suffix, "half");
    console.log("written");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, MODULE, folder.file("chart.csv")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout as NonNullable<typeof child.stdout>, "data");
  return child;
}

test("what a killed process left goes with the next file that is written there; a living one's stays", async () => {
  const child = await writer();
  expect(names()).toHaveLength(2);
  write("other.csv");
  expect(names(), "the writer lives").toHaveLength(3);
  child.kill("SIGKILL");
  await once(child, "exit");
  write("another.json");
  expect(names()).toEqual(["another.json", "other.csv"]);
});

test("nothing else is removed: other programs' files, a process with a reused number, another machine's", async () => {
  const dead = spawnSync("true").pid ?? 0;
  const others = [".chart.csv.tmp", `.chart.csv.${dead}-0a0b0c0d.tmp`, ".rl-1-2-3-4.tmp", "notes.rl.tmp"];
  const elsewhere = `.chart.csv.rl-${dead}-7-00000000-0a0b0c0d.tmp`;
  const [, start, scope] = /rl-\d+-(\d*)-([0-9a-f]{8})/.exec(temporaryBeside(folder.file("x"))) ?? [];
  const mine = `.chart.csv.rl-${process.pid}-${start}-${scope}-0a0b0c0d.tmp`;
  const reused = `.chart.csv.rl-${process.pid}-${Number(start) - 1}-${scope}-0a0b0c0d.tmp`;
  for (const name of [...others, elsewhere, mine, reused]) writeFileSync(folder.file(name), "x");
  removeLeftovers(folder.path);
  expect(names()).toEqual([...others, elsewhere, mine].sort());
  const longAgo = Date.now() / 1000 - 25 * 3600;
  for (const name of [...others, elsewhere]) utimesSync(folder.file(name), longAgo, longAgo);
  removeLeftovers(folder.path);
  expect(names(), "another machine's, untouched for a day").toEqual([...others, mine].sort());
});

test("a name that is as long as a file system takes can be written", () => {
  const name = `${"é".repeat(125)}.csv`;
  write(name);
  expect(names()).toEqual([name]);
});
