/**
 * `npm run test:kernel`: random operation sequences through the running kernel and the engine, compared after every
 * operation. Exit status: 0 no difference (or skipped, with the reason), 1 differences, 2 bad usage.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { MODES, type Mode } from "../../engine/experiment/types.ts";
import { detect } from "../detect.ts";
import { ProbeDiedError } from "../errors.ts";
import { compareWithKernel, describeDifference } from "./compare.ts";
import { CLASSES, HUGETLB_CLASS, HUGETLB_PAGES, type ScriptClass } from "./vocabulary.ts";

const USAGE = `usage: npm run test:kernel -- [--ops N] [--seed S] [--length N] [--classes ${[...CLASSES, HUGETLB_CLASS].join(",")}] [--mode sync|none|both] [--max-differences N] [--out DIR]`;

function usage(why: string): never {
  console.error(`test:kernel: ${why}\n${USAGE}`);
  process.exit(2);
}

function options() {
  try {
    return parseArgs({
      options: {
        ops: { type: "string", default: "20000" },
        seed: { type: "string" },
        length: { type: "string", default: "100" },
        classes: { type: "string" },
        mode: { type: "string", default: "both" },
        "max-differences": { type: "string", default: "5" },
        out: { type: "string" },
      },
    }).values;
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) usage(`--${name} is a whole number, not ${text}`);
  return value;
}

const ALL: readonly ScriptClass[] = [...CLASSES, HUGETLB_CLASS];

/** Free huge pages of the system's pool. */
function hugetlbFree(): number {
  return Number(/^HugePages_Free:\s*(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0);
}

/** The classes asked for; without the one for which the pool of huge pages is too small, which is said. */
function classes(text: string | undefined): ScriptClass[] {
  const asked =
    text === undefined
      ? [...ALL]
      : text
          .split(",")
          .map(
            (name) =>
              ALL.find((each) => each === name) ?? usage(`there is no class ${name}; there are ${ALL.join(", ")}`),
          );
  const free = hugetlbFree();
  if (!asked.includes(HUGETLB_CLASS) || free >= HUGETLB_PAGES) return asked;
  console.log(
    `test:kernel: class ${HUGETLB_CLASS} skipped: ${free} huge pages are free, it needs ${HUGETLB_PAGES} (sysctl vm.nr_hugepages=${HUGETLB_PAGES})`,
  );
  return asked.filter((each) => each !== HUGETLB_CLASS);
}

function modes(text: string): readonly Mode[] {
  if (text === "both") return MODES;
  const found = MODES.find((mode) => mode === text);
  return found === undefined ? usage(`--mode is sync, none or both, not ${text}`) : [found];
}

const given = options();
const length = count("length", given.length);
if (length === 0) usage("--length is at least 1");
const kernel = detect();
if (!kernel.available || !kernel.reclaims) {
  const why = kernel.available ? `Linux ${kernel.release} does not reclaim page tables` : kernel.why;
  console.log(`test:kernel: skipped: ${why}`);
  process.exit(0);
}
const kinds = classes(given.classes);
if (kinds.length === 0) process.exit(0);
const seed = given.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : count("seed", given.seed);
console.log(
  `test:kernel: Linux ${kernel.release}, seed ${seed}, ${length} operations a sequence, classes ${kinds.join(",")}, mode ${given.mode}`,
);
const started = performance.now();
const result = await compareWithKernel(
  {
    classes: kinds,
    modes: modes(given.mode),
    seed,
    length,
    operations: count("ops", given.ops),
    differencesMax: count("max-differences", given["max-differences"]),
  },
  ({ differences }, latest) => {
    if (latest === null) return;
    const text = describeDifference(latest);
    console.log(`\n${text}`);
    if (given.out === undefined) return;
    mkdirSync(given.out, { recursive: true });
    writeFileSync(
      join(given.out, `${latest.kind}-${latest.seed}-${latest.mode}-${differences.length}.ops`),
      `${text}\n`,
    );
  },
).catch((error: unknown) => {
  if (!(error instanceof ProbeDiedError)) throw error;
  console.error(`\ntest:kernel: ${error.message}: ${error.why}\nagain: ${error.where}`);
  process.exit(1);
});
const seconds = ((performance.now() - started) / 1000).toFixed(1);
const unstable =
  result.unstable > 0
    ? `; ${result.unstable} sequences not counted (the kernel answered them differently the second time)`
    : "";
console.log(
  `\ntest:kernel: ${result.differences.length} differences in ${result.operations} operations of ${result.sequences} sequences, ${seconds} s${unstable}`,
);
process.exitCode = result.differences.length === 0 ? 0 : 1;
