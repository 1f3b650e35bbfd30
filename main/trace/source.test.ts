import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { survey } from "../../engine/workload/import/index.ts";
import { ImportReport } from "../../engine/workload/import/report.ts";
import { openSource } from "./source.ts";

test("what the disk does not give is no end of the trace", async () => {
  // Its first page is mapped by no program: reading it is an error of input.
  await expect(survey(await openSource("/proc/self/mem"), new ImportReport())).rejects.toThrow(
    "The file could not be read to its end",
  );
});

test("a pipe in a capture's folder is not waited for; one that is named itself is read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-source-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const pipe = join(folder, "events.txt.gz");
  execFileSync("mkfifo", [pipe]);
  writeFileSync(join(folder, "vmpte.txt"), "# pid 1\n");
  await expect(openSource(folder)).rejects.toThrow("The capture's trace is not a regular file");

  const written = promisify(execFile)("sh", ["-c", 'echo written > "$1"', "sh", pipe]);
  let text = "";
  for await (const chunk of await openSource(pipe)) text += Buffer.from(chunk).toString();
  await written;
  expect(text).toBe("written\n");
});
