/**
 * Doyensec's electronegativity over the sources: what it finds must be on the list of what is explained. It is no
 * dependency of the project: npx fetches it when this part runs.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { ROOT } from "../../scripts/lib/paths.ts";
import { runPart } from "../lib/part.ts";
import { textTable } from "../lib/table.ts";
import { EXPLAINED } from "./explained.ts";

const SCANNER = "@doyensec/electronegativity@1.10.3";
/** Where Electron is spoken to. */
const FOLDERS = ["main", "renderer"];

interface Finding {
  readonly issue: string;
  readonly filename: string;
  readonly location: string;
  readonly sample: string;
}

await runPart("scan", async ({ say }) => {
  const electron = (
    JSON.parse(readFileSync(join(ROOT, "node_modules/electron/package.json"), "utf8")) as { version: string }
  ).version;
  const work = mkdtempSync(join(tmpdir(), "reclaim-lab-scan-"));
  try {
    // One look over all of it: some findings are about what is nowhere in the sources.
    for (const folder of FOLDERS) cpSync(join(ROOT, folder), join(work, "sources", folder), { recursive: true });
    const file = join(work, "found.csv");
    // Its exit status says nothing: without the network it ends in an error after it has written what it found.
    const ran = spawnSync("npx", ["--yes", SCANNER, "-i", join(work, "sources"), "-e", electron, "-o", file], {
      cwd: work,
      encoding: "utf8",
      maxBuffer: 64 << 20,
    });
    if (!existsSync(file)) return { ok: false, summary: `the scanner wrote nothing: ${ran.stderr.trim().slice(-500)}` };
    const columns = (names: string[]) => names.map((name) => name.trim());
    const found = parse(readFileSync(file, "utf8"), { columns, relax_column_count: true }) as Finding[];
    const rows = found.map((each) => {
      const why = EXPLAINED.find(({ issue, file }) => each.issue === issue && each.filename.endsWith(file))?.why;
      return { ...each, why };
    });
    if (rows.length > 0)
      say(
        textTable(
          ["issue", "where", "explained"],
          rows.map((each) => [
            each.issue,
            `${each.filename.replace(`${work}/sources/`, "")}:${each.location}`,
            each.why ?? "NO",
          ]),
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
