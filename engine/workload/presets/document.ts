/** The presets as a page of documentation: docs/presets.md is made of it. */
import { formatParam, type ParamSpec, type PresetInfo } from "../../experiment/params.ts";

function range(spec: ParamSpec): string {
  if (spec.type === "choice") return spec.choices.map(({ value, label }) => `\`${value}\` ${label}`).join("; ");
  const bounds = `${formatParam(spec, spec.min)} to ${formatParam(spec, spec.max)}`;
  return spec.atMost === undefined ? bounds : `${bounds}, at most \`${spec.atMost}\``;
}

function section({ name, title, description, params, sources }: PresetInfo): string {
  const rows = params.map(
    (spec) => `| \`${spec.name}\` | ${formatParam(spec, spec.default)} | ${range(spec)} | ${spec.description} |`,
  );
  const from = sources.map(({ title, reference, used }) => {
    const link = reference.startsWith("https:") ? `[${title}](${reference})` : `${title} (\`${reference}\`)`;
    return `- ${link}: ${used}`;
  });
  return [
    `## ${name}: ${title}`,
    "",
    description,
    "",
    "| parameter | default | possible | |",
    "|---|---|---|---|",
    ...rows,
    "",
    "Sources:",
    "",
    ...from,
    "",
  ].join("\n");
}

/** Markdown of all presets. */
export function documentPresets(presets: readonly PresetInfo[]): string {
  return [
    "# Presets",
    "",
    "The built-in workloads. Run one with `reclaim-lab run NAME`, change a parameter with `--set parameter=value` (sizes",
    "with K, M, G, T, powers of 1024), and seed everything random with `--seed N`. This page is generated from the presets",
    "and a test compares it with them (`npx vitest run engine/workload/presets --update` rewrites it).",
    "",
    ...presets.map(section),
  ].join("\n");
}
