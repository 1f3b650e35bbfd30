/** The cover letter's server (28.8 M tables) in both modes, each in a process of its own; and sparse tables. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { DEFAULT_POLICIES, featuresOf, SERIES_POLICY } from "../engine/experiment/policies.ts";
import type { Mode } from "../engine/experiment/types.ts";
import { policyPhrase } from "../engine/experiment/words.ts";
import { PMD_PAGES } from "../engine/mm/geometry.ts";
import { createKernel } from "../engine/mm/kernel.ts";
import { tablesFloor } from "./floors.ts";
import { best, type Row, type Section } from "./harness.ts";

interface ServerRun {
  readonly ms: number;
  readonly memoryMb: number;
  readonly final: { readonly vmpte_kb: number };
  readonly peak: { readonly vmpte_kb: number };
}

function serverRun(mode: Mode): ServerRun {
  const script = fileURLToPath(new URL("server-run.ts", import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [script, mode], { encoding: "utf8" })) as ServerRun;
}

/** VIRT in tables: what the preset goes through. */
const SERVER_TABLES = (55 * 2 ** 40) / 2 ** 21;

const TABLES = 200_000;

/** One page in 512 touched, then everything zapped at once. */
function sparse(mode: Mode): void {
  const kernel = createKernel({ features: featuresOf(mode), seed: 1 });
  const map = { addr: 2 ** 44, len: TABLES * 2 ** 21 };
  kernel.execute({ op: "mmap", ...map, prot: "rw", backing: "anon" });
  kernel.execute({ op: "touch", ...map, access: "w", stride: 2 ** 21 });
  kernel.execute({ op: "madvise", ...map, advice: "dontneed" });
}

async function* rows(): AsyncGenerator<Row> {
  for (const mode of DEFAULT_POLICIES) {
    const ms = await best(2, () => sparse(mode));
    const what = `sparse tables touched and zapped, ${policyPhrase(mode)}`;
    yield { what, value: (TABLES / ms) * 1000, unit: "/s", note: "one page in 512" };
  }
  for (const mode of DEFAULT_POLICIES) {
    const { ms, memoryMb, final, peak } = serverRun(mode);
    const gib = (kb: number) => `${(kb / 2 ** 20).toFixed(1)} GiB`;
    const note = `VmPTE at most ${gib(peak.vmpte_kb)}, at the end ${gib(final.vmpte_kb)}`;
    const what = `server, 55 TB, ${policyPhrase(mode)}`;
    yield { what, value: ms, unit: "ms", budget: { atMost: 30_000 }, note };
    const floorMs = await best(1, () => tablesFloor(SERVER_TABLES, PMD_PAGES, mode === SERIES_POLICY));
    const least = `the floor: ${Math.round(floorMs)} ms, bench/floors.ts`;
    yield { what: `${what}, times the floor`, value: ms / floorMs, unit: "x", note: least };
    yield { what: `server, peak memory, ${policyPhrase(mode)}`, value: memoryMb, unit: "MB", budget: { atMost: 1536 } };
  }
}

export const section: Section = { title: "Scale", rows };
