/** What is done with the history as a whole: the system's dialogs ask where, the lab does it, a note says what came of it. */
import { formatNumberOf } from "../../engine/experiment/format.ts";
import { call, LabCallError } from "./lab.ts";
import { notifyDone, notifyError } from "./notify.ts";

async function told(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    notifyError(thrown);
  }
}

export const backUpHistory = (): Promise<void> =>
  told(async () => {
    const { file } = await call("history.saveBackup");
    if (file !== null) notifyDone(`The history was copied to ${file}`);
  });

export const restoreHistory = (): Promise<void> =>
  told(async () => {
    const { kept } = await call("history.openBackup");
    if (kept !== null) notifyDone("The backup is restored", `The old history is kept next to it in ${kept}.`);
  });

export const importHistory = (): Promise<void> =>
  told(async () => {
    const merged = await call("history.openOther");
    if (merged === null) return;
    const { experiments, runs, known } = merged;
    notifyDone(
      `Added ${formatNumberOf(experiments, "experiment")} with ${formatNumberOf(runs, "run")}`,
      known > 0 ? `${formatNumberOf(known, "experiment")} ${known === 1 ? "was" : "were"} already here.` : undefined,
    );
  });

export const checkHistory = (): Promise<void> =>
  told(async () => {
    const { ok, problems, experiments, runs, samples } = await call("history.check");
    const size = [
      formatNumberOf(experiments, "experiment"),
      formatNumberOf(runs, "run"),
      formatNumberOf(samples, "sample"),
    ].join(", ");
    if (ok) return notifyDone("The history is sound", size);
    throw new LabCallError({
      name: "UnsoundHistory",
      message: "The history is not sound",
      why: problems.slice(0, 3).join("; "),
      todo: "Restore a backup",
    });
  });
