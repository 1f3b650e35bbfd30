/**
 * What every part of the long lane has in common: its options, its last words, its exit status. A part is a program of
 * its own (`node long/kill/main.ts --short`); `npm run test:long` starts them one after the other.
 */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../../scripts/lib/paths.ts";

/** Where parts leave what people may want to look at: logs, tables, pictures. */
export const OUT = join(ROOT, "test-results", "long");

export interface PartOptions {
  /** A few minutes instead of as long as it takes. */
  readonly short: boolean;
  readonly seed: number;
  /** Options of this part alone. */
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  /** This part's folder in OUT. */
  readonly out: string;
  /** A line for whoever watches, also kept in the part's log. */
  readonly say: (line: string) => void;
}

export interface PartResult {
  readonly ok: boolean;
  /** One sentence with the figures. */
  readonly summary: string;
}

type OptionTable = Readonly<Record<string, { readonly type: "string" | "boolean" }>>;

/** Runs a part as a program: prints the summary last, exit status 0 where it holds. */
export async function runPart(
  name: string,
  body: (options: PartOptions) => Promise<PartResult>,
  more: OptionTable = {},
): Promise<void> {
  const { values } = parseArgs({
    options: { short: { type: "boolean" }, seed: { type: "string" }, ...more },
    strict: true,
  });
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed must be a whole number, not ${values.seed}`);
  const out = join(OUT, name);
  mkdirSync(out, { recursive: true });
  const log = join(out, "log.txt");
  writeFileSync(log, "");
  const say = (line: string) => {
    console.log(line);
    appendFileSync(log, `${line}\n`);
  };
  say(`${name}: seed ${seed} (again: node long/${name}/main.ts --seed ${seed}${values.short ? " --short" : ""})`);
  let result: PartResult;
  try {
    result = await body({ short: values.short === true, seed, values, out, say });
  } catch (error) {
    result = { ok: false, summary: `broke off: ${error instanceof Error ? (error.stack ?? error.message) : error}` };
  }
  say(`${name}: ${result.ok ? "holds" : "FAILS"}: ${result.summary}`);
  writeFileSync(join(out, "result.json"), `${JSON.stringify({ name, seed, ...result }, null, 2)}\n`);
  process.exitCode = result.ok ? 0 : 1;
}
