import { formatParam } from "../../engine/experiment/params.ts";
import { PRESETS, presetInfo } from "../../engine/workload/presets/index.ts";
import { print, printJson } from "./print.ts";

/** Needs no history, so none is opened. */
export async function presets(options: { readonly json?: boolean }): Promise<void> {
  const all = PRESETS.map(presetInfo);
  if (options.json) return printJson(all);
  for (const { name, title, description, params } of all) {
    print(`${name}: ${title}`);
    print(`  ${description}`);
    for (const spec of params) {
      const range =
        spec.type === "choice"
          ? spec.choices.map((choice) => choice.value).join(" | ")
          : `${formatParam(spec, spec.min)} to ${formatParam(spec, spec.max)}`;
      print(
        `    --set ${spec.name}=${formatParam(spec, spec.default)}   ${spec.label} (${range}): ${spec.description}`,
      );
    }
    print("");
  }
}
