/** `reclaim-lab policies`: what there is to choose from. Needs no history, so none is opened. */
import { KERNEL_SWITCHES } from "../../engine/experiment/knobs.ts";
import { formatParam, type ParamSpec } from "../../engine/experiment/params.ts";
import { DEFAULT_BASELINE, DEFAULT_POLICIES, POLICIES, type Policy } from "../../engine/experiment/policies.ts";
import { print, printJson } from "./print.ts";

/** "    scan_interval=100 ms   Scan interval (1 ms to 3600000 ms): …" */
function knobLine(spec: ParamSpec): string {
  const range =
    spec.type === "choice"
      ? spec.choices.map(({ value }) => value).join(", ")
      : `${formatParam(spec, spec.min)} to ${formatParam(spec, spec.max)}`;
  return `    ${spec.name}=${formatParam(spec, spec.default).replaceAll(" ", "")}   ${spec.label} (${range}): ${spec.description}`;
}

export function policies(options: { readonly json?: boolean }): void {
  const all: readonly Policy[] = POLICIES;
  if (options.json) {
    printJson(
      all.map(({ id, word, phrase, rule, payer, source, knobs, version }) => ({
        id,
        word,
        phrase,
        rule,
        payer,
        source,
        knobs,
        switches: KERNEL_SWITCHES,
        version,
      })),
    );
    return;
  }
  for (const { id, word, rule, payer, source, knobs } of all) {
    print(`${id}: ${word}`);
    print(`  An empty table is freed: ${rule}`);
    print(`  Who pays: ${payer}`);
    print(`  Source: ${source}`);
    for (const knob of knobs) print(knobLine(knob));
    print("");
  }
  print("Switches of the modelled kernel, under every policy:");
  for (const each of KERNEL_SWITCHES) print(knobLine(each));
  print(
    "\n`run` and `sweep` take these with --set, such as --set scan_interval=50; the values shown are the defaults.",
  );
  print(
    `--mode both stands for ${DEFAULT_POLICIES.join(",")}; the baseline is ${DEFAULT_BASELINE} unless --baseline names another.`,
  );
}
