/** The engine's answers to conformance scripts. */
import type { Mode } from "../../engine/experiment/types.ts";
import { Conformance, type ConformOptions } from "../../engine/workload/conform.ts";
import type { Answer } from "./answers.ts";

/** `settings`: the engine's equivalents of the system's. An operation that the engine throws on is answered with what it threw, and nothing after it is. */
export function engineAnswers(script: readonly string[], mode: Mode, settings: ConformOptions = {}): Answer[] {
  const conformance = new Conformance(mode, settings);
  const answers: Answer[] = [];
  for (const [index, line] of script.entries()) {
    try {
      answers.push(conformance.perform(line, `line ${index + 1}`));
    } catch (error) {
      answers.push({ deltaKb: Number.NaN, status: `engine: ${error instanceof Error ? error.message : error}` });
      break;
    }
  }
  return answers;
}
