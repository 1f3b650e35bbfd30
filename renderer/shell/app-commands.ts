import { COMPARED_MAX } from "../../engine/experiment/compare-runs.ts";
import { cancelExperiment, chooseCapture, chooseResults, chooseTrace, runHeadline } from "../state/actions.ts";
import type { Command } from "../state/commands.svelte.ts";
import { history } from "../state/history.svelte.ts";
import { backUpHistory, checkHistory, importHistory, restoreHistory } from "../state/history-file.ts";
import { overlays } from "../state/overlays.svelte.ts";
import { running } from "../state/running.svelte.ts";
import { settings } from "../state/settings.svelte.ts";
import { view } from "../state/view.svelte.ts";

const focus = (selector: string): void => document.querySelector<HTMLElement>(selector)?.focus();

/** What can be done from everywhere in the window. */
export function appCommands(): readonly Command[] {
  return [
    {
      id: "palette",
      title: "Search runs, presets and commands",
      group: "View",
      keys: "Ctrl+K",
      run: () => overlays.open("palette"),
    },
    { id: "shortcuts", title: "Keyboard shortcuts", group: "View", keys: "?", run: () => overlays.open("shortcuts") },
    {
      id: "new-experiment",
      title: "New experiment…",
      group: "Experiment",
      keys: "Ctrl+N",
      run: () => view.go({ name: "new" }),
    },
    {
      id: "new-sweep",
      title: "Sweep a parameter…",
      group: "Experiment",
      run: () => view.go({ name: "new", sweep: true }),
    },
    { id: "run", title: "Run the 50 GB experiment", group: "Experiment", run: () => void runHeadline() },
    {
      id: "cancel",
      title: "Cancel what is running",
      group: "Experiment",
      keys: "Ctrl+.",
      enabled: () => running.list.length > 0,
      run: () => {
        const id = view.experimentId;
        const target = running.list.find((entry) => entry.id === id) ?? running.list[0];
        if (target) void cancelExperiment(target.id);
      },
    },
    { id: "find", title: "Search the history", group: "History", keys: "Ctrl+F", run: () => focus("#history-search") },
    { id: "history", title: "Go to the history", group: "History", keys: "Ctrl+1", run: () => focus("#history-list") },
    {
      id: "view",
      title: "Go to the experiment",
      group: "View",
      keys: "Ctrl+2",
      run: () => focus("#view [data-first-focus]"),
    },
    {
      id: "compare",
      title: "Compare what is selected",
      group: "History",
      keys: "Ctrl+Shift+C",
      enabled: () => history.selected.size >= 2 && history.selected.size <= COMPARED_MAX,
      run: () => view.go({ name: "compare", ids: [...history.selected] }),
    },
    {
      id: "undo",
      title: "Bring back what was deleted",
      group: "History",
      keys: "Ctrl+Z",
      enabled: () => history.lastDeleted.length > 0,
      run: () => void history.undoDelete(),
    },
    { id: "back-up-history", title: "Back up the history…", group: "History", run: () => void backUpHistory() },
    { id: "restore-history", title: "Restore a backup…", group: "History", run: () => void restoreHistory() },
    { id: "import-history", title: "Add another history…", group: "History", run: () => void importHistory() },
    { id: "check-history", title: "Check that the history is sound", group: "History", run: () => void checkHistory() },
    { id: "back", title: "Back to the view before", group: "View", keys: "Alt+ArrowLeft", run: () => view.back() },
    {
      id: "open-file",
      title: "Open a trace of a program…",
      group: "Lab",
      keys: "Ctrl+O",
      run: () => void chooseTrace(),
    },
    {
      id: "open-capture",
      title: "Open a capture's folder…",
      group: "Lab",
      keys: "Ctrl+Shift+O",
      run: () => void chooseCapture(),
    },
    {
      id: "open-results",
      title: "Open a folder of results (Atlas)…",
      group: "Lab",
      run: () => void chooseResults(),
    },
    {
      id: "live",
      title: "Live: where this machine's page tables go",
      group: "Lab",
      keys: "Ctrl+4",
      run: () => view.go({ name: "live" }),
    },
    {
      id: "races",
      title: "Races: turn a patch off and see what breaks",
      group: "Lab",
      keys: "Ctrl+3",
      run: () => view.go({ name: "races" }),
    },
    { id: "doctor", title: "What this machine has", group: "Lab", run: () => view.go({ name: "machine" }) },
    {
      id: "toggle-theme",
      title: "Switch between light and dark",
      group: "View",
      keys: "Ctrl+Shift+L",
      run: () => void settings.setTheme(settings.dark ? "light" : "dark"),
    },
    {
      id: "system-theme",
      title: "Follow the system's light or dark",
      group: "View",
      enabled: () => settings.theme !== "system",
      run: () => void settings.setTheme("system"),
    },
  ];
}
