/** `batch`: a plan into a folder of results, here or by a scheduler; `batch status`. */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BadInputError, ReclaimLabError } from "../../engine/error.ts";
import { formatCount, formatNumberOf } from "../../engine/experiment/format.ts";
import { openFolder, storedPlan } from "../batch/folder.ts";
import { KNOWN, profileValue } from "../batch/known.ts";
import { readPlan } from "../batch/plan.ts";
import { runShard, type ShardProgress } from "../batch/run-shard.ts";
import { clientIsThere, SCHEDULER, type SchedulerName } from "../batch/schedulers.ts";
import { type FolderStatus, statusOf } from "../batch/status.ts";
import { type Shard, tasksOf, WHOLE } from "../batch/tasks.ts";
import { writeWhole } from "../export/write-file.ts";
import { VERSION } from "../version.ts";
import { requireNone } from "./effect.ts";
import { onInterrupt } from "./interrupt.ts";
import { requirePlace } from "./out-option.ts";
import { cell, print, printJson, table, warn } from "./print.ts";

interface BatchOptions {
  readonly out?: string;
  readonly shard?: string;
  readonly jobs?: number;
  readonly on?: SchedulerName;
  readonly shards?: number;
  readonly submit: boolean;
  readonly retryFailed?: boolean;
  readonly json?: boolean;
}

/** "3/8", or "8" with the index from the array job that this is part of. Index 0 is the same shard as index N. */
export function shardOf(text: string, env: NodeJS.ProcessEnv = process.env): Shard {
  const match = /^(?:(\d{1,7})\/)?(\d{1,7})$/.exec(text.trim());
  const given = match?.[1] ?? env.SLURM_ARRAY_TASK_ID ?? env.JOB_COMPLETION_INDEX;
  const total = Number(match?.[2]);
  const index = Number(given);
  if (!match || total < 1)
    throw new BadInputError(`"${text.slice(0, 40)}" is not a shard`, {
      where: "--shard",
      todo: "Give I/N, such as 3/8",
    });
  if (given === undefined || !Number.isSafeInteger(index))
    throw new BadInputError("The number of the shard is missing", {
      where: "--shard",
      why: "neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set",
      todo: "Give I/N, such as 3/8",
    });
  if (index > total)
    throw new BadInputError(`There is no shard ${index} of ${total}`, {
      where: "--shard",
      todo: `Give 1/${total} to ${total}/${total}`,
    });
  return { index: index % total, count: total };
}

/** Long tasks are a few a minute. */
function rate({ done, ms }: ShardProgress): string {
  const perSecond = done / Math.max(ms / 1000, 1e-3);
  return perSecond >= 10 ? `${formatCount(perSecond)} tasks/s` : `${perSecond.toPrecision(2)} tasks/s`;
}

function remaining({ done, total, ms }: ShardProgress): string {
  const seconds = Math.ceil((((total - done) / done) * ms) / 1000);
  if (seconds < 60) return `${seconds} s left`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s left`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min left`;
}

const LINE_EVERY_MS = 2000;

/** A bar on a terminal, a line now and then elsewhere; both on stderr. */
async function progressOf(total: number): Promise<{ show(progress: ShardProgress): void; end(): void }> {
  if (process.stderr.isTTY && total > 0) {
    const { SingleBar, Presets } = (await import("cli-progress")).default;
    const bar = new SingleBar(
      {
        format: "{bar} {value} of {total}  {rate}  {left}{failed}",
        hideCursor: true,
        clearOnComplete: true,
        stream: process.stderr,
      },
      Presets.shades_classic,
    );
    bar.start(total, 0, { rate: "", left: "", failed: "" });
    return {
      show(progress) {
        // What is there already, and what is of other shards, is no part of this attempt.
        bar.setTotal(progress.total);
        bar.update(progress.done, {
          rate: rate(progress),
          left: remaining(progress),
          failed: progress.failed > 0 ? `  ${formatCount(progress.failed)} failed` : "",
        });
      },
      end: () => bar.stop(),
    };
  }
  let said = performance.now();
  return {
    show(progress) {
      const now = performance.now();
      if (now - said < LINE_EVERY_MS || progress.done === progress.total) return;
      said = now;
      process.stderr.write(
        `${formatCount(progress.done)} of ${formatCount(progress.total)} tasks, ${rate(progress)}, ${remaining(progress)}${progress.failed > 0 ? `, ${formatCount(progress.failed)} failed` : ""}\n`,
      );
    },
    end: () => {},
  };
}

async function planOf(file: string) {
  const plan = await readPlan(file, KNOWN);
  return { plan, tasks: tasksOf(plan, VERSION, profileValue) };
}

type Placed = BatchOptions & { readonly out: string };

async function runHere(file: string, options: Placed): Promise<void> {
  const { plan, tasks } = await planOf(file);
  const folder = resolve(options.out);
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  const leave = onInterrupt(interrupt);
  let progress: Awaited<ReturnType<typeof progressOf>> | undefined;
  try {
    progress = await progressOf(tasks.length);
    const end = await runShard(plan, tasks, {
      folder,
      shard: options.shard === undefined ? WHOLE : shardOf(options.shard),
      jobs: options.jobs ?? availableParallelism(),
      engine: VERSION,
      retryFailed: options.retryFailed ?? false,
      signal: stop.signal,
      onStart: ({ there, todo }) => {
        if (there > 0)
          process.stderr.write(`${formatCount(there)} tasks are there already, ${formatCount(todo)} to do\n`);
      },
      onProgress: (each) => progress?.show(each),
      warn,
    });
    progress.end();
    if (options.json) printJson({ folder: options.out, ...end });
    else {
      const failed = end.failed > 0 ? `, ${formatCount(end.failed)} of them failed (\`batch status\` says why)` : "";
      const there = end.there > 0 ? `, ${formatCount(end.there)} were there` : "";
      print(
        `${formatCount(end.made)} of ${formatCount(end.tasks)} tasks made${failed}${there}. Results: ${options.out}`,
      );
    }
    if (end.cut) {
      warn("interrupted: the results so far are kept, and the same command continues from there");
      process.exitCode = 130;
    } else if (end.failed > 0) process.exitCode = 1;
  } catch (error) {
    if (error instanceof ReclaimLabError && !(error instanceof BadInputError))
      warn("the results written so far are kept; the same command continues from there");
    throw error;
  } finally {
    progress?.end();
    leave();
  }
}

/** Starts a program and gives what it printed; its stderr goes to ours. */
function started(program: string, args: readonly string[]): Promise<{ status: number; output: string }> {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.once("error", failed);
    child.once("close", (code) => done({ status: code ?? 1, output }));
  });
}

function sayStatus(status: FolderStatus): void {
  process.stderr.write(
    `${formatCount(status.done + status.failed)} of ${formatCount(status.tasks)} tasks${status.failed > 0 ? `, ${formatCount(status.failed)} failed` : ""}\n`,
  );
}

const ASK_EVERY_MS = 2000;

async function runOn(name: SchedulerName, file: string, options: Placed): Promise<void> {
  const { plan, tasks } = await planOf(file);
  const folder = resolve(options.out);
  const scheduler = SCHEDULER[name];
  const jobFile = join(folder, scheduler.file);
  const jobs = options.jobs ?? 1;
  const shards = Math.max(1, Math.min(options.shards ?? 16, tasks.length));
  const program = [process.execPath, ...process.execArgv, process.argv[1]];
  const job = scheduler.job({ name: plan.name, plan: resolve(file), folder, shards, jobs, program });
  openFolder(folder, storedPlan(plan, VERSION, tasks.length));
  writeWhole(jobFile, [job]);
  if (!options.submit || !clientIsThere(name)) {
    const written = { folder: options.out, tasks: tasks.length, shards, job: join(options.out, scheduler.file) };
    if (options.json) return printJson({ ...written, submitted: false, submit: scheduler.byHand });
    const why = options.submit ? `No client of ${name} is on this machine: the` : "The";
    print(`${why} job was written to ${written.job}. Submit it there: ${scheduler.byHand}`);
    return;
  }
  const [command, ...args] = scheduler.submit(jobFile);
  warn(`${shards} ${shards === 1 ? "shard" : "shards"} by ${name}: ${command} ${args.join(" ")}`);
  let ended = false;
  const submitting = started(command, args).finally(() => {
    ended = scheduler.ended === null;
  });
  submitting.catch(() => {});
  if (scheduler.ended !== null) {
    const { status, output } = await submitting;
    if (status !== 0)
      throw new ReclaimLabError("The job was not accepted", {
        where: jobFile,
        why: `${command} ended with ${status}`,
        todo: `What ${command} said is above; later, submit the job in its folder: ${scheduler.byHand}`,
      });
    let missing = tasks.length;
    while (missing > 0 && !scheduler.ended(output)) {
      await sleep(ASK_EVERY_MS);
      const now = await statusOf(folder);
      missing = now.missing;
      sayStatus(now);
    }
  } else
    while (!ended) {
      await Promise.race([submitting, sleep(ASK_EVERY_MS)]);
      if (!ended) sayStatus(await statusOf(folder));
    }
  if (scheduler.ended === null) await submitting;
  await status(options.out, { json: options.json });
}

export async function batch(file: string, given: BatchOptions): Promise<void> {
  const { out } = given;
  if (out === undefined)
    throw new BadInputError("The folder for the results is missing", { todo: "Give a folder with --out FOLDER" });
  requirePlace(out, "--out", "The folder of results");
  const options = { ...given, out };
  if (options.on === undefined) {
    const given = { "--shards": options.shards, "--no-submit": options.submit ? undefined : true };
    requireNone(given, "without --on", "Add --on SCHEDULER, or omit it");
    return runHere(file, options);
  }
  requireNone({ "--retry-failed": options.retryFailed }, "with --on", "Retry here, without --on");
  if (options.shard !== undefined)
    throw new BadInputError("--shard and --on cannot be combined", {
      why: "the job that --on writes runs every shard",
    });
  return runOn(options.on, file, options);
}

/** Exit status 1 where tasks are missing or failed. */
export async function status(folder: string, options: { readonly json?: boolean | undefined }): Promise<void> {
  const found = await statusOf(folder);
  if (options.json) printJson(found);
  else {
    print(
      `${cell(found.name)}: ${formatCount(found.done)} of ${formatCount(found.tasks)} tasks done, ${formatCount(found.failed)} failed, ${formatCount(found.missing)} missing, in ${formatNumberOf(found.parts, "part")}`,
    );
    for (const { file, why } of found.damaged_parts) print(`damaged: ${file}: ${why}`);
    if (found.failures.length > 0) {
      const rows = found.failures
        .slice(0, 20)
        .map(({ tasks, reason, example }) => [formatCount(tasks), reason.slice(0, 100), example]);
      print(`\n${table([["failed", "why", "such as"], ...rows], new Set([0]))}`);
    }
    if (found.missing > 0) print("\nThe same `batch` command makes what is missing.");
  }
  if (found.missing + found.failed > 0) process.exitCode = 1;
}
