/** A program of the user's as it is typed in the window: its command, folder and environment. No shell reads any of it. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { BadInputError } from "../../engine/error.ts";
import { shellWords } from "../../engine/experiment/trial.ts";
import { homeFolder } from "../data-folder.ts";

const VARIABLE = /^([A-Za-z_]\w*)=(.*)$/;

/** The environment of a program that the user starts: this one's, without what is this program's own. Throws BadInputError. */
export function environmentOf(text: string): Record<string, string> {
  const own = /^(?:ELECTRON_|CHROME_|RECLAIM_LAB_)/;
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && !own.test(name)) env[name] = value;
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (line === "") continue;
    const [, name, value] = VARIABLE.exec(line) ?? [];
    if (name === undefined)
      throw new BadInputError(`${JSON.stringify(line.slice(0, 60))} is not VAR=VALUE`, {
        where: "environment",
        todo: "Write one variable per line, such as MALLOC_CONF=background_thread:true",
      });
    env[name] = value;
  }
  return env;
}

/** A command as a shell would part it, and the folder that it is started in. Throws BadInputError. */
export function commandOf(text: string, folder: string): { readonly words: string[]; readonly cwd: string } {
  const words = shellWords(text);
  if (words === null || words.length === 0)
    throw new BadInputError("This is not a command", {
      where: text.slice(0, 100),
      why: words === null ? "a quote does not end" : "it is empty",
    });
  const asked = folder.trim().replace(/^~(?=\/|$)/, homeFolder());
  const cwd = asked === "" ? homeFolder() : resolve(asked);
  if (!existsSync(cwd)) throw new BadInputError("There is no such folder", { where: folder });
  const [program, ...args] = words;
  // A path is one from the folder, as in a shell there.
  return { words: [program.includes("/") ? resolve(cwd, program) : program, ...args], cwd };
}
