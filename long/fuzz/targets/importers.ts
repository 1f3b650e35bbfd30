/** Traces and workload files, through the importers that window and command line use. */
import { ReclaimLabError } from "../../../engine/error.ts";
import { ImportReport, importOperations, survey, type TraceFormat } from "../../../engine/workload/import/index.ts";
import type { Random } from "../../lib/random.ts";
import { corpusText, traceText } from "../corpus/index.ts";
import { mutateTextSome, someLines } from "../mutate.ts";
import type { Target, Verdict } from "../target.ts";

interface Input {
  readonly text: string;
  /** undefined: the importer guesses. */
  readonly format: TraceFormat | undefined;
  readonly pid: number;
  /** Bytes a chunk. */
  readonly chunk: number;
  readonly touchOnMap: boolean;
}

async function* chunks(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text, "utf8");
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function sound(value: unknown): boolean {
  return value === undefined || typeof value !== "number" || (Number.isFinite(value) && value >= 0);
}

async function give({ text, format, pid, chunk, touchOnMap }: Input): Promise<Verdict> {
  try {
    const options = { pid, touchOnMap, ...(format === undefined ? {} : { format }) };
    let seen = 0;
    for await (const batch of importOperations(chunks(text, chunk), options, new ImportReport()))
      for (const operation of batch) {
        seen++;
        for (const [name, value] of Object.entries(operation))
          if (!sound(value)) throw new Error(`an operation came out with ${name} = ${String(value)}`);
      }
    const report = new ImportReport();
    const contents = await survey(chunks(text, chunk), report, format);
    for (const problem of report.problems())
      if (typeof problem.example !== "string" || problem.example.length > 1000)
        throw new Error("a problem is reported with a text that is too long to read");
    if (contents.processes.length > 100_000) throw new Error("more processes than a list can hold");
    return seen > 0 ? "taken" : "refused";
  } catch (error) {
    if (error instanceof ReclaimLabError) return "refused";
    throw error;
  }
}

function importer(
  name: string,
  format: TraceFormat,
  texts: readonly string[],
  words: readonly string[],
  inputs: number,
): Target<Input> {
  return {
    name,
    inputs,
    inputsShort: Math.ceil(inputs / 100),
    make(random: Random) {
      const source = someLines(random.pick(texts), random, 24);
      const text = random.chance(0.03) ? source : mutateTextSome(source, random, words);
      const pids = [...source.matchAll(/\b(\d{2,7})(?=\/|[ )])/g)].slice(0, 20).map((match) => Number(match[1]));
      return {
        text,
        format: random.chance(0.3) ? undefined : format,
        pid: pids.length > 0 && random.chance(0.9) ? random.pick(pids) : random.below(2 ** 31),
        chunk: random.chance(0.05) ? random.between(1, 9) : random.pick([64, 1000, 4096, 65_536]),
        touchOnMap: random.chance(0.5),
      };
    },
    give,
    show: (input) => JSON.stringify(input),
  };
}

const CALLS = "mmap munmap mremap mprotect madvise brk mlock munlock clone fork execve exit_group".split(" ");

export const importers: readonly Target<Input>[] = [
  importer(
    "ops.jsonl",
    "ops",
    [corpusText("ops.jsonl")],
    ['"op":', '"addr":', '"mmap"', '"touch"', "{}", "[]"],
    150_000,
  ),
  importer(
    "perf-script",
    "perf-script",
    ["redis-default", "jemalloc-sparse", "python3"].map((name) => traceText(name, 400_000)),
    [...CALLS, "PERF_RECORD_MMAP2", "PERF_RECORD_COMM exec:", "PERF_RECORD_FORK", "PERF_RECORD_LOST", "sys_exit_"],
    150_000,
  ),
  importer(
    "tracefs",
    "tracefs",
    [corpusText("tracefs.txt")],
    [...CALLS, " -> ", "sys_", "[LOST", "page_fault_user"],
    150_000,
  ),
  importer(
    "strace",
    "strace",
    [corpusText("strace.txt")],
    [...CALLS, "<unfinished ...>", "resumed>", "NULL", "|"],
    150_000,
  ),
];
