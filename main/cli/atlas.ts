/** `atlas`: what folders of results and the records of many hosts say. */
import { stringify } from "csv-stringify/sync";
import { BadInputError } from "../../engine/error.ts";
import { formatCount } from "../../engine/experiment/format.ts";
import { DEFAULT_BASELINE } from "../../engine/experiment/policies.ts";
import { type Answer, type Atlas, openAtlas } from "../atlas/database.ts";
import { answerAll, tasksBeside } from "../atlas/questions.ts";
import { requireNone } from "./effect.ts";
import { print, printJson, table, warn } from "./print.ts";

interface AtlasOptions {
  readonly sql?: string;
  readonly baseline?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly chart?: string;
}

const CELL_MAX = 60;
/** More points are no more than ink. */
const POINTS_MAX = 20_000;

function shown(value: Answer["rows"][number][number]): string {
  if (value === null) return "";
  if (typeof value === "number") return Number.isInteger(value) ? formatCount(value) : String(value);
  const text = String(value);
  return text.length > CELL_MAX ? `${text.slice(0, CELL_MAX - 1)}…` : text;
}

function answerTable({ columns, rows }: Answer): string {
  if (rows.length === 0) return "(none)";
  const numbers = columns
    .map((_, i) => i)
    .filter((i) => rows.every((row) => row[i] === null || typeof row[i] === "number"));
  return table([columns, ...rows.map((row) => row.map(shown))], new Set(numbers));
}

const objects = ({ columns, rows }: Answer) =>
  rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));

const csv = ({ columns, rows }: Answer) => stringify([columns, ...rows].map((row) => [...row]));

/** Errors: BadInputError for a name that is no picture's, or results without a baseline; ExportError where it cannot be written. */
async function drawChart(opened: Atlas, baseline: string, file: string): Promise<void> {
  const format = /\.(svg|png)$/.exec(file)?.[1];
  if (format === undefined)
    throw new BadInputError("The format of the picture is not known", {
      where: file,
      todo: "Give a name that ends in .svg or .png",
    });
  const { rows } = await tasksBeside(opened, baseline, POINTS_MAX);
  const points = rows.flatMap(({ policy, saved_percent, cost_ns }) =>
    typeof saved_percent === "number" && typeof cost_ns === "number"
      ? [{ policy: String(policy), savedPercent: saved_percent, costNs: cost_ns }]
      : [],
  );
  if (points.length === 0)
    throw new BadInputError("There is nothing to draw", {
      where: file,
      why: `no task ran both under ${baseline} and under another policy`,
      todo: "Compare with another --baseline",
    });
  // Drawing needs a canvas: loaded when something is drawn.
  const [{ atlasChart }, { PALETTES }, { pictureFont }, { chartPng, chartSvg }, { writeWhole }] = await Promise.all([
    import("../../chart/atlas-chart.ts"),
    import("../../chart/palette.ts"),
    import("../export/fonts.ts"),
    import("../export/picture.ts"),
    import("../export/write-file.ts"),
  ]);
  const palette = PALETTES.light;
  const config = atlasChart(points, palette, pictureFont());
  const words = {
    title: "Savings against cost",
    description: `A small point a task (${points.length}), a large one the median task of a policy, against ${baseline}`,
  };
  writeWhole(file, [format === "png" ? chartPng(config, palette.surface) : chartSvg(config, palette.surface, words)]);
}

function requireOneAnswer({ sql, json, csv, baseline, chart }: AtlasOptions): void {
  if (json && csv)
    throw new BadInputError("--json and --csv are two forms of one answer", { todo: "Give one of the two" });
  if (sql === undefined) return;
  if (sql.trim() === "")
    throw new BadInputError("There is no query", { where: "--sql", todo: "Give one, such as 'DESCRIBE results'" });
  requireNone({ "--baseline": baseline, "--chart": chart }, "with --sql");
}

export async function atlas(paths: readonly string[], options: AtlasOptions): Promise<void> {
  requireOneAnswer(options);
  const baseline = options.baseline ?? DEFAULT_BASELINE;
  const opened = await openAtlas(paths, warn);
  try {
    if (options.sql !== undefined) {
      const answer = await opened.ask(options.sql);
      if (options.json) printJson(objects(answer));
      else if (options.csv) process.stdout.write(csv(answer));
      else print(answerTable(answer));
      return;
    }
    if (options.chart !== undefined) await drawChart(opened, baseline, options.chart);
    const answered = await answerAll(opened, baseline);
    if (options.json)
      printJson(Object.fromEntries(answered.map(({ question, answer }) => [question.id, objects(answer)])));
    else if (options.csv) process.stdout.write(answered.map(({ answer }) => csv(answer)).join("\n"));
    else
      for (const { question, answer } of answered)
        if (answer.rows.length > 0 || question.id === "policies")
          print(`${question.title}\n\n${answerTable(answer)}\n`);
  } finally {
    opened.close();
  }
}
