import { BadInputError } from "../../engine/error.ts";
import type { PolicyId } from "../../engine/experiment/policies.ts";
import { runConformScript } from "../../engine/workload/conform.ts";
import { LINE_MAX } from "../../engine/workload/conform-script.ts";
import { namedProfile } from "../../probe/named-profile.ts";
import { openSource } from "../trace/source.ts";

const SCRIPT_BYTES_MAX = 64 * 2 ** 20;
const WRITE_AT = 1 << 16;

/** A script is small: whole in memory, within a bound. */
async function scriptLines(file: string): Promise<string[]> {
  const decoder = new TextDecoder("utf-8");
  let text = "";
  for await (const chunk of await openSource(file)) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    const lastLine = text.length - 1 - text.lastIndexOf("\n");
    if (lastLine > LINE_MAX) {
      const where = `${file}:${text.split("\n").length}`;
      throw new BadInputError("this is not an operation of a conformance script", {
        where,
        why: `the line is longer than ${LINE_MAX} characters`,
      });
    }
    if (text.length > SCRIPT_BYTES_MAX)
      throw new BadInputError("This script is too large", { where: file, why: `it has more than 64 MiB` });
  }
  return text.split(/\r?\n/);
}

export interface ConformCommand {
  readonly mode: PolicyId;
  /** The kernel that is modelled (probe/named-profile.ts). */
  readonly kernel: string;
}

/** Result lines on stdout: N, VmPTE delta in kB, status, operation, separated by tabs. */
export async function conform(file: string, options: ConformCommand): Promise<void> {
  const profile = namedProfile(options.kernel);
  const lines = await scriptLines(file);
  let out = "";
  try {
    for (const line of runConformScript(lines, options.mode, file, { profile })) {
      out += `${line}\n`;
      if (out.length < WRITE_AT) continue;
      process.stdout.write(out);
      out = "";
    }
  } finally {
    // Also before an error: the lines up to it have been computed.
    process.stdout.write(out);
  }
}
