import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { BadInputError } from "../../engine/error.ts";
import { formatCount } from "../../engine/experiment/format.ts";
import { sweepLeftovers } from "../../probe/capture-folder.ts";
import type { Experiment, ExportFormat } from "../contract.ts";
import { requireNone } from "./effect.ts";
import { fileOf } from "./out-option.ts";
import { requireBaseline } from "./policy-option.ts";
import { type DbOption, withLab } from "./session.ts";
import { type ViewOptions, viewOf } from "./view-option.ts";

interface ExportOptions extends DbOption, ViewOptions {
  readonly format: ExportFormat;
  readonly out?: string;
  readonly theme?: "light" | "dark";
  readonly log?: boolean;
}

type Shaping = Exclude<keyof ExportOptions, keyof DbOption | "format" | "out">;

const CHART: readonly Shaping[] = ["metric", "axis", "from", "to", "run", "figure", "baseline", "theme", "log"];
/** What of the options has an effect. */
const EFFECTIVE: Readonly<Record<ExportFormat, readonly Shaping[]>> = {
  csv: ["run", "baseline"],
  json: ["run", "baseline"],
  png: CHART,
  svg: CHART,
  html: CHART,
  folded: [],
  speedscope: [],
};

/** What would be done without its effect is refused. */
function requireEffect(options: ExportOptions): void {
  const effective = EFFECTIVE[options.format];
  const idle = CHART.filter((name) => !effective.includes(name)).map((name) => [`--${name}`, options[name]] as const);
  const others = effective.map((name) => `--${name}`).join(" and ");
  const todo = others === "" ? undefined : `Omit it; ${others} have one`;
  requireNone(Object.fromEntries(idle), `with --format ${options.format}`, todo);
}

/** All of a sweep is drawn by a figure against its parameter, runs by a metric over an axis. */
function requireEffectOn({ id, sweep }: Experiment, options: ExportOptions): void {
  const asWhole = sweep !== null && options.run === undefined;
  const without: readonly Shaping[] = asWhole ? ["metric", "axis", "from", "to"] : ["figure"];
  const idle = without.find((name) => options[name] !== undefined);
  if (idle !== undefined)
    throw new BadInputError(`--${idle} has no effect here`, {
      where: `experiment ${id}`,
      why: asWhole
        ? "it is a sweep, drawn against its parameter"
        : "a figure is of a sweep as a whole, and what is drawn are runs",
      todo: asWhole ? "Choose what is drawn with --figure, or runs with --run" : "Choose what is drawn with --metric",
    });
}

/** To a file, or to stdout: the same bytes, for both are written by the host. */
export async function exportTo(experimentId: number, options: ExportOptions): Promise<void> {
  const { format, theme, log } = options;
  const out = fileOf(options.out);
  requireEffect(options);
  const view = viewOf(options);
  if (out === undefined && format === "png" && process.stdout.isTTY)
    throw new BadInputError("A picture cannot be shown on a terminal", { todo: "Give a file with --out FILE" });
  await withLab(options, async (session) => {
    const experiment = await session.ask("experiment.get", { id: experimentId });
    requireBaseline(view.baseline, experiment);
    requireEffectOn(experiment, options);
    const runs = options.run;
    const write = (path: string) => session.ask("export.write", { experimentId, format, theme, log, view, runs, path });
    if (out !== undefined) {
      const path = resolve(out);
      process.stderr.write(`${path}: ${formatCount(await write(path))} bytes\n`);
      return;
    }
    sweepLeftovers();
    const folder = mkdtempSync(join(tmpdir(), `reclaim-lab-export-${process.pid}-`));
    const remove = () => rmSync(folder, { recursive: true, force: true });
    // Also where nobody reads on, which ends the process.
    process.once("exit", remove);
    try {
      const path = join(folder, `export.${format}`);
      await write(path);
      await pipeline(createReadStream(path), process.stdout, { end: false });
    } finally {
      process.off("exit", remove);
      remove();
    }
  });
}
