/** A trace of a million events, for benchmarks. */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSource } from "../main/trace/source.ts";

export const TRACE = join(import.meta.dirname, "../engine/workload/testdata/traces/python3/events.txt.gz");
export const PID = 2532;
export const EVENTS = 1_000_000;

/** One real trace over and over, each time later on the clock and without its end, as a file of a million events. */
function writeRepeated(path: string, text: string, times: number): void {
  const lines = text.split("\n").filter((line) => !line.includes("exit_group"));
  writeFileSync(path, "");
  for (let round = 0; round < times; round++) {
    const later = lines.map((line) =>
      line.replace(/ (\d+)\.(\d{9}): /, (_, seconds, rest) => ` ${Number(seconds) + round * 1000}.${rest}: `),
    );
    appendFileSync(path, later.join("\n"));
  }
}

async function textOf(path: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of await openSource(path)) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Writes it to `path`. */
export async function writeTrace(path: string): Promise<void> {
  const text = await textOf(TRACE);
  writeRepeated(path, text, Math.ceil(EVENTS / (text.split("\n").length - 1)));
}
