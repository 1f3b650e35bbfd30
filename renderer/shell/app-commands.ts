import { COMPARED_MAX } from "../../engine/experiment/compare-runs.ts";
import { POLICY_IDS } from "../../engine/experiment/policies.ts";
import { policyWord } from "../../engine/experiment/words.ts";
import {
  cancelAll,
  cancelExperiment,
  chooseCapture,
  chooseResults,
  chooseTrace,
  runHeadline,
} from "../state/actions.ts";
import type { Command } from "../state/commands.svelte.ts";
import { history, type Shelf } from "../state/history.svelte.ts";
import { backUpHistory, checkHistory, importHistory, restoreHistory } from "../state/history-file.ts";
import { overlays } from "../state/overlays.svelte.ts";
import { running } from "../state/running.svelte.ts";
import { settings } from "../state/settings.svelte.ts";
import { view } from "../state/view.svelte.ts";

const focus = (selector: string): void => document.querySelector<HTMLElement>(selector)?.focus();

/** The part of the history that the list shows. */
const shelfCommand = (shelf: Shelf, title: string, words: readonly string[]): Command => ({
  id: `shelf-${shelf}`,
  title,
  words,
  group: "History",
  enabled: () => history.shelf !== shelf,
  run: () => {
    history.shelf = shelf;
    void history.reload().then(() => focus("#history-list"));
  },
});

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
      words: ["workload", "preset", "run", "create"],
      group: "Experiment",
      keys: "Ctrl+N",
      run: () => view.go({ name: "new" }),
    },
    {
      id: "new-sweep",
      title: "Sweep a parameter…",
      words: ["scan values", "explore"],
      group: "Experiment",
      run: () => view.go({ name: "new", sweep: true }),
    },
    {
      id: "run",
      title: "Run the 50 GB experiment",
      words: ["series", "commit", "demonstration", "PT_RECLAIM", "patch"],
      group: "Experiment",
      run: () => void runHeadline(),
    },
    {
      id: "cancel",
      title: "Cancel what is running",
      words: ["stop", "abort", "end"],
      group: "Experiment",
      keys: "Ctrl+.",
      enabled: () => running.list.length > 0,
      run: () => {
        const id = view.experimentId;
        const target = running.list.find((entry) => entry.id === id) ?? running.list[0];
        if (target) void cancelExperiment(target.id);
      },
    },
    {
      id: "cancel-all",
      title: "Cancel everything that is running",
      words: ["stop all", "abort all", "queue"],
      group: "Experiment",
      enabled: () => running.list.length > 1,
      run: () => void cancelAll(),
    },
    { id: "find", title: "Search the history", group: "History", keys: "Ctrl+F", run: () => focus("#history-search") },
    { id: "history", title: "Go to the history", group: "History", keys: "Ctrl+1", run: () => focus("#history-list") },
    {
      id: "history-table",
      title: "The history as a table: filter, sort, group",
      words: ["columns", "view", "filter", "spreadsheet", "all experiments"],
      group: "History",
      keys: "Ctrl+5",
      run: () => view.go({ name: "history" }),
    },
    {
      id: "view",
      title: "Go to the experiment",
      group: "View",
      keys: "Ctrl+2",
      run: () => focus("#view [data-first-focus]"),
    },
    {
      id: "compare",
      title: "Compare selected experiments",
      words: ["baseline", "difference", "side by side"],
      group: "History",
      keys: "Ctrl+Shift+C",
      enabled: () => history.selected.size >= 2 && history.selected.size <= COMPARED_MAX,
      run: () => view.go({ name: "compare", ids: [...history.selected] }),
    },
    {
      id: "undo",
      title: "Undo delete",
      words: ["deleted", "trash", "undo", "restore", "bin"],
      group: "History",
      keys: "Ctrl+Z",
      enabled: () => history.lastDeleted.length > 0,
      run: () => void history.undoDelete(),
    },
    shelfCommand("trash", "Show the trash", ["deleted", "bin", "removed", "restore", "empty"]),
    shelfCommand("archive", "Show the archive", ["archived", "put aside"]),
    shelfCommand("active", "Show the history", ["all experiments", "list"]),
    ...POLICY_IDS.map(
      (policy): Command => ({
        id: `baseline-${policy}`,
        title: `Baseline: ${policyWord(policy)}`,
        words: ["compare with", "reference", policy],
        group: "View",
        searchOnly: true,
        run: () => settings.remember({ baseline: policy }),
      }),
    ),
    {
      id: "home",
      title: "The first page",
      words: ["start", "home", "welcome", "begin"],
      group: "View",
      keys: "Alt+Home",
      run: () => view.go({ name: "welcome" }),
    },
    { id: "back-up-history", title: "Back up the history…", group: "History", run: () => void backUpHistory() },
    { id: "restore-history", title: "Restore a backup…", group: "History", run: () => void restoreHistory() },
    { id: "import-history", title: "Add another history…", group: "History", run: () => void importHistory() },
    { id: "check-history", title: "Check the history", group: "History", run: () => void checkHistory() },
    { id: "back", title: "Back to the previous view", group: "View", keys: "Alt+ArrowLeft", run: () => view.back() },
    {
      id: "record",
      title: "Record a program…",
      words: ["capture", "my program", "trace", "would it help", "perf", "launch"],
      group: "Lab",
      keys: "Ctrl+6",
      run: () => view.go({ name: "record" }),
    },
    {
      id: "attach",
      title: "Record a running process…",
      words: ["capture", "attach", "pid", "my program", "trace"],
      group: "Lab",
      run: () => view.go({ name: "record", attach: true }),
    },
    {
      id: "open-file",
      title: "Open a trace of a program…",
      words: ["my program", "capture", "recording", "perf script", "strace", "file", "import"],
      group: "Lab",
      keys: "Ctrl+O",
      run: () => void chooseTrace(),
    },
    {
      id: "open-capture",
      title: "Open a capture's folder…",
      words: ["my program", "recording", "trace"],
      group: "Lab",
      keys: "Ctrl+Shift+O",
      run: () => void chooseCapture(),
    },
    {
      id: "open-results",
      title: "Open a folder of results (Atlas)…",
      words: ["batch", "fleet", "parquet", "plan"],
      group: "Lab",
      run: () => void chooseResults(),
    },
    {
      id: "policies",
      title: "Policies: which would help",
      words: ["compare policies", "eager", "scan", "kernel developers", "proposals"],
      group: "Lab",
      // A workload that they treat differently.
      run: () => view.go({ name: "new", preset: "jemalloc-decay", compared: true }),
    },
    {
      id: "live",
      title: "Live: where this machine's page tables go",
      words: ["process", "top", "inspect", "pid", "now", "VmPTE"],
      group: "Lab",
      keys: "Ctrl+4",
      run: () => view.go({ name: "live" }),
    },
    {
      id: "races",
      title: "Races: turn a patch off and see what breaks",
      words: ["interleavings", "explorer", "why does this patch exist"],
      group: "Lab",
      keys: "Ctrl+3",
      run: () => view.go({ name: "races" }),
    },
    {
      id: "doctor",
      title: "What this machine has",
      words: ["doctor", "kernel", "compiler", "about", "version"],
      group: "Lab",
      run: () => view.go({ name: "machine" }),
    },
    {
      id: "toggle-theme",
      title: "Switch between light and dark",
      words: ["theme", "appearance", "mode", "colours", "colors"],
      group: "View",
      keys: "Ctrl+Shift+L",
      run: () => void settings.setTheme(settings.dark ? "light" : "dark"),
    },
    {
      id: "system-theme",
      title: "Follow the system's theme",
      words: ["theme", "appearance"],
      group: "View",
      enabled: () => settings.theme !== "system",
      run: () => void settings.setTheme("system"),
    },
  ];
}
