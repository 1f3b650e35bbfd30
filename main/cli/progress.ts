/** Progress on stderr: a bar a run on a terminal, a plain line now and then elsewhere. */

import { formatCount } from "../../engine/experiment/format.ts";
import type { EventPayload, Experiment } from "../contract.ts";
import type { Session } from "./session.ts";

const LINE_EVERY_MS = 2000;

/** Shows the runs of an experiment until they have ended. Gives the function that clears the bars. */
export async function showProgress(session: Session, experiment: Experiment): Promise<() => void> {
  return process.stderr.isTTY ? bars(session, experiment) : lines(session, experiment);
}

function timeLeft({
  operations,
  operationsTotal,
  operationsPerSecond,
}: EventPayload<"run.sampled">["progress"]): string {
  if (operationsTotal === null || operationsPerSecond <= 0) return "";
  const seconds = Math.ceil((operationsTotal - operations) / operationsPerSecond);
  return seconds >= 60 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s left` : `${seconds} s left`;
}

async function bars(session: Session, experiment: Experiment): Promise<() => void> {
  const { MultiBar, Presets } = (await import("cli-progress")).default;
  const multi = new MultiBar(
    {
      format: "{name} {bar} {percentage}%  {speed} operations/s  {left}",
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  const shown = new Map(
    experiment.runs.map((run) => [
      run.id,
      multi.create(1, 0, { name: `${run.source} ${run.mode}`.padEnd(11), speed: "-", left: "" }),
    ]),
  );
  session.on("run.sampled", ({ runId, progress }) => {
    const bar = shown.get(runId);
    if (bar === undefined) return;
    if (progress.operationsTotal !== null) bar.setTotal(progress.operationsTotal);
    bar.update(progress.operations, { speed: formatCount(progress.operationsPerSecond), left: timeLeft(progress) });
  });
  return () => multi.stop();
}

async function lines(session: Session, experiment: Experiment): Promise<() => void> {
  const saidAt = new Map(experiment.runs.map((run) => [run.id, performance.now()]));
  session.on("run.sampled", ({ runId, progress }) => {
    const now = performance.now();
    const last = saidAt.get(runId);
    if (last === undefined || now - last < LINE_EVERY_MS) return;
    saidAt.set(runId, now);
    const run = experiment.runs.find(({ id }) => id === runId);
    const total = progress.operationsTotal === null ? "" : ` of ${formatCount(progress.operationsTotal)}`;
    const speed = progress.operationsPerSecond > 0 ? `${formatCount(progress.operationsPerSecond)} a second` : "";
    const operations = `${formatCount(progress.operations)}${total} operations`;
    const words = [operations, speed, timeLeft(progress)].filter(Boolean).join(", ");
    process.stderr.write(`${run?.source} ${run?.mode}: ${words}\n`);
  });
  return () => {};
}
