import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { describeError } from "../../engine/error.ts";
/**
 * The command line: the same lab host, history and exports as the window's, in one process. Results go to stdout,
 * everything else to stderr. Exit status: 0 done, 1 the run failed, 2 bad usage or bad input, 130 interrupted.
 */
import { DEFAULT_BASELINE } from "../../engine/experiment/policies.ts";
import { SERIES_NAME } from "../../engine/experiment/words.ts";
import { KERNEL_PROFILES } from "../../engine/mm/kernel-profiles.ts";
import { TRACE_FORMATS } from "../../engine/workload/import/formats.ts";
import { inWords, isBadInput } from "../answer.ts";
import { VERSION } from "../version.ts";
import type { Comparand } from "./compare.ts";
import { baselineOption, modeOption, modesOption, policyNamed } from "./policy-option.ts";
import { warn } from "./print.ts";
import { withView } from "./view-option.ts";

const program = new Command("reclaim-lab")
  .description(
    `A lab for page-table memory: runs workloads with and without ${SERIES_NAME} and other policies of reclaim, keeps and compares them.`,
  )
  .version(VERSION)
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "reclaim-lab: ")) })
  .showHelpAfterError("(--help lists what is possible)")
  .addHelpText("after", "\nExit status: 0 done, 1 the run failed, 2 bad usage or bad input, 130 interrupted.");

function id(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("An id is a whole number from 1 on; `list` shows them.");
  return value;
}

function pid(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 2 ** 22)
    throw new InvalidArgumentError("A pid is a whole number from 1 on; `top` lists those that there are.");
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

function assignment(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must look like name=value.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

function texts(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** A command that uses a history. */
function command(usage: string, description: string): Command {
  return program
    .command(usage)
    .description(description)
    .option("--db <file>", "the history (the desktop app's own where absent)");
}

const json = new Option("--json", "print one JSON document and nothing else");

const kernel = new Option(
  "--kernel <profile>",
  `the kernel that is modelled: ${[...KERNEL_PROFILES.keys()].join(", ")}, this (the running one, found by trying) or a profile's file`,
).default("reference");

const traceFormat = new Option("--format <format>", "what a file is (guessed where absent)").choices(TRACE_FORMATS);

command("run <workload>", "run a preset, or a trace or workload file, under each policy and keep it in the history")
  .addOption(modesOption())
  .addOption(
    new Option("--source <source>", "model it, measure it on this kernel, or both")
      .choices(["model", "kernel", "both"])
      .default("model"),
  )
  .option(
    "--set <name=value>",
    "a parameter of the preset, or what `policies` shows of its policies, such as size=1G or scan_interval=50; may be repeated",
    assignment,
  )
  .option("--seed <number>", "of everything random (1 where absent)", whole)
  .addOption(new Option("--levels <number>", "of the page tables").choices(["4", "5"]).default("4"))
  .option(
    "--kernel <name|file>",
    `the kernel that is modelled: ${[...KERNEL_PROFILES.keys()].join(", ")}, this (the running one, found by trying) or a profile's file; where absent the reference, and this where something is measured`,
  )
  .option("--title <text>", "how it is called in the history")
  .option("--pid <number>", "which process of a trace (the busiest where absent)", whole)
  .option("--service", "all processes of a trace together: their sum, and a row each")
  .option(
    "--what-if <change>",
    "also with the program's releases changed: coalesce=MS (each waits up to so long, adjoining ones are one), whole (only whole free 2 MiB); may be repeated",
    texts,
  )
  .addOption(traceFormat)
  .option("--touch-on-map", "take memory as used as soon as it may be: for strace, which sees no page faults")
  .addOption(baselineOption())
  .addOption(json)
  .action(async (preset: string, options) => (await import("./run.ts")).run(preset, options));

command("sweep", "run a workload with one parameter at several values, under each policy, as one experiment")
  .argument("<preset>", "the workload")
  .requiredOption("--param <name>", "which parameter")
  .option("--values <list>", "its values, such as 4K,64K,2M")
  .option("--from <value>", "the first value of a range")
  .option("--to <value>", "the last")
  .option("--points <number>", "how many, both ends included (where absent, one a doubling, or 12)", whole)
  .option("--linear", "evenly spaced; by the same factor where absent")
  .addOption(modesOption())
  .option(
    "--set <name=value>",
    "another parameter, or what `policies` shows of its policies; may be repeated",
    assignment,
  )
  .option("--seed <number>", "of everything random (1 where absent)", whole)
  .option("--title <text>", "how it is called in the history")
  .addOption(baselineOption())
  .addOption(json)
  .action(async (preset: string, options) => (await import("./sweep.ts")).sweep(preset, options));

program
  .command("policies")
  .description("list the policies of reclaim: when an empty page table is freed, and who pays for it")
  .addOption(json)
  .action(async (options) => (await import("./policies.ts")).policies(options));

program
  .command("presets")
  .description("list the workloads and their parameters")
  .addOption(json)
  .action(async (options) => (await import("./presets.ts")).presets(options));

program
  .command("top")
  .description("every process of this machine by the memory of its page tables, and what these hold: reading only")
  .option("--watch", "again and again, until Ctrl-C")
  .option("--interval <seconds>", "between two looks (2 where absent)", whole)
  .addOption(json)
  .action(async (options) => (await import("./inspect.ts")).top(options));

program
  .command("inspect")
  .description("a running process, or several: where its page tables go, whether that is a problem, what changes it")
  .argument("[pid]", "of the process", pid)
  .option("--name <regex>", "all processes of such a name")
  .option("--cgroup <path>", "all processes of a control group, such as system.slice/redis.service")
  .option("--keep", "put it into the history, with --watch as a line of all looks")
  .option("--db <file>", "the history to keep it in (the desktop app's own where absent)")
  .option("--watch", "again and again, until Ctrl-C")
  .option("--interval <seconds>", "between two looks (2 where absent)", whole)
  .addOption(json)
  .action(async (process: number | undefined, options) => (await import("./inspect.ts")).inspect(process, options));

program
  .command("capture")
  .description("record a program: its memory system calls, page faults and VmPTE; Ctrl-C ends it and keeps the record")
  .argument("[program...]", "after --: the program and its arguments")
  .option("--pid <number>", "record a process that runs already instead", whole)
  .option("--children", "with --pid: and those below it that run already")
  .option("--seconds <number>", "with --pid: end after so long (when it ends, or at Ctrl-C, where absent)", whole)
  .option(
    "--light [ms]",
    "with --pid: without page faults, for hot programs; what is in use is looked at every so many milliseconds (1000 where absent)",
    whole,
  )
  .option("--max-mb <number>", "with --pid: end when the record is so large", whole, 4096)
  .option("--out <folder>", "a folder to make (capture-PROGRAM-TIME where absent)")
  .option("--stacks", "with the call stack of each memory system call: whose releases leave tables behind (perf)")
  .option("--interval <us>", "microseconds between two readings of VmPTE (2000 where absent)", whole)
  .addOption(
    new Option("--with <tracer>", "what records (perf where it works, else tracefs)").choices(["perf", "tracefs"]),
  )
  .addOption(json)
  .action(async (words: string[], options) => (await import("./capture.ts")).captureProgram(words, options));

command("try", "run a program as it is and under settings of its environment, in turns, and say what each changes")
  .argument("<program...>", "after --: the program and its arguments")
  .option(
    "--setting <setting>",
    "'NAME: VAR=VALUE ...'; may be repeated (where absent, those for its allocator)",
    texts,
  )
  .option("--repeat <number>", "how often each is run", whole, 3)
  .option("--title <text>", "how it is called in the history")
  .addOption(json)
  .action(async (words: string[], options) => (await import("./try.ts")).tryProgram(words, options));

program
  .command("calibrate")
  .description("measure what page faults, tables and system calls cost on this machine, beside the model's constants")
  .addOption(json)
  .action(async (options) => (await import("./calibrate.ts")).calibrateMachine(options));

program
  .command("check")
  .description("hold the model against a captured program: its trace and the VmPTE that was measured beside it")
  .argument("<trace>", "perf script or tracefs text, gzip too; - is standard input")
  .requiredOption("--against <vmpte.txt>", "the measured samples")
  .addOption(modeOption("as the capture's kernel was"))
  .option(
    "--kernel <profile>",
    `the kernel that is modelled: ${[...KERNEL_PROFILES.keys()].join(", ")}, this or a file (the one that was kept with the capture where absent, else reference)`,
  )
  .option("--pid <number>", "the process (the one that was measured where absent)", whole)
  .addOption(traceFormat)
  .addOption(json)
  .action(async (trace: string, options) => (await import("./check.ts")).check(trace, options));

program
  .command("import")
  .description("turn a trace of a program into a workload file (ops.jsonl)")
  .argument("<trace>", "perf script, tracefs or strace output, gzip too; - is standard input")
  .addOption(traceFormat)
  .option("--out <file>", "where to; an existing file is replaced (stdout where absent)")
  .option("--pid <number>", "the process to follow (the busiest where absent)", whole)
  .option("--service", "all processes of the trace together")
  .option("--touch-on-map", "take memory as used as soon as it may be: for strace, which sees no page faults")
  .option("--list", "list the processes of the trace instead")
  .addOption(json)
  .action(async (trace: string, options) => (await import("./import.ts")).importTrace(trace, options));

program
  .command("conform")
  .description("run a conformance script through the engine: N, VmPTE delta in kB, status and operation a line")
  .argument("<file.ops>", "the script; - is standard input")
  .addOption(modeOption())
  .addOption(kernel)
  .action(async (file: string, options) => (await import("./conform.ts")).conform(file, options));

command("list", "list the history, the newest first")
  .option("--search <words>", "in title, workload, parameters, tags and notes")
  .option("--filter <expression>", "such as 'chunk>1M policy:eager tag:prod saved>10%' (docs/history.md)")
  .addOption(
    new Option("--shelf <shelf>", "which part of it").choices(["active", "archive", "trash"]).default("active"),
  )
  .option("--limit <number>", "at most so many (100 where absent)", whole)
  .addOption(baselineOption())
  .addOption(json)
  .action(async (options) => (await import("./list.ts")).list(options));

command("show", "show an experiment and its runs")
  .argument("<id>", "of the experiment", id)
  .addOption(baselineOption())
  .addOption(json)
  .action(async (experiment: number, options) => (await import("./show.ts")).show(experiment, options));

command("compare", "compare experiments number by number, the first being the baseline")
  .argument("<id...>", "of the experiments; of a sweep, ID@VALUE names the point, such as 3@64K", comparands)
  .option("--baseline <policy>", "compare each run with that of this policy in its own experiment instead", policyNamed)
  .addOption(json)
  .action(async (named: Comparand[], options) => (await import("./compare.ts")).compare(named, options));

withView(command("export", "write an experiment to a file, or to stdout"))
  .argument("<id>", "of the experiment", id)
  .addOption(
    new Option("--format <format>", "what to write")
      .choices(["csv", "json", "png", "svg", "html", "folded", "speedscope"])
      .makeOptionMandatory(),
  )
  .option("--out <file>", "where to; an existing file is replaced (stdout where absent)")
  .addOption(new Option("--theme <theme>", "of a chart").choices(["light", "dark"]).default("light"))
  .option("--log", "logarithmic scale of a chart", false)
  .action(async (experiment: number, options) => (await import("./export.ts")).exportTo(experiment, options));

withView(
  command(
    "report",
    "write an experiment as a self-contained HTML page: charts, numbers, parameters, how to make it again",
  ),
)
  .argument("<id>", "of the experiment", id)
  .option("--out <file>", "where to; an existing file is replaced (stdout where absent)")
  .addOption(new Option("--theme <theme>", "of page and charts").choices(["light", "dark"]).default("light"))
  .action(async (experiment: number, options) =>
    (await import("./export.ts")).exportTo(experiment, { ...options, format: "html", log: false }),
  );

command("tag", "give an experiment tags; without any, print those it has")
  .argument("<id>", "of the experiment", id)
  .argument("[tags...]", "to give")
  .option("--remove", "take them away instead")
  .action(async (experiment: number, tags: string[], options) =>
    (await import("./describe.ts")).tag(experiment, tags, options),
  );

command("note", "write an experiment's notes; without any, print them")
  .argument("<id>", "of the experiment", id)
  .argument("[text...]", "of the notes")
  .option("--append", "add a line instead of writing them anew")
  .option("--clear", "remove them")
  .action(async (experiment: number, text: string[], options) =>
    (await import("./describe.ts")).note(experiment, text, options),
  );

command("rename", "give an experiment another title")
  .argument("<id>", "of the experiment", id)
  .argument("<title...>", "its new one")
  .action(async (experiment: number, title: string[], options) =>
    (await import("./describe.ts")).rename(experiment, title, options),
  );

command("pin", "pin experiments as baselines")
  .argument("<id...>", "of the experiments", ids)
  .option("--off", "pin them no longer")
  .action(async (experiments: number[], options) =>
    (await import("./describe.ts")).mark(experiments, "pinned", options),
  );

command("archive", "put experiments aside; `list --shelf archive` shows them")
  .argument("<id...>", "of the experiments", ids)
  .option("--off", "take them back")
  .action(async (experiments: number[], options) =>
    (await import("./describe.ts")).mark(experiments, "archived", options),
  );

command("delete", "put experiments in the trash")
  .argument("<id...>", "of the experiments", ids)
  .action(async (experiments: number[], options) => (await import("./delete.ts")).remove(experiments, options));

command("restore", "take experiments out of the trash")
  .argument("<id...>", "of the experiments", ids)
  .action(async (experiments: number[], options) => (await import("./delete.ts")).restore(experiments, options));

program
  .command("race")
  .argument("[scenario]", "of the explorer (all where absent), or a file with one of your own")
  .description(
    "try every interleaving of two or three CPUs, with the complete series, with a patch taken out, and under other policies",
  )
  .option("--without <patch>", "take out this patch: 1, 2, 8, 9fix, 10 or 617fix")
  .addOption(modeOption("all"))
  .option("--schedule <steps>", "run one schedule of the scenario, as a counterexample prints it")
  .addOption(json)
  .action(async (scenario: string | undefined, options) => (await import("./race.ts")).race(scenario, options));

command("doctor", "what this machine has: kernel, compiler, display, runtime")
  .addOption(json)
  .action(async (options) => (await import("./doctor.ts")).doctor(options));

const batch = program
  .command("batch")
  .description(
    "run a plan: every workload, parameter, policy, profile and seed of it, into a folder of results (Parquet)",
  )
  .argument("<plan.json>", "the plan, or `status` and a folder: what it has and what it lacks")
  .option("--out <folder>", "the folder of results (needed); what is in it already is skipped")
  .option("--shard <i/n>", "only this share of the tasks; N alone takes I from the array job that this is part of")
  .option("--jobs <number>", "tasks at a time (one a core where absent)", whole)
  .addOption(
    new Option(
      "--on <scheduler>",
      "write the job of a scheduler, and submit and follow it where its client is here",
    ).choices(["slurm", "kubernetes", "parallel"]),
  )
  .option("--shards <number>", "into how many shards --on cuts the plan (16 where absent)", whole)
  .option("--no-submit", "with --on: write the job's file only")
  .option("--retry-failed", "try again what failed before")
  .addOption(json)
  .action(async (plan: string, options) => (await import("./batch.ts")).batch(plan, options));

batch
  .command("status")
  .description("what a folder of results has and what it lacks")
  .argument("<folder>", "that `batch --out` made")
  .addOption(json)
  .action(async (folder: string, _options, command: Command) =>
    (await import("./batch.ts")).status(folder, command.optsWithGlobals()),
  );

program
  .command("atlas")
  .description("what folders of results, and records of `inspect --json` and `top --json` of many hosts, say (DuckDB)")
  .argument("<path...>", "folders of results or of records; .parquet and .json files")
  .option("--sql <query>", "a question of your own about the tables results, samples and inspections")
  .addOption(baselineOption().default(DEFAULT_BASELINE))
  .option("--chart <file>", "draw savings against cost, as .svg or .png, too")
  .option("--csv", "print CSV")
  .addOption(json)
  .action(async (paths: string[], options) => (await import("./atlas.ts")).atlas(paths, options));

const history = program.command("history").description("the history file: copy it, restore it, add another, check it");

/** A command about the history as a whole. */
function ofHistory(usage: string, description: string): Command {
  return history
    .command(usage)
    .description(description)
    .option("--db <file>", "the history (the desktop app's own where absent)");
}

ofHistory("backup <file>", "copy the history to a file, also while runs go on").action(async (file: string, options) =>
  (await import("./history.ts")).backup(file, options),
);

ofHistory("restore <file>", "make the history what a backup is; what it was is kept beside it").action(
  async (file: string, options) => (await import("./history.ts")).replace(file, options),
);

ofHistory("merge <file>", "add the experiments and runs of another history that are not in this one")
  .addOption(json)
  .action(async (file: string, options) => (await import("./history.ts")).merge(file, options));

ofHistory("check", "read all of the file and say whether it is sound")
  .addOption(json)
  .action(async (options) => (await import("./history.ts")).check(options));

ofHistory(
  "copies",
  "list the copies of a history: backups, those kept before migrations and restores, others beside it",
)
  .addOption(json)
  .action(async (options) => (await import("./history.ts")).copies(options));

history
  .command("use")
  .argument("[file]", "a history; it is opened once, and used only if it is sound")
  .description("let window and command line use another history from now on (without arguments: print which is used)")
  .option("--new", "start a new one, at FILE or beside the one that is used now")
  .option("--copy <file>", "make a new one of this copy, beside the one that is used now")
  .option("--own", "use the data folder's own again")
  .action(async (file: string | undefined, options) => (await import("./history.ts")).use(file, options));

ofHistory("purge", "remove for good what is in the trash")
  .argument("[id...]", "of experiments in the trash", ids)
  .option("--all", "all of it")
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

/** Runs one command line (what comes after the program's name) and gives the exit status. Never throws. */
export async function commandLine(args: readonly string[]): Promise<number> {
  process.exitCode = undefined;
  try {
    await program.parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    warn(describeError(inWords(error)));
    if (process.env.RECLAIM_LAB_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    return isBadInput(error) ? 2 : 1;
  }
}
