/** The picture of a view that is no chart of lines, as a file; the page says what it shows, the host where it came from. */
import { PALETTES, type Theme } from "../../chart/palette.ts";
import { SHEET_WIDTH, type Sheet, sheetChart } from "../../chart/sheet.ts";
import type { StoredExperiment } from "../../db/records.ts";
import { BadInputError } from "../../engine/error.ts";
import { formatCount } from "../../engine/experiment/format.ts";
import { hostFacts } from "../host/facts.ts";
import { moment, originWords, setupWords } from "./describe.ts";
import { shortened, wrapped } from "./experiment-chart.ts";
import { pictureFont } from "./fonts.ts";
import { chartPng, chartSvg } from "./picture.ts";

export type SheetOrigin =
  | { readonly kind: "experiment"; readonly id: number }
  | { readonly kind: "machine"; readonly seenAt: number };

export interface SheetOptions {
  readonly sheet: Sheet;
  readonly origin: SheetOrigin;
  readonly format: "png" | "svg";
  readonly theme?: Theme;
}

/** Many times a screen. */
const HEIGHT_MAX = 8000;

/** "Reclaim Lab · linux x64 6.18.1 · seen 2026-11-23 03:52 UTC · engine 0.1.0". */
function machineWords(seenAt: number): string {
  const { engineVersion, platform, kernelRelease } = hostFacts(null);
  return ["Reclaim Lab", `${platform} ${kernelRelease}`, `seen ${moment(seenAt)}`, `engine ${engineVersion}`].join(
    " · ",
  );
}

/** The file in one part. Throws NotFoundError where its experiment is gone, BadInputError where it holds too much. */
export function sheetParts(
  getExperiment: (id: number) => StoredExperiment,
  { sheet, origin, format, theme = "light" }: SheetOptions,
): (string | Uint8Array)[] {
  const experiment = origin.kind === "experiment" ? getExperiment(origin.id) : undefined;
  const setup = experiment ? [setupWords(experiment)] : [];
  const palette = PALETTES[theme];
  const from = origin.kind === "machine" ? machineWords(origin.seenAt) : experiment ? originWords(experiment) : "";
  const { config, height } = sheetChart(
    { ...sheet, title: shortened(sheet.title), lines: [...sheet.lines.flatMap(wrapped), ...setup.map(shortened)] },
    { palette, font: pictureFont(), origin: from },
  );
  if (height > HEIGHT_MAX)
    throw new BadInputError("The picture would be too tall", {
      why: `it would have ${formatCount(height)} lines of pixels, more than ${formatCount(HEIGHT_MAX)}`,
      todo: "Show less of it",
    });
  const size = { width: SHEET_WIDTH, height };
  if (format === "png") return [chartPng(config, palette.surface, size)];
  const legend = sheet.legend.map(({ label, value }) => `${label} ${value}`).join(", ");
  const description = [...sheet.lines, legend, ...sheet.parts.map(partWords), from].filter(Boolean).join(". ");
  return [chartSvg(config, palette.surface, { title: sheet.title, description }, size)];
}

/** What a part shows, for those who do not see the picture: its axes, or its rows. */
function partWords(part: Sheet["parts"][number]): string {
  if (part.kind !== "rows") return [part.title, part.yTitle, part.xTitle].filter(Boolean).join(", ");
  const heads = [part.nameHead, part.barHead, ...part.valueHeads, part.lineHead].filter(Boolean).join(", ");
  return `${heads}: ${part.rows.map(({ name, about, values }) => [name, about, ...values].filter(Boolean).join(" ")).join("; ")}`;
}
