import { toast } from "svelte-sonner";
import { policyPhrase } from "../../engine/experiment/words.ts";
import type { LabError, Run } from "../../main/contract.ts";
import { recorded } from "../state/actions.ts";
import { commands } from "../state/commands.svelte.ts";
import { current } from "../state/current.svelte.ts";
import { history } from "../state/history.svelte.ts";
import { LabCallError } from "../state/lab.ts";
import { notifyError } from "../state/notify.ts";
import { races } from "../state/races.svelte.ts";
import { recent } from "../state/recent.svelte.ts";
import { recording } from "../state/recording.svelte.ts";
import { running } from "../state/running.svelte.ts";
import { view } from "../state/view.svelte.ts";
import { listReload } from "./list-reload.ts";

const LIST_DELAY_MS = 60;
/** Less than a frame. */
const ENDED_DELAY_MS = 10;
/** The list waits until what was started is drawn. */
const STARTED_DELAY_MS = 300;

/** Ties the lab's events to the window's state. `onFailure`: the lab is gone for good. */
export function listenToLab(onFailure: (error: LabError) => void): () => void {
  const list = listReload(() => history.reload());
  const reloadSoon = (delayMs = LIST_DELAY_MS): void => list.soon(delayMs);
  /** Thousands may end at once: what draws them is told of all together. */
  const takeEnded = (): void => {
    endedTimer = undefined;
    const runs = ended;
    ended = [];
    running.ended(runs);
    current.experiment?.ended(runs);
    reloadSoon();
  };
  let ended: Run[] = [];
  let endedTimer: ReturnType<typeof setTimeout> | undefined;
  const stops = [
    window.lab.on("experiment.started", (experiment) => {
      running.started(experiment);
      if (current.experiment?.id === experiment.id) current.experiment.restarted();
      reloadSoon(STARTED_DELAY_MS);
    }),
    window.lab.on("run.sampled", (event) => {
      running.sampled(event);
      current.experiment?.sampled(event);
    }),
    window.lab.on("run.ended", (run) => {
      ended.push(run);
      endedTimer ??= setTimeout(takeEnded, ENDED_DELAY_MS);
      // The one that is open says so above its chart.
      if (run.status === "failed" && current.experiment?.id !== run.experimentId) {
        const which = `The run ${policyPhrase(run.mode)}`;
        notifyError(
          new LabCallError({
            name: "RunFailed",
            message: `${which} failed`,
            ...(run.reason === null ? {} : { why: run.reason }),
            todo: "Its samples so far are in the history",
          }),
        );
      }
    }),
    window.lab.on("runs.dropped", ({ experimentId, runIds, endedAt }) => {
      running.ended(runIds.map((id) => ({ id, experimentId })));
      if (current.experiment?.id === experimentId) current.experiment.dropped({ runIds, endedAt });
      reloadSoon();
    }),
    window.lab.on("experiment.described", (description) => {
      if (current.experiment?.id === description.id) current.experiment.describe(description);
    }),
    window.lab.on("history.changed", () => reloadSoon()),
    window.lab.on("file.opened", (opened) => view.go({ name: "trace", opened })),
    window.lab.on("file.refused", (error) => notifyError(new LabCallError(error))),
    window.lab.on("file.recentChanged", (files) => {
      recent.list = files;
    }),
    window.lab.on("record.changed", (now) => {
      recording.now = now;
    }),
    window.lab.on("record.ended", (end) => void recorded(end)),
    window.lab.on("race.progressed", (progress) => races.progressed(progress)),
    window.lab.on("race.tried", (result) => races.tried(result)),
    window.lab.on("race.ended", (end) => races.ended(end)),
    window.lab.on("host.restarted", ({ reason }) => {
      running.clear();
      recording.now = null;
      reloadSoon();
      void current.experiment?.load();
      toast.warning("The lab was restarted", {
        description: `${reason}. Runs in progress are marked interrupted; their samples are kept.`,
        duration: Number.POSITIVE_INFINITY,
      });
    }),
    window.lab.on("host.failed", onFailure),
    window.lab.on("app.command", ({ command }) => commands.run(command)),
  ];
  return () => {
    list.stop();
    clearTimeout(endedTimer);
    for (const stop of stops) stop();
  };
}
