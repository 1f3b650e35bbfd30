import { EXPORT_FORMATS, exportExperiment, runAgain, setPinned } from "../state/actions.ts";
import type { Command } from "../state/commands.svelte.ts";
import { describing } from "../state/describing.svelte.ts";
import { history } from "../state/history.svelte.ts";
import type { OpenExperiment } from "../state/open-experiment.svelte.ts";
import { view } from "../state/view.svelte.ts";

/** What can be done with the experiment that is open. */
export function experimentCommands(open: OpenExperiment): readonly Command[] {
  const loaded = (): boolean => open.experiment !== undefined;
  return [
    {
      id: "again",
      title: "Run again",
      group: "Experiment",
      keys: "Ctrl+R",
      enabled: loaded,
      run: () => void runAgain(open.id, open.label),
    },
    {
      id: "again-with-changes",
      title: "Run again with changes…",
      group: "Experiment",
      keys: "Ctrl+Shift+R",
      enabled: () => open.experiment?.workloadKind === "preset",
      run: () => view.go({ name: "new", from: open.id, label: open.label }),
    },
    ...EXPORT_FORMATS.map(
      (format): Command => ({
        id: `export-${format.value}`,
        title: `Export as ${format.label}`,
        group: "Experiment",
        ...(format.keys ? { keys: format.keys } : {}),
        enabled: loaded,
        run: () => void exportExperiment(open.id, format.value),
      }),
    ),
    ...EXPORT_FORMATS.filter((format) => format.chart).map(
      (format): Command => ({
        id: `export-all-${format.value}`,
        title: `Export as ${format.label}, the whole run`,
        group: "Experiment",
        enabled: loaded,
        run: () => void exportExperiment(open.id, format.value, "all"),
      }),
    ),
    {
      id: "describe",
      title: "Title, tags and notes…",
      words: ["rename", "describe", "label", "comment"],
      group: "History",
      keys: "F2",
      enabled: loaded,
      run: () => {
        if (open.described) describing.open(open.described);
      },
    },
    {
      id: "pin",
      title: "Pin as baseline, or unpin",
      words: ["star", "reference"],
      group: "History",
      keys: "Ctrl+B",
      enabled: loaded,
      run: () => void setPinned(open.id, !open.experiment?.pinned),
    },
    {
      id: "delete",
      title: "Delete this experiment",
      words: ["remove", "trash", "bin"],
      group: "History",
      keys: "Delete",
      enabled: loaded,
      run: () => void history.delete([open.id]),
    },
  ];
}
