import type { Experiment } from "../contract.ts";
import { onInterrupt } from "./interrupt.ts";
import type { Session } from "./session.ts";

/** Shows that something is under way; gives the function that ends the showing. */
export type Show = (session: Session, experiment: Experiment) => Promise<() => void>;

/** Starts an experiment and waits until all its runs have ended; Ctrl-C cancels them and keeps their samples. */
export async function runToEnd(
  session: Session,
  start: () => Promise<{ readonly id: number }>,
  show: Show,
): Promise<{ readonly experiment: Experiment; readonly cut: boolean }> {
  const over = new Set<number>();
  let wake = () => {};
  session.on("run.ended", (run) => {
    over.add(run.id);
    wake();
  });
  session.on("runs.dropped", ({ runIds }) => {
    for (const id of runIds) over.add(id);
    wake();
  });
  const { id } = await start();
  const started = await session.ask("experiment.get", { id });
  const ours = started.runs.filter((run) => run.status === "queued" || run.status === "running");
  const hide = await show(session, started);
  let cut = false;
  const interrupt = () => {
    cut = true;
    void session.ask("experiment.cancel", { id });
  };
  const leave = onInterrupt(interrupt);
  while (!ours.every((run) => over.has(run.id)))
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  leave();
  hide();
  return { experiment: await session.ask("experiment.get", { id }), cut };
}
