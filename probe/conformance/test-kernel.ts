/**
 * `npm run test:kernel`: random operation sequences through the running kernel and the engine, compared after every
 * operation. Exit status: 0 no difference (or skipped, with the reason), 1 differences, 2 bad usage.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeError, ReclaimLabError } from "../../engine/error.ts";
import { DEFAULT_POLICIES, MEASURED_POLICIES, type PolicyId } from "../../engine/experiment/policies.ts";
import { differingFields } from "../../engine/mm/kernel-profile-fields.ts";
import { REFERENCE_PROFILE } from "../../engine/mm/kernel-profiles.ts";
import { ProbeDiedError } from "../errors.ts";
import { modesOn } from "../modes.ts";
import { KERNEL_NAMES, namedProfile } from "../named-profile.ts";
import { thisKernel } from "../this-kernel.ts";
import { type Comparison, compareWithKernel, describeDifference, UNKNOWN_KERNEL } from "./compare.ts";
import { KhugepagedStillError, whyNoKhugepaged, whyNoSwap, withKhugepaged, withSwap } from "./settings.ts";
import { describeSkips, skipsOf } from "./skips.ts";
import {
  ALL_CLASSES,
  HUGETLB_CLASS,
  HUGETLB_PAGES,
  KHUGEPAGED_CLASS,
  type ScriptClass,
  SWAP_CLASS,
} from "./vocabulary.ts";

const USAGE = `usage: npm run test:kernel -- [--ops N] [--seed S] [--length N] [--classes ${ALL_CLASSES.join(",")}] [--swap-file PATH] [--khugepaged] [--mode sync|none|both] [--kernel ${KERNEL_NAMES.join("|")}|FILE] [--explored] [--max-differences N] [--out DIR]`;

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
        kernel: { type: "string", default: "this" },
        "max-differences": { type: "string", default: "5" },
        out: { type: "string" },
        "swap-file": { type: "string" },
        khugepaged: { type: "boolean", default: false },
        explored: { type: "boolean", default: false },
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

/** Free huge pages of the system's pool. */
function hugetlbFree(): number {
  return Number(/^HugePages_Free:\s*(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0);
}

/** Why a class cannot be run; null: it can. */
function whyNot(kind: ScriptClass): string | null {
  if (kind === SWAP_CLASS) return whyNoSwap(given["swap-file"]);
  if (kind === KHUGEPAGED_CLASS) return whyNoKhugepaged(given.khugepaged);
  if (kind !== HUGETLB_CLASS) return null;
  const free = hugetlbFree();
  if (free >= HUGETLB_PAGES) return null;
  return `${free} huge pages are free, it needs ${HUGETLB_PAGES} (sysctl vm.nr_hugepages=${HUGETLB_PAGES})`;
}

/** The classes asked for; without those that the system is not set up for, which is said. */
function classes(text: string | undefined): ScriptClass[] {
  const asked = (text?.split(",") ?? ALL_CLASSES).map(
    (name) =>
      ALL_CLASSES.find((each) => each === name) ??
      usage(`there is no class ${name}; there are ${ALL_CLASSES.join(", ")}`),
  );
  return asked.filter((kind) => {
    const why = whyNot(kind);
    if (why !== null) console.log(`test:kernel: class ${kind} skipped: ${why}`);
    return why === null;
  });
}

function modes(text: string): readonly PolicyId[] {
  if (text === "both") return DEFAULT_POLICIES;
  const found = MEASURED_POLICIES.find((mode) => mode === text);
  return found === undefined ? usage(`--mode is sync, none or both, not ${text}`) : [found];
}

const given = options();
const length = count("length", given.length);
if (length === 0) usage("--length is at least 1");
const kernel = thisKernel();
if (!kernel.available) {
  console.log(`test:kernel: skipped: ${kernel.why}`);
  process.exit(0);
}
/** What the engine takes the running kernel for. */
function held() {
  try {
    return namedProfile(given.kernel);
  } catch (error) {
    if (!(error instanceof ReclaimLabError)) throw error;
    return usage(describeError(error));
  }
}
const profile = held();
const found = kernel.profile;
const asked = modesOn(found, modes(given.mode));
if (asked.length === 0) {
  console.log(
    `test:kernel: skipped: Linux ${found.name} does not reclaim page tables; --mode none compares what it does`,
  );
  process.exit(0);
}
const skips = skipsOf(kernel);
for (const line of describeSkips(skips)) console.log(`test:kernel: ${line}`);
const kinds = classes(given.classes);
if (kinds.length === 0) process.exit(0);
const seed = given.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : count("seed", given.seed);
const other = differingFields(profile, REFERENCE_PROFILE);
console.log(
  `test:kernel: Linux ${found.name}, compared with ${given.kernel} (the reference${other.length === 0 ? "" : ` but for ${other.join(", ")}`}), seed ${seed}, ${length} operations a sequence, classes ${kinds.join(",")}, mode ${asked.join(",")}${given.explored ? ", the engine point by point" : ""}`,
);
const started = performance.now();
const wanted = count("ops", given.ops);

const compare = (some: readonly ScriptClass[]) =>
  compareWithKernel(
    {
      classes: some,
      modes: asked,
      found,
      profile,
      explored: given.explored,
      skips,
      seed,
      length,
      operations: Math.ceil((wanted * some.length) / kinds.length),
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
  );

/** The classes that need a setting come by themselves, so that it holds for them alone. */
async function compareAll(): Promise<Comparison[]> {
  const only = (...some: ScriptClass[]) => kinds.filter((kind) => some.includes(kind));
  const plain = kinds.filter((kind) => kind !== SWAP_CLASS && kind !== KHUGEPAGED_CLASS);
  const done: Comparison[] = [];
  if (plain.length > 0) done.push(await compare(plain));
  if (only(SWAP_CLASS).length > 0) done.push(await withSwap(given["swap-file"], () => compare([SWAP_CLASS])));
  if (only(KHUGEPAGED_CLASS).length > 0) done.push(await withKhugepaged(() => compare([KHUGEPAGED_CLASS])));
  return done;
}

const results = await compareAll().catch((error: unknown) => {
  if (error instanceof KhugepagedStillError) {
    console.error(`\ntest:kernel: ${error.message}`);
    process.exit(1);
  }
  if (!(error instanceof ProbeDiedError)) throw error;
  console.error(`\ntest:kernel: ${error.message}: ${error.why}\nagain: ${error.where}`);
  process.exit(1);
});
const sum = (of: (result: Comparison) => number) => results.reduce((total, result) => total + of(result), 0);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
const unstableCount = sum((result) => result.unstable);
const unstable =
  unstableCount > 0
    ? `; ${unstableCount} sequences not counted (the kernel answered them differently the second time)`
    : "";
const differenceCount = sum((result) => result.differences.length);
console.log(
  `\ntest:kernel: ${differenceCount} differences in ${sum((result) => result.operations)} operations of ${sum((result) => result.sequences)} sequences, ${seconds} s${unstable}`,
);
if (differenceCount > 0)
  console.log(
    given.kernel === "this"
      ? `test:kernel: ${UNKNOWN_KERNEL}`
      : `test:kernel: this kernel is not what ${given.kernel} says`,
  );
process.exitCode = differenceCount === 0 ? 0 : 1;
