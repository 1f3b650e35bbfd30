import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PACKAGING } from "./about.ts";
import { commandsIn, makeManPage, manPage } from "./man.ts";

const HELP = `Usage: reclaim-lab [options] [command]

Options:
  -V, --version  output the version number

Commands:
  run [options] <preset>  run a workload in both
                          modes
  presets                 list the workloads
  help [command]          display help for command

Exit status: 0 done
`;

describe("the man page", () => {
  it("takes the commands out of --help, joined where a description is wrapped", () => {
    expect(commandsIn(HELP)).toEqual([
      { usage: "run [options] <preset>", description: "run a workload in both modes" },
      { usage: "presets", description: "list the workloads" },
    ]);
  });

  it("says so where there is no list", () => {
    expect(() => commandsIn("nothing")).toThrow("lists no commands");
  });

  it("puts them in its template, with hyphens and leading dots as roff wants them", () => {
    const page = manPage(
      [{ usage: "run --x", description: ".dot" }],
      readFileSync(join(PACKAGING, "reclaim-lab.1"), "utf8"),
      "1.2.3",
    );
    expect(page).toContain(".TP\n.B run \\-\\-x\n\\&.dot.\n");
    expect(page).toContain("Reclaim Lab 1.2.3");
    expect(page).not.toContain("@COMMANDS@");
  });

  it("names every command of this program", () => {
    const page = makeManPage();
    for (const name of ["run", "presets", "list", "show", "export", "delete", "doctor"])
      expect(page).toMatch(new RegExp(`^\\.B ${name}\\b`, "m"));
  });
});
