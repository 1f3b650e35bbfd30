/** The man page: written by hand, its list of commands taken from the command line itself so that it never lags behind. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/paths.ts";
import { SetupError } from "../lib/say.ts";
import { PACKAGING, VERSION } from "./about.ts";
import { command } from "./command.ts";

export interface CommandLine {
  /** As it is typed: `show [options] <id>`. */
  readonly usage: string;
  readonly description: string;
}

/** Reads the list of commands out of what `--help` prints. */
export function commandsIn(help: string): CommandLine[] {
  const [, list] = help.split(/^Commands:$/m);
  if (list === undefined) throw new SetupError("the command line's --help lists no commands");
  const found: { usage: string; description: string }[] = [];
  for (const line of list.split("\n")) {
    if (found.length > 0 && line.trim() === "") break;
    const start = /^ {2}(\S.*?)(?: {2,}(\S.*))?$/.exec(line);
    const last = found.at(-1);
    if (start !== null) found.push({ usage: start[1] ?? "", description: start[2] ?? "" });
    else if (last !== undefined) last.description = `${last.description} ${line.trim()}`.trim();
  }
  return found.filter(({ usage }) => !/^help\b/.test(usage));
}

function roff(text: string): string {
  return text
    .replace(/\\/g, "\\e")
    .replace(/-/g, "\\-")
    .replace(/^([.'])/gm, "\\&$1");
}

/** The man page's source with the commands in their place. */
export function manPage(commands: readonly CommandLine[], template: string, version: string): string {
  const list = commands.map(
    ({ usage, description }) => `.TP\n.B ${roff(usage)}\n${roff(description.replace(/^./, (c) => c.toUpperCase()))}.`,
  );
  return template.replace("@COMMANDS@", list.join("\n")).replace('"Reclaim Lab"', `"Reclaim Lab ${version}"`);
}

/** The man page of this tree. */
export function makeManPage(): string {
  const help = command(process.execPath, [join(ROOT, "main", "cli.ts"), "--help"], {
    env: { ...process.env, NO_COLOR: "1", COLUMNS: "200" },
  });
  return manPage(commandsIn(help), readFileSync(join(PACKAGING, "reclaim-lab.1"), "utf8"), VERSION);
}
