/** `reclaim-lab policies`: what there is to choose from. Needs no history, so none is opened. */
import { formatParam } from "../../engine/experiment/params.ts";
import { DEFAULT_BASELINE, DEFAULT_POLICIES, POLICIES, type Policy } from "../../engine/experiment/policies.ts";
import { print, printJson } from "./print.ts";

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
        version,
      })),
    );
    return;
  }
  for (const { id, word, rule, payer, source, knobs } of all) {
    print(`${id}: ${word}`);
    print(`  An empty table goes: ${rule}`);
    print(`  Who pays: ${payer}`);
    print(`  Source: ${source}`);
    for (const knob of knobs) {
      const range = `${formatParam(knob, knob.min)} to ${formatParam(knob, knob.max)}`;
      print(`    ${knob.name}=${formatParam(knob, knob.default)}   ${knob.label} (${range}): ${knob.description}`);
    }
    print("");
  }
  print(
    `--mode both stands for ${DEFAULT_POLICIES.join(",")}; compared with ${DEFAULT_BASELINE} unless --baseline says otherwise.`,
  );
}
