/**
 * `npm run docs:study` runs docs/studies/study.json, writes what the atlas says of it into docs/results.md and its picture beside
 * the plan. The engine's answers are the same on every machine, and so are both.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAtlas } from "../main/atlas/database.ts";
import { answerAll } from "../main/atlas/questions.ts";

const ROOT = join(import.meta.dirname, "..");
const CLI = join(ROOT, "main/cli.ts");
const PLAN = join(ROOT, "docs/studies/study.json");
const PICTURE = join(ROOT, "docs/studies/study.svg");
const PAGE = join(ROOT, "docs/results.md");
const BEGIN = "<!-- made by `npm run docs:study` -->";
const END = "<!-- end -->";

const lab = (...args: string[]) =>
  execFileSync(process.execPath, [CLI, ...args], { stdio: ["ignore", "ignore", "inherit"] });

const folder = mkdtempSync(join(tmpdir(), "study-"));
try {
  const out = join(folder, "results");
  lab("batch", PLAN, "--out", out);
  lab("atlas", out, "--chart", PICTURE);
  const atlas = await openAtlas([out], () => undefined);
  const answered = await answerAll(atlas, "none");
  atlas.close();
  const answer = answered.find(({ question }) => question.id === "policies")?.answer;
  if (answer === undefined) throw new Error("the atlas has no answer about policies");
  const { columns, rows } = answer;
  const lines = [columns, columns.map((_, i) => (i === 0 ? "---" : "--:")), ...rows];
  const table = lines.map((cells) => `| ${cells.map((cell) => cell ?? "").join(" | ")} |`).join("\n");
  const page = readFileSync(PAGE, "utf8");
  const [before, after] = [page.slice(0, page.indexOf(BEGIN)), page.slice(page.indexOf(END))];
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${table}\n\n${after}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
