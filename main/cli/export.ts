import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { BadInputError } from "../../engine/error.ts";
import { formatCount } from "../../engine/experiment/format.ts";
import type { ExportFormat } from "../contract.ts";
import { requireBaseline } from "./policy-option.ts";
import { type DbOption, withLab } from "./session.ts";
import { type ViewOptions, viewOf } from "./view-option.ts";

interface ExportOptions extends DbOption, ViewOptions {
  readonly format: ExportFormat;
  readonly out?: string;
  readonly theme: "light" | "dark";
  readonly log: boolean;
}

/** To a file, or to stdout: the same bytes, for both are written by the host. */
export async function exportTo(experimentId: number, options: ExportOptions): Promise<void> {
  const { format, theme, log, out } = options;
  const view = viewOf(options);
  if (out === undefined && format === "png" && process.stdout.isTTY)
    throw new BadInputError("A picture cannot be shown on a terminal", { todo: "Give a file with --out FILE" });
  await withLab(options, async (session) => {
    if (view.baseline !== undefined)
      requireBaseline(view.baseline, await session.ask("experiment.get", { id: experimentId }));
    const write = (path: string) => session.ask("export.write", { experimentId, format, theme, log, view, path });
    if (out !== undefined) {
      const path = resolve(out);
      process.stderr.write(`${path}: ${formatCount(await write(path))} bytes\n`);
      return;
    }
    const folder = await mkdtemp(join(tmpdir(), "reclaim-lab-"));
    try {
      const path = join(folder, `export.${format}`);
      await write(path);
      await pipeline(createReadStream(path), process.stdout, { end: false });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}
