/**
 * What `check` prints of damaged traces. docs/damaged-traces.md is made from this and held to it
 * (`npx vitest run main/cli/damaged-traces --update` writes it anew).
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import { BadInputError, describeError } from "../../engine/error.ts";
import { createRandom } from "../../engine/workload/random.ts";
import { check } from "./check.ts";

const TRACES = resolve(import.meta.dirname, "../../engine/workload/testdata/traces");
const WIDTH = 200;
const LINES = 7;

const text = async (name: string): Promise<string> =>
  gunzipSync(await readFile(join(TRACES, name, "events.txt.gz"))).toString();

function shuffled(lines: readonly string[]): string[] {
  const random = createRandom(1);
  const out = [...lines];
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

interface Damage {
  readonly name: string;
  /** How it was made of a whole trace. */
  readonly how: string;
  readonly content: string | Uint8Array;
}

async function damages(): Promise<Damage[]> {
  const whole = await text("jemalloc-sparse");
  // As it was packed once: what packs it here may do it otherwise.
  const packed = await readFile(join(TRACES, "jemalloc-sparse/events.txt.gz"));
  const lines = whole.trimEnd().split("\n");
  const other = (await text("glibc-churn")).trimEnd().split("\n");
  const random = createRandom(7);
  const noise = Uint8Array.from({ length: 20_000 }, () => random.below(256));
  const flipped = Uint8Array.from(packed);
  flipped.fill(0xff, 20_000, 20_003);
  const lost = "jemalloc-sparse 2781/2781 3482.436330000: PERF_RECORD_LOST lost 4711";
  return [
    { name: "cut.txt", how: "The first 100,000 bytes.", content: whole.slice(0, 100_000) },
    { name: "cut.txt.gz", how: "gzip, the first 5,000 bytes.", content: packed.subarray(0, 5000) },
    { name: "flipped.txt.gz", how: "gzip, three bytes in the middle overwritten.", content: flipped },
    {
      name: "lost.txt",
      how: "The tracer says that it lost events.",
      content: lines.toSpliced(1000, 0, lost).join("\n"),
    },
    {
      name: "unknown.txt",
      how: "Every 50th line is an event of another kind.",
      content: lines
        .flatMap((line, i) => (i % 50 === 0 ? ["app 1/1 3482.0: sched:sched_switch: prev=1", line] : [line]))
        .join("\n"),
    },
    { name: "shuffled.txt", how: "The lines in any order: times go back.", content: shuffled(lines).join("\n") },
    {
      name: "no-ends.txt",
      how: "The ends of all munmap calls are missing.",
      content: lines.filter((line) => !line.includes("sys_exit_munmap")).join("\n"),
    },
    {
      name: "huge.txt",
      how: "Hostile: every length is 2^64 - 1.",
      content: whole.replaceAll(/\blen: 0x[0-9a-f]+/g, "len: 0xffffffffffffffff"),
    },
    {
      name: "overflow.txt",
      how: "Hostile: every address has more digits than 64 bits hold.",
      content: whole.replaceAll(/\baddr: 0x[0-9a-f]+/g, "addr: 0xffffffffffffffffff"),
    },
    { name: "line.txt", how: "Hostile: one line of 3 MB.", content: "A".repeat(3_000_000) },
    { name: "noise.txt", how: "20,000 bytes of noise.", content: noise },
    { name: "empty.txt", how: "Nothing.", content: "" },
    {
      name: "several.txt",
      how: "Several processes: another trace after it, whose times begin earlier.",
      content: [...lines, ...other].join("\n"),
    },
    { name: "crlf.txt", how: "Lines ended as on Windows.", content: lines.join("\r\n") },
  ];
}

/** Everything that the command prints, in order, and its exit status. */
async function printed(path: string): Promise<{ out: string; status: number }> {
  let out = "";
  const take = (chunk: unknown): boolean => {
    out += String(chunk);
    return true;
  };
  const spies = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, "write").mockImplementation(take));
  try {
    await check(path, { against: join(TRACES, "jemalloc-sparse/vmpte.txt"), mode: "sync" });
    return { out, status: Number(process.exitCode ?? 0) };
  } catch (error) {
    return { out: `${out}reclaim-lab: ${describeError(error)}\n`, status: error instanceof BadInputError ? 2 : 1 };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = undefined;
  }
}

const HEAD = `# Damaged traces

What \`reclaim-lab check NAME --against vmpte.txt\` prints for a trace (jemalloc-sparse, 48 samples) that was damaged in different
ways. None ends in a stack trace, and whatever can be used is used. Long lines and outputs are cut here. The status is 1
if a sample is not explained, 2 if there is nothing to check. A test generates this page and compares it with the output.
`;

test("each prints what docs/damaged-traces.md says", async () => {
  const folder = await mkdtemp(join(tmpdir(), "damaged-"));
  const parts = [HEAD];
  try {
    for (const { name, how, content } of await damages()) {
      const path = join(folder, name);
      await writeFile(path, content);
      const { out, status } = await printed(path);
      expect(out).not.toMatch(/^\s+at .*:\d+:\d+/m);
      const lines = out.replaceAll(`${folder}/`, "").trimEnd().split("\n");
      const shown = lines.slice(0, LINES).map((line) => (line.length > WIDTH ? `${line.slice(0, WIDTH)} ...` : line));
      if (lines.length > LINES) shown.push("...");
      parts.push(`## ${name}\n\n${how} Status ${status}.\n\n\`\`\`\n${shown.join("\n")}\n\`\`\`\n`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await expect(parts.join("\n")).toMatchFileSnapshot("../../docs/damaged-traces.md");
});
