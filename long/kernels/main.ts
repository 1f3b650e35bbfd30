/**
 * `npm run test:kernels`: Debian's kernels in QEMU. Each is asked what it is, and is held to it: the facts and random scripts,
 * compared after every operation with the engine under the profile that was found there. Needs no root; what is missing is said.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describeError } from "../../engine/error.ts";
import { nearestProfile } from "../../engine/mm/kernel-profiles.ts";
import { scriptText } from "../../engine/workload/conform.ts";
import {
  compareGiven,
  compareWithKernel,
  type Difference,
  describeDifferences,
} from "../../probe/conformance/compare.ts";
import { describeSkips, skipsOf } from "../../probe/conformance/skips.ts";
import { CLASSES } from "../../probe/conformance/vocabulary.ts";
import { ensureProbe } from "../../probe/detect.ts";
import { parseFindings, profileOf } from "../../probe/found-profile.ts";
import { ROOT } from "../../scripts/lib/paths.ts";
import { OUT, type PartOptions, runPart } from "../lib/part.ts";
import { boot, whyNoGuest } from "./guest.ts";
import { fetchImage, knownKernels } from "./packages.ts";

const FACTS = join(ROOT, "engine/mm/conformance-data/facts");
/** Facts that need a setting of the system, or 50 GB of operations. */
const ASIDE = /^(?:h01|b08|b11|i05|a13)/;
const MODES = ["sync", "none"] as const;
const LENGTH = 100;

interface Held {
  readonly ok: boolean;
  /** A line a kernel. */
  readonly line: string;
}

const facts = (): { name: string; lines: string[] }[] =>
  readdirSync(FACTS)
    .filter((file) => file.endsWith(".ops") && !ASIDE.test(file))
    .map((file) => ({
      name: basename(file, ".ops"),
      lines: readFileSync(join(FACTS, file), "utf8").split("\n").map(scriptText).filter(Boolean),
    }));

async function hold(image: string, name: string, operations: number, options: PartOptions): Promise<Held> {
  const began = performance.now();
  const guest = await boot(image, typeof options.values.append === "string" ? options.values.append : "");
  try {
    const found = profileOf(parseFindings(guest.profile), name);
    writeFileSync(join(options.out, `${name}.profile.json`), `${JSON.stringify(found.profile, null, 2)}\n`);
    const { known, differs } = nearestProfile(found.profile);
    const words = differs.length === 0 ? "" : ` but for ${differs.join(", ")}`;
    options.say(`${found.profile.name} (${guest.accelerator}): as ${known.name}${words}`);
    const skips = skipsOf(found);
    for (const line of describeSkips(skips)) options.say(`  ${line}`);
    for (const { field, why } of found.unknown) options.say(`  not found out: ${field}: ${why}`);
    const about = {
      modes: MODES,
      found: found.profile,
      skips,
      start: guest.probe,
      differencesMax: 5,
    };
    const given = await compareGiven(facts(), about);
    const random = await compareWithKernel({
      ...about,
      classes: CLASSES,
      seed: options.seed,
      length: LENGTH,
      operations,
    });
    const differences: readonly Difference[] = [...given.differences, ...random.differences];
    if (differences.length > 0) options.say(describeDifferences(differences));
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    const unstable = given.unstable + random.unstable;
    return {
      ok: differences.length === 0,
      line: `${found.profile.name}: ${differences.length} differences in ${given.operations + random.operations} operations (${given.operations} of the facts), ${seconds} s${unstable > 0 ? `; ${unstable} scripts not counted, answered differently the second time` : ""}`,
    };
  } finally {
    await guest.end();
  }
}

/** Images by name: the one that is asked for, else Debian's. */
function images(options: PartOptions): { readonly name: string; readonly image?: string; readonly why: string }[] {
  const { image, only } = options.values;
  if (typeof image === "string") return [{ name: basename(image), image, why: "" }];
  const { packages, why } = knownKernels();
  if (packages.length === 0) return [{ name: "Debian's kernels", why }];
  return packages
    .filter(({ series }) => typeof only !== "string" || only.split(",").includes(series))
    .map((each) => ({ name: each.name, ...fetchImage(each, join(OUT, "kernels", "images")) }));
}

await runPart(
  "kernels",
  async (options) => {
    const skipped = (why: string) => ({ ok: true, summary: `skipped: ${why}` });
    const noProbe = ensureProbe() ?? whyNoGuest();
    if (noProbe !== null) return skipped(noProbe);
    const operations = Number(options.values.ops ?? (options.short ? 4_000 : 60_000));
    const lines: string[] = [];
    let ok = true;
    for (const { name, image, why } of images(options)) {
      if (image === undefined) {
        lines.push(`${name}: skipped: ${why}`);
        options.say(lines.at(-1) ?? "");
        continue;
      }
      const held = await hold(image, name, operations, options).catch((error: unknown) => ({
        ok: false,
        line: `${name}: ${describeError(error).replaceAll("\n", " ")}`,
      }));
      options.say(held.line);
      lines.push(held.line);
      ok &&= held.ok;
    }
    return { ok, summary: lines.join("; ") };
  },
  { ops: { type: "string" }, only: { type: "string" }, image: { type: "string" }, append: { type: "string" } },
);
