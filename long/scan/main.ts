/**
 * Doyensec's electronegativity over the sources: what it finds must be on the list of what is explained. It is no
 * dependency of the project: npx fetches it when this part runs.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../scripts/lib/paths.ts";
import { runPart } from "../lib/part.ts";
import { textTable } from "../lib/table.ts";
import { EXPLAINED } from "./explained.ts";

const SCANNER = "@doyensec/electronegativity@1.10.3";
/** Asks the network for Electron's releases. */
const LEFT_OUT = "AvailableSecurityFixesGlobalCheck";
/** Where Electron is spoken to. */
const FOLDERS = ["main", "renderer"];

/** As far as we read it: SARIF 2.1.0. Its CSV is written in two pieces that may change places. */
interface Sarif {
  readonly runs: readonly {
    readonly results: readonly {
      readonly ruleId: string;
      readonly locations: readonly {
        readonly physicalLocation: {
          readonly artifactLocation: { readonly uri: string };
          readonly region: { readonly startLine: number };
        };
      }[];
    }[];
  }[];
}

await runPart("scan", async ({ say }) => {
  const electron = (
    JSON.parse(readFileSync(join(ROOT, "node_modules/electron/package.json"), "utf8")) as { version: string }
  ).version;
  const work = mkdtempSync(join(tmpdir(), "reclaim-lab-scan-"));
  try {
    // One look over all of it: some findings are about what is nowhere in the sources.
    for (const folder of FOLDERS) cpSync(join(ROOT, folder), join(work, "sources", folder), { recursive: true });
    const file = join(work, "found.sarif");
    const scanner = (args: readonly string[]) =>
      spawnSync("npx", ["--yes", SCANNER, ...args], {
        cwd: work,
        encoding: "utf8",
        maxBuffer: 64 << 20,
        env: { ...process.env, NODE_OPTIONS: `--require "${join(import.meta.dirname, "offline.cjs")}"` },
      });
    const fetched = scanner(["--version"]);
    if (fetched.status !== 0)
      return { ok: true, summary: `skipped: npx cannot fetch ${SCANNER}: ${fetched.stderr.trim().slice(-300)}` };
    const ran = scanner(["-i", join(work, "sources"), "-e", electron, "-x", LEFT_OUT, "-o", file]);
    if (ran.status !== 0 || !existsSync(file))
      return {
        ok: false,
        summary: `the scanner ended with ${ran.status ?? ran.signal}: ${`${ran.stdout}${ran.stderr}`.trim().slice(-500)}`,
      };
    const { runs } = JSON.parse(readFileSync(file, "utf8")) as Sarif;
    const rows = runs.flatMap(({ results }) =>
      results.map(({ ruleId, locations: [location] }) => {
        const where = location?.physicalLocation;
        // A finding about no file is at file:///.
        const name = (where?.artifactLocation.uri ?? "").replace(`${work}/sources/`, "").replace("file:///", "");
        const why = EXPLAINED.find(({ issue, file }) => ruleId === issue && name === file)?.why;
        return { issue: ruleId, where: name === "" ? "" : `${name}:${where?.region.startLine ?? 0}`, why };
      }),
    );
    if (rows.length > 0)
      say(
        textTable(
          ["issue", "where", "explained"],
          rows.map(({ issue, where, why }) => [issue, where, why ?? "NO"]),
        ),
      );
    const open = rows.filter((each) => each.why === undefined);
    return {
      ok: open.length === 0,
      summary: `${rows.length} findings, ${open.length} of them without an explanation`,
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});
