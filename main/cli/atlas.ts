/** `atlas`: what folders of results and the records of many hosts say. */
import { stringify } from "csv-stringify/sync";
import { formatCount } from "../../engine/experiment/format.ts";
import { type Answer, openAtlas } from "../atlas/database.ts";
import { answerAll } from "../atlas/questions.ts";
import { print, printJson, table, warn } from "./print.ts";

interface AtlasOptions {
  readonly sql?: string;
  readonly baseline: string;
  readonly json?: boolean;
  readonly csv?: boolean;
}

const CELL_MAX = 60;

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

export async function atlas(paths: readonly string[], options: AtlasOptions): Promise<void> {
  const opened = await openAtlas(paths, warn);
  try {
    if (options.sql !== undefined) {
      const answer = await opened.ask(options.sql);
      if (options.json) printJson(objects(answer));
      else if (options.csv) process.stdout.write(csv(answer));
      else print(answerTable(answer));
      return;
    }
    const answered = await answerAll(opened, options.baseline);
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
