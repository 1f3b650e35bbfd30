import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { describeError } from "../../engine/error.ts";
import { formatCount } from "../../engine/experiment/format.ts";
/**
 * The command line: the same lab host, history and exports as the window's, in one process. Results go to stdout,
 * everything else to stderr. Exit status: 0 done, 1 the run failed, 2 bad usage or bad input, 130 interrupted.
 */
import { DEFAULT_BASELINE } from "../../engine/experiment/policies.ts";
import { SERIES_NAME } from "../../engine/experiment/words.ts";
import { KERNEL_PROFILES } from "../../engine/mm/kernel-profiles.ts";
import { TRACE_FORMATS } from "../../engine/workload/import/formats.ts";
import { VERSION } from "../version.ts";
import type { Comparand } from "./compare.ts";
import { baselineOption, modeOption, modesOption, policyNamed } from "./policy-option.ts";
import { warn } from "./print.ts";
import { withView } from "./view-option.ts";

const program = new Command("reclaim-lab")
  .description(
    `A lab for page-table memory: runs workloads with and without ${SERIES_NAME} and under other reclaim policies, keeps the results and compares them.`,
  )
  .version(VERSION)
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "reclaim-lab: ")) })
  .showHelpAfterError("(see --help)")
  .addHelpText("after", "\nExit status: 0 done, 1 the run failed, 2 bad usage or bad input, 130 interrupted.");

function id(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("An id is a whole number from 1; `list` shows the ids.");
  return value;
}

function pid(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 2 ** 22)
    throw new InvalidArgumentError("A pid is a whole number from 1 to 4,194,304; `top` lists the processes.");
  return value;
}

function ids(text: string, before: readonly number[] | undefined): number[] {
  return [...(before ?? []), id(text)];
}

/** "3", or "3@64K": one point of sweep 3. */
function comparands(text: string, before: readonly Comparand[] | undefined): Comparand[] {
  const at = text.indexOf("@");
  const point = at < 0 ? null : text.slice(at + 1);
  return [...(before ?? []), { id: id(at < 0 ? text : text.slice(0, at)), point }];
}

function whole(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError("It must be a whole number.");
  return value;
}

function positive(text: string): number {
  const value = whole(text);
  if (value < 1) throw new InvalidArgumentError("It must be 1 or more.");
  return value;
}

/** A whole number with a unit, within limits; commander says which option was given what. */
function within(least: number, most: number, unit: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(
        `It must be a whole number from ${formatCount(least)} to ${formatCount(most)}${unit}.`,
      );
    return value;
  };
}

/** Looks and recordings that take longer than a day from one to the next are a mistake. */
const interval = within(1, 86_400, " seconds");
/** Node's timers hold no longer time, in seconds. */
const seconds = within(1, 2_000_000, " seconds");
const seed = within(0, 0xffff_ffff, "");

function assignment(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must look like name=value.");
  const name = text.slice(0, at);
  // Names that every object has would be lost on the way to where parameters are checked.
  if (name in Object.prototype) throw new InvalidArgumentError(`There is no parameter "${name}".`);
  return { ...before, [name]: text.slice(at + 1) };
}

function texts(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** A command that uses a history. */
function command(usage: string, description: string): Command {
  return program
    .command(usage)
    .description(description)
    .option("--db <file>", "the history file (default: the desktop app's)");
}

const json = new Option("--json", "print one JSON document and nothing else");

const kernel = new Option(
  "--kernel <profile>",
  `the kernel to model: ${[...KERNEL_PROFILES.keys()].join(", ")}, this (the running kernel, probed) or a profile file`,
).default("reference");

const traceFormat = new Option("--format <format>", "format of the file (default: detected)").choices(TRACE_FORMATS);

command(
  "run <workload>",
  "run a preset, a trace or a workload file under each policy and keep the result in the history",
)
  .addOption(modesOption())
  .addOption(
    new Option("--source <source>", "model it, measure it on this kernel, or both")
      .choices(["model", "kernel", "both"])
      .default("model"),
  )
  .option(
    "--set <name=value>",
    "a parameter of the preset, or a knob from `policies`, such as size=1G or scan_interval=50; may be repeated",
    assignment,
  )
  .option("--seed <number>", "seed of everything random (default: 1)", seed)
  .addOption(new Option("--levels <number>", "levels of the page tables").choices(["4", "5"]).default("4"))
  .option(
    "--kernel <name|file>",
    `the kernel to model: ${[...KERNEL_PROFILES.keys()].join(", ")}, this (the running kernel, probed) or a profile file (default: reference, or this if something is measured)`,
  )
  .option("--title <text>", "title in the history")
  .option("--pid <number>", "the process of a trace (default: the busiest)", whole)
  .option("--service", "all processes of a trace together: their sum, and one row each")
  .option(
    "--what-if <change>",
    "also run with the program's releases changed: coalesce=MS (wait up to MS and merge adjoining releases), whole (release only whole, free 2 MiB); may be repeated",
    texts,
  )
  .addOption(traceFormat)
  .option(
    "--touch-on-map",
    "assume that memory is touched as soon as it is accessible: for strace, which sees no page faults",
  )
  .addOption(baselineOption())
  .addOption(json)
  .action(async (preset: string, options) => (await import("./run.ts")).run(preset, options));

command("sweep", "run a workload with several values of one parameter, under each policy, as one experiment")
  .argument("<preset>", "the workload")
  .requiredOption("--param <name>", "the parameter")
  .option("--values <list>", "its values, such as 4K,64K,2M")
  .option("--from <value>", "the first value of a range")
  .option("--to <value>", "the last value of the range")
  .option("--points <number>", "number of values, both ends included (default: one per doubling, or 12)", whole)
  .option("--linear", "space the values evenly (default: by a constant factor)")
  .addOption(modesOption())
  .option("--set <name=value>", "another parameter, or a knob from `policies`; may be repeated", assignment)
  .option("--seed <number>", "seed of everything random (default: 1)", seed)
  .option("--title <text>", "title in the history")
  .addOption(baselineOption())
  .addOption(json)
  .action(async (preset: string, options) => (await import("./sweep.ts")).sweep(preset, options));

program
  .command("policies")
  .description("list the reclaim policies: when an empty page table is freed, and who pays for it")
  .addOption(json)
  .action(async (options) => (await import("./policies.ts")).policies(options));

program
  .command("presets")
  .description("list the workloads and their parameters")
  .addOption(json)
  .action(async (options) => (await import("./presets.ts")).presets(options));

program
  .command("top")
  .description("list this machine's processes by page-table memory, and what their tables hold; reads only")
  .option("--watch", "repeat until Ctrl-C")
  .option("--interval <seconds>", "time between two looks (default: 2)", interval)
  .addOption(json)
  .action(async (options) => (await import("./inspect.ts")).top(options));

program
  .command("inspect")
  .description(
    "inspect one or several running processes: what their page tables hold, whether that is a problem, what would help",
  )
  .argument("[pid]", "the process", pid)
  .option("--name <regex>", "all processes whose name matches")
  .option("--cgroup <path>", "all processes of a control group, such as system.slice/redis.service")
  .option("--keep", "keep it in the history; with --watch, as a chart of all looks")
  .option("--db <file>", "the history file for --keep (default: the desktop app's)")
  .option("--watch", "repeat until Ctrl-C")
  .option("--interval <seconds>", "time between two looks (default: 2)", interval)
  .addOption(json)
  .action(async (process: number | undefined, options) => (await import("./inspect.ts")).inspect(process, options));

program
  .command("capture")
  .description("record a program's memory system calls, page faults and VmPTE; Ctrl-C ends it and keeps the recording")
  .argument("[program...]", "after --: the program and its arguments")
  .option("--pid <number>", "record a running process instead", pid)
  .option("--children", "with --pid: also its existing descendants")
  .option(
    "--seconds <number>",
    "with --pid: stop after this time (default: when the process exits, or at Ctrl-C)",
    seconds,
  )
  .option(
    "--light [ms]",
    "with --pid: without page faults, for hot programs; the pages in use are read every so many milliseconds (default: 1000)",
    within(10, 86_400_000, " milliseconds"),
  )
  .option(
    "--max-mb <number>",
    "with --pid: stop when the recording reaches this size (default: 4096)",
    within(1, 1_000_000, " MB"),
  )
  .option("--out <folder>", "the folder to create (default: capture-PROGRAM-TIME)")
  .option(
    "--stacks",
    "record the call stack of each memory system call: shows whose releases leave tables behind (perf)",
  )
  .option(
    "--interval <us>",
    "microseconds between two readings of VmPTE (default: 2000)",
    within(100, 900_000, " microseconds"),
  )
  .addOption(
    new Option("--with <tracer>", "the tracer (default: perf if it works, else tracefs)").choices(["perf", "tracefs"]),
  )
  .addOption(json)
  .action(async (words: string[], options) => (await import("./capture.ts")).captureProgram(words, options));

command("try", "run a program unchanged and with settings of its environment, in turns, and report what each changes")
  .argument("<program...>", "after --: the program and its arguments")
  .option("--setting <setting>", "'NAME: VAR=VALUE ...'; may be repeated (default: those for its allocator)", texts)
  .option("--repeat <number>", "runs of each setting", whole, 3)
  .option("--title <text>", "title in the history")
  .addOption(json)
  .action(async (words: string[], options) => (await import("./try.ts")).tryProgram(words, options));

program
  .command("calibrate")
  .description(
    "measure the cost of page faults, tables and system calls on this machine, next to the model's constants",
  )
  .addOption(json)
  .action(async (options) => (await import("./calibrate.ts")).calibrateMachine(options));

program
  .command("check")
  .description("compare the model with a captured program: its trace and the VmPTE measured during it")
  .argument("<trace>", "perf script or tracefs text, plain or gzip; - is standard input")
  .requiredOption("--against <vmpte.txt>", "the measured samples")
  .addOption(modeOption("that of the capture's kernel"))
  .option(
    "--kernel <profile>",
    `the kernel to model: ${[...KERNEL_PROFILES.keys()].join(", ")}, this or a profile file (default: the one kept with the capture, else reference)`,
  )
  .option("--pid <number>", "the process (default: the measured one)", whole)
  .addOption(traceFormat)
  .addOption(json)
  .action(async (trace: string, options) => (await import("./check.ts")).check(trace, options));

program
  .command("import")
  .description("convert a trace of a program to a workload file (ops.jsonl)")
  .argument("<trace>", "perf script, tracefs or strace output, plain or gzip; - is standard input")
  .addOption(traceFormat)
  .option("--out <file>", "the output file, replaced if it exists (default, or -: stdout)")
  .option("--pid <number>", "the process to follow (default: the busiest)", whole)
  .option("--service", "all processes of the trace together")
  .option(
    "--touch-on-map",
    "assume that memory is touched as soon as it is accessible: for strace, which sees no page faults",
  )
  .option("--list", "list the processes of the trace instead")
  .addOption(json)
  .action(async (trace: string, options) => (await import("./import.ts")).importTrace(trace, options));

program
  .command("conform")
  .description("run a conformance script through the engine; each line has N, VmPTE delta in kB, status and operation")
  .argument("<file.ops>", "the script; - is standard input")
  .addOption(modeOption())
  .addOption(kernel)
  .action(async (file: string, options) => (await import("./conform.ts")).conform(file, options));

command("list", "list the history, newest first")
  .option("--search <words>", "search title, workload, parameters, tags and notes")
  .option("--filter <expression>", "filter, such as 'chunk>1M policy:eager tag:prod saved>10%' (docs/history.md)")
  .addOption(new Option("--shelf <shelf>", "which shelf").choices(["active", "archive", "trash"]).default("active"))
  .option("--limit <number>", "maximum number of experiments (default: 100)", positive)
  .addOption(baselineOption())
  .addOption(json)
  .action(async (options) => (await import("./list.ts")).list(options));

command("show", "show an experiment and its runs")
  .argument("<id>", "the experiment", id)
  .addOption(baselineOption())
  .addOption(json)
  .action(async (experiment: number, options) => (await import("./show.ts")).show(experiment, options));

command("compare", "compare experiments number by number; the first is the baseline")
  .argument("<id...>", "the experiments; ID@VALUE is one point of a sweep, such as 3@64K", comparands)
  .option("--baseline <policy>", "compare each run with this policy's run in its own experiment instead", policyNamed)
  .addOption(json)
  .action(async (named: Comparand[], options) => (await import("./compare.ts")).compare(named, options));

withView(command("export", "write an experiment to a file, or to stdout"))
  .argument("<id>", "the experiment", id)
  .addOption(
    new Option("--format <format>", "the output format")
      .choices(["csv", "json", "png", "svg", "html", "folded", "speedscope"])
      .makeOptionMandatory(),
  )
  .option("--out <file>", "the output file, replaced if it exists (default, or -: stdout)")
  .addOption(new Option("--theme <theme>", "theme of a chart (default: light)").choices(["light", "dark"]))
  .option("--log", "logarithmic scale of a chart")
  .action(async (experiment: number, options) => (await import("./export.ts")).exportTo(experiment, options));

withView(
  command(
    "report",
    "write an experiment as a self-contained HTML page: charts, numbers, parameters, how to reproduce it",
  ),
)
  .argument("<id>", "the experiment", id)
  .option("--out <file>", "the output file, replaced if it exists (default, or -: stdout)")
  .addOption(new Option("--theme <theme>", "theme of page and charts (default: light)").choices(["light", "dark"]))
  .action(async (experiment: number, options) =>
    (await import("./export.ts")).exportTo(experiment, { ...options, format: "html" }),
  );

command("tag", "add tags to an experiment; without tags, print its tags")
  .argument("<id>", "the experiment", id)
  .argument("[tags...]", "the tags to add")
  .option("--remove", "remove these tags instead")
  .action(async (experiment: number, tags: string[], options) =>
    (await import("./describe.ts")).tag(experiment, tags, options),
  );

command("note", "write an experiment's notes; without text, print them")
  .argument("<id>", "the experiment", id)
  .argument("[text...]", "the notes")
  .option("--append", "append a line instead of replacing the notes")
  .option("--clear", "remove the notes")
  .action(async (experiment: number, text: string[], options) =>
    (await import("./describe.ts")).note(experiment, text, options),
  );

command("rename", "give an experiment another title")
  .argument("<id>", "the experiment", id)
  .argument("<title...>", "the new title")
  .action(async (experiment: number, title: string[], options) =>
    (await import("./describe.ts")).rename(experiment, title, options),
  );

command("pin", "pin experiments as baselines")
  .argument("<id...>", "the experiments", ids)
  .option("--off", "unpin them")
  .action(async (experiments: number[], options) =>
    (await import("./describe.ts")).mark(experiments, "pinned", options),
  );

command("archive", "archive experiments; `list --shelf archive` shows them")
  .argument("<id...>", "the experiments", ids)
  .option("--off", "unarchive them")
  .action(async (experiments: number[], options) =>
    (await import("./describe.ts")).mark(experiments, "archived", options),
  );

command("delete", "move experiments to the trash")
  .argument("<id...>", "the experiments", ids)
  .action(async (experiments: number[], options) => (await import("./delete.ts")).remove(experiments, options));

command("restore", "restore experiments from the trash")
  .argument("<id...>", "the experiments", ids)
  .action(async (experiments: number[], options) => (await import("./delete.ts")).restore(experiments, options));

program
  .command("race")
  .argument("[scenario]", "a scenario of the explorer, or a file with your own (default: all)")
  .description(
    "explore every interleaving of two or three CPUs with the complete series, with a patch removed, and under other policies",
  )
  .option("--without <patch>", "remove this patch: 1, 2, 8, 9fix, 10 or 617fix")
  .addOption(modeOption("all"))
  .option("--schedule <steps>", "run one schedule of the scenario, as printed by a counterexample")
  .addOption(json)
  .action(async (scenario: string | undefined, options) => (await import("./race.ts")).race(scenario, options));

command("doctor", "report what this machine has: kernel, compiler, display, runtime")
  .addOption(json)
  .action(async (options) => (await import("./doctor.ts")).doctor(options));

const batch = program
  .command("batch")
  .description(
    "run a plan (every combination of its workloads, parameters, policies, profiles and seeds) into a folder of results (Parquet)",
  )
  .argument("<plan.json>", "the plan; or `status` and a folder, to list what it has and what is missing")
  .option("--out <folder>", "the folder of results (required); tasks already in it are skipped")
  .option("--shard <i/n>", "only this share of the tasks; N alone takes I from the array job")
  .option("--jobs <number>", "concurrent tasks (default: one per core)", positive)
  .addOption(
    new Option(
      "--on <scheduler>",
      "write the scheduler's job; submit and follow it if its client is on this machine",
    ).choices(["slurm", "kubernetes", "parallel"]),
  )
  .option("--shards <number>", "with --on: number of shards (default: 16)", positive)
  .option("--no-submit", "with --on: only write the job file")
  .option("--retry-failed", "retry failed tasks")
  .addOption(json)
  .action(async (plan: string, options) => (await import("./batch.ts")).batch(plan, options));

batch
  .command("status")
  .description("list what a folder of results has and what is missing")
  .argument("<folder>", "a folder made by `batch --out`")
  .addOption(json)
  .action(async (folder: string, _options, command: Command) =>
    (await import("./batch.ts")).status(folder, command.optsWithGlobals()),
  );

program
  .command("atlas")
  .description(
    "summarize folders of results, and records of `inspect --json` and `top --json` from many hosts (DuckDB)",
  )
  .argument("<path...>", "folders of results or of records; .parquet and .json files")
  .option("--sql <query>", "run a query of your own on the tables results, samples and inspections")
  .addOption(baselineOption(DEFAULT_BASELINE))
  .option("--chart <file>", "also draw savings against cost, as .svg or .png")
  .option("--csv", "print CSV")
  .addOption(json)
  .action(async (paths: string[], options) => (await import("./atlas.ts")).atlas(paths, options));

const history = program.command("history").description("manage the history file: copy, restore, merge, check");

/** A subcommand of `history`. */
function ofHistory(usage: string, description: string): Command {
  return history
    .command(usage)
    .description(description)
    .option("--db <file>", "the history file (default: the desktop app's)");
}

ofHistory("backup <file>", "copy the history to a file, even during runs").action(async (file: string, options) =>
  (await import("./history.ts")).backup(file, options),
);

ofHistory("restore <file>", "replace the history with a backup; the old content is kept next to it").action(
  async (file: string, options) => (await import("./history.ts")).replace(file, options),
);

ofHistory("merge <file>", "add the experiments and runs of another history that this one lacks")
  .addOption(json)
  .action(async (file: string, options) => (await import("./history.ts")).merge(file, options));

ofHistory("check", "read the whole file and report whether it is sound")
  .addOption(json)
  .action(async (options) => (await import("./history.ts")).check(options));

ofHistory(
  "copies",
  "list the copies of a history: backups, copies made before migrations and restores, others next to it",
)
  .addOption(json)
  .action(async (options) => (await import("./history.ts")).copies(options));

history
  .command("use")
  .argument("[file]", "a history file; it is checked first, and used only if sound")
  .description(
    "make window and command line use another history from now on; without arguments, print which one is used",
  )
  .option("--new", "start a new history, at FILE or next to the current one")
  .option("--copy <file>", "start a new history from this copy, next to the current one")
  .option("--own", "return to the history in the data folder")
  .action(async (file: string | undefined, options) => (await import("./history.ts")).use(file, options));

ofHistory("purge", "delete what is in the trash for good")
  .argument("[id...]", "experiments in the trash", ids)
  .option("--all", "everything in the trash")
  .action(async (experiments: number[] | undefined, options) =>
    (await import("./history.ts")).purge(experiments ?? [], options),
  );

history
  .command("recover <damaged> <new>")
  .description("save what can still be read of a damaged history into a new file")
  .addOption(json)
  .action(async (damaged: string, target: string, options) =>
    (await import("./history.ts")).recover(damaged, target, options),
  );

// The launcher of a package asks before it starts the window.
program.command("display", { hidden: true }).action(async () => (await import("./display.ts")).display());

for (const each of [...program.commands, ...batch.commands, ...history.commands])
  each.exitOverride().configureOutput(program.configureOutput());

/** Runs one command line (without the program's name) and returns the exit status. Never throws. */
export async function commandLine(args: readonly string[]): Promise<number> {
  process.exitCode = undefined;
  try {
    await program.parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { inWords, isBadInput } = await import("../answer.ts");
    warn(describeError(inWords(error)));
    if (process.env.RECLAIM_LAB_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    return isBadInput(error) ? 2 : 1;
  }
}
