/** The numbers of docs/limits.md are those of the program. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SAMPLE_POINTS, samplingPlan } from "../engine/experiment/sampling.ts";
import { SWEEP_POINTS_MAX } from "../engine/experiment/sweep.ts";
import { NOTES_MAX, TAG_MAX, TAGS_MAX, TITLE_MAX } from "../engine/experiment/text-limits.ts";
import { REPEAT_MAX, SETTINGS_MAX } from "../engine/experiment/trial.ts";
import { TABLE_BYTES_MAX } from "../engine/mm/config.ts";
import { LINE_LENGTH_MAX } from "../engine/workload/import/lines.ts";

const text = readFileSync(new URL("../docs/limits.md", import.meta.url), "utf8");
const row = (what: string): string => text.split("\n").find((line) => line.startsWith(`| ${what}`)) ?? "";
const say = (value: number): string => value.toLocaleString("en-US");

test("limits.md says what the program does", () => {
  expect(row("tables that the model keeps")).toContain(`| ${TABLE_BYTES_MAX / 2 ** 30} GB,`);
  expect(row("values of a sweep")).toContain(`| ${SWEEP_POINTS_MAX},`);
  expect(row("a line of a trace")).toContain(`| ${say(LINE_LENGTH_MAX)} characters`);
  expect(row("settings of a trial")).toContain(
    `| ${SETTINGS_MAX}, each with up to 100 variables and up to ${REPEAT_MAX} times |`,
  );
  expect(row("title, tag")).toContain(
    `| ${TITLE_MAX}, ${TAG_MAX} characters, ${TAGS_MAX}, ${say(NOTES_MAX)} characters |`,
  );
  let samples = 0;
  for (const plan = samplingPlan(null); plan.next <= 1e9; plan.advance()) samples++;
  expect(row("samples of a run")).toContain(`${say(SAMPLE_POINTS + 1)} where`);
  expect(row("samples of a run")).toContain(`: ${say(Math.round(samples / 1000) * 1000)} for a billion operations`);
});
