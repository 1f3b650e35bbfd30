import { METRICS } from "../../engine/experiment/figures.ts";
import type { Command } from "../state/commands.svelte.ts";

export interface ChartActions {
  metric(id: string): void;
  toggleScale(): void;
  toggleAxis(): void;
  toggleTable(): void;
  resetZoom(): void;
  copy(): void;
  copyLink(): void;
  copyCommand(): void;
}

/** Keys that the chart itself handles while it has the focus, listed so that they can be found. */
const CHART_KEYS: readonly (readonly [string, string])[] = [
  ["ArrowLeft", "Crosshair to the left"],
  ["ArrowRight", "Crosshair to the right"],
  ["Shift+ArrowLeft", "Pan to the left"],
  ["Shift+ArrowRight", "Pan to the right"],
  ["w", "Zoom in at the crosshair (+ too)"],
  ["s", "Zoom out (- too)"],
  ["a", "Pan to the left (in the chart)"],
  ["d", "Pan to the right (in the chart)"],
];

const nothing = (): void => undefined;

export function chartCommands(actions: ChartActions): readonly Command[] {
  return [
    { id: "log", title: "Linear or logarithmic", group: "Chart", keys: "l", run: actions.toggleScale },
    { id: "axis", title: "Over operations or time", group: "Chart", keys: "t", run: actions.toggleAxis },
    { id: "table", title: "Samples as a chart or a table", group: "Chart", keys: "v", run: actions.toggleTable },
    { id: "copy", title: "Copy the chart, or the table", group: "Chart", keys: "c", run: actions.copy },
    {
      id: "copy-link",
      title: "Copy a link to this view",
      words: ["share", "permalink", "url", "state"],
      group: "Chart",
      keys: "Ctrl+Shift+K",
      run: actions.copyLink,
    },
    {
      id: "copy-command",
      title: "Copy the command that draws this view",
      words: ["share", "export", "command line", "reproduce"],
      group: "Chart",
      run: actions.copyCommand,
    },
    { id: "reset-zoom", title: "Show the whole run", group: "Chart", keys: "0", run: actions.resetZoom },
    ...METRICS.map(
      (metric, index): Command => ({
        id: `metric-${metric.id}`,
        title: `Show ${metric.label}`,
        group: "Chart",
        ...(index < 9 ? { keys: String(index + 1) } : {}),
        run: () => actions.metric(metric.id),
      }),
    ),
    ...CHART_KEYS.map(
      ([keys, title]): Command => ({
        id: `chart-${keys}`,
        title,
        group: "Chart",
        keys,
        keyOnly: true,
        enabled: () => false,
        run: nothing,
      }),
    ),
  ];
}
