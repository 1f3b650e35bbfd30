/** Long work where the desktop shows it: a bar in the task bar, a notification when it ends out of sight. */
import electron, { type BrowserWindow, clipboard, Notification, nativeImage } from "electron";
import { BadInputError } from "../../engine/error.ts";
import type { EventName, EventPayload, Handlers, Run } from "../contract.ts";
import type { TellEvent } from "./host-process.ts";

/** Shorter work needs no notification: who started it is still looking. */
const LONG_MS = 10_000;

interface RunningExperiment {
  readonly title: string;
  readonly startedAt: number;
  /** Share done of each run; those that ended are gone. */
  readonly shares: Map<number, number>;
}

/** Watches what the host tells. `window`: the one whose task bar entry shows it. */
export function followWork(window: () => BrowserWindow | undefined): TellEvent {
  const running = new Map<number, RunningExperiment>();

  function showBar(): void {
    const shown = window();
    if (shown === undefined || shown.isDestroyed()) return;
    const shares = [...running.values()].flatMap((experiment) => [...experiment.shares.values()]);
    shown.setProgressBar(shares.length === 0 ? -1 : shares.reduce((sum, share) => sum + share, 0) / shares.length);
  }

  function notify(title: string, body: string): void {
    const shown = window();
    if (shown?.isFocused() || !Notification.isSupported()) return;
    const note = new Notification({ title, body });
    note.on("click", () => shown?.focus());
    note.show();
  }

  function ended(experimentId: number, runIds: readonly number[], status: Run["status"]): void {
    const experiment = running.get(experimentId);
    for (const id of runIds) experiment?.shares.delete(id);
    if (experiment !== undefined && experiment.shares.size === 0) {
      running.delete(experimentId);
      const long = performance.now() - experiment.startedAt >= LONG_MS;
      if (long && status !== "cancelled") notify(experiment.title, status === "done" ? "Done" : `Ended: ${status}`);
    }
    showBar();
  }

  const listeners: { [N in EventName]?: (payload: EventPayload<N>) => void } = {
    "experiment.started": ({ id, title, runs }) => {
      const shares = new Map(
        runs.filter(({ status }) => status === "queued" || status === "running").map((run) => [run.id, 0]),
      );
      running.set(id, { title, startedAt: performance.now(), shares });
      showBar();
    },
    "run.sampled": ({ experimentId, runId, progress }) => {
      const { operations, operationsTotal } = progress;
      if (operationsTotal !== null && operationsTotal > 0)
        running.get(experimentId)?.shares.set(runId, Math.min(1, operations / operationsTotal));
      showBar();
    },
    "run.ended": ({ id, experimentId, status }) => ended(experimentId, [id], status),
    "runs.dropped": ({ experimentId, runIds }) => ended(experimentId, runIds, "cancelled"),
    "host.failed": () => {
      running.clear();
      showBar();
    },
  };

  return (name, payload) => listeners[name]?.(payload);
}

/** The page itself has no clipboard: every permission is denied to it. */
export const clipboardHandlers: Handlers<"clipboard.writeText" | "clipboard.writePicture"> = {
  "clipboard.writeText": async ({ text }) => {
    await clipboard.writeText(text);
    return undefined;
  },
  "clipboard.writePicture": async ({ png }) => {
    const picture = nativeImage.createFromBuffer(Buffer.from(png));
    if (picture.isEmpty()) throw new BadInputError("This is not a picture", { where: "png" });
    // Electron 33 has writeImage, 45 has the items of the web's clipboard.
    const before = clipboard as unknown as { writeImage?: (image: Electron.NativeImage) => void };
    if (before.writeImage !== undefined) before.writeImage(picture);
    else await clipboard.write([new electron.ClipboardItem({ "image/png": new Blob([Uint8Array.from(png)]) })]);
    return undefined;
  },
};
