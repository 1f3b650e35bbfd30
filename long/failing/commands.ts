/** The commands that write, each with the folder that it starts from and what must be true of it afterwards. */
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Command {
  readonly name: string;
  /** What comes after the program's name; `at` gives a path in the folder. */
  readonly args: (at: (name: string) => string) => readonly string[];
  /** Before it, in a fresh copy of the folder. */
  readonly prepare?: (at: (name: string) => string) => void;
  /** A file that it makes: it must hold what it held, or all of what it holds where nothing fails. */
  readonly makes?: string;
  /** Titles that history.sqlite may be without afterwards: they are in the trash, or somewhere else. */
  readonly takesAway?: readonly string[];
  /** Titles that it has more where the command succeeds. */
  readonly adds?: readonly string[];
}

/** What the folder has: history.sqlite, backup.sqlite and other.sqlite with an experiment of each title. */
export const FOLDER = {
  "history.sqlite": ["mine", "mine too", "put away"],
  "backup.sqlite": ["theirs"],
  "other.sqlite": ["another", "and another"],
} as const;

const exportOf = (format: string): Command => ({
  name: `export ${format}`,
  args: (at) => ["export", "1", "--format", format, "--out", at(`out.${format}`)],
  makes: `out.${format}`,
});

export const COMMANDS: readonly Command[] = [
  { name: "run", args: () => ["run", "commit-table", "--set", "size=64M", "--title", "new"], adds: ["new"] },
  {
    name: "sweep",
    args: () => [
      "sweep",
      "commit-table",
      "--set",
      "size=64M",
      "--param",
      "chunk",
      "--values",
      "2M,4M",
      "--title",
      "swept",
    ],
    adds: ["swept"],
  },
  { name: "note", args: () => ["note", "1", "noted"] },
  { name: "tag", args: () => ["tag", "1", "tagged"] },
  { name: "rename", args: () => ["rename", "1", "renamed"], takesAway: ["mine"], adds: ["renamed"] },
  { name: "pin", args: () => ["pin", "1"] },
  { name: "archive", args: () => ["archive", "1"] },
  { name: "restore", args: () => ["restore", "3"] },
  { name: "delete", args: () => ["delete", "1"], takesAway: ["mine"] },
  { name: "history purge", args: () => ["history", "purge", "--all"], takesAway: ["put away"] },
  { name: "history backup", args: (at) => ["history", "backup", at("copy.sqlite")] },
  {
    name: "history backup, over one",
    args: (at) => ["history", "backup", at("copy.sqlite")],
    prepare: (at) => copyFileSync(at("backup.sqlite"), at("copy.sqlite")),
  },
  {
    name: "history restore",
    args: (at) => ["history", "restore", at("backup.sqlite")],
    takesAway: ["mine", "mine too", "put away"],
    adds: ["theirs"],
  },
  { name: "history merge", args: (at) => ["history", "merge", at("other.sqlite")], adds: ["another", "and another"] },
  { name: "history recover", args: (at) => ["history", "recover", at("other.sqlite"), at("saved.sqlite")] },
  { name: "history use --copy", args: (at) => ["history", "use", "--copy", at("backup.sqlite")] },
  { name: "history use --new", args: (at) => ["history", "use", at("fresh.sqlite"), "--new"] },
  ...["csv", "json", "png", "svg", "html"].map(exportOf),
  {
    name: "export csv, over one",
    args: (at) => ["export", "1", "--format", "csv", "--out", at("out.csv")],
    prepare: (at) => copyFileSync(at("trace.strace"), at("out.csv")),
    makes: "out.csv",
  },
  {
    name: "import",
    args: (at) => ["import", at("trace.strace"), "--out", at("made.ops.jsonl")],
    makes: "made.ops.jsonl",
  },
];

/** Without `--db`: these choose which history is used, or need none. */
export function takesNoHistory({ name }: Command): boolean {
  return /^(?:import|history (?:recover|use))/.test(name);
}

export function contentOf(folder: string, name: string): string | null {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path).toString("base64") : null;
}
