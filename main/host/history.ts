/** The calls about the history as a whole, and news of what another process did to it. */
import { rememberBackup } from "../../db/copies.ts";
import { DamagedHistoryError, HistoryError } from "../../db/errors.ts";
import type { Store } from "../../db/store.ts";
import type { Handlers, LabCallName } from "../contract.ts";
import type { Emit } from "./emit.ts";
import type { Runner } from "./runner.ts";
import { toHistoryRow, toRun } from "./shapes.ts";

type Names = Extract<LabCallName, `history.${string}`>;

export function historyHandlers(store: Store, runner: Pick<Runner, "asTold">, emit: Emit): Handlers<Names> {
  const changed = (): void => emit("history.changed", { ids: [] });
  return {
    "history.list": (query) => {
      const { rows, total } = store.list(query);
      return { rows: rows.map((row) => toHistoryRow({ ...row, runs: row.runs.map(runner.asTold) })), total };
    },
    "history.check": () => {
      const { problems, damage, ...health } = store.check();
      // A row that is not valid is no reason to stop: it is shown as what it is.
      if (damage !== null) store.foundDamaged(new DamagedHistoryError(store.file, damage));
      return { ...health, problems: [...problems] };
    },
    "history.purge": ({ ids }) => {
      const count = store.purge(ids === undefined ? { before: Number.MAX_SAFE_INTEGER } : { ids });
      changed();
      return count;
    },
    "history.backup": async ({ path }) => {
      await store.backup(path);
      rememberBackup(store.file, path);
      return undefined;
    },
    "history.replace": async ({ path }) => {
      const kept = await store.restore(path);
      changed();
      return kept;
    },
    "history.merge": ({ path }) => {
      const merged = store.merge(path);
      changed();
      return merged;
    },
  };
}

const LOOK_EVERY_MS = 1000;

/**
 * Tells when another process changed the history, and ends its runs as interrupted when it died. Gives the function
 * that stops looking.
 */
export function watchHistory(store: Store, emit: Emit, log: (error: unknown) => void): () => void {
  let mark = store.changeMark();
  const timer = setInterval(() => {
    try {
      for (const run of store.markInterrupted()) emit("run.ended", toRun(run));
      const now = store.changeMark();
      if (now !== mark) emit("history.changed", { ids: [] });
      mark = now;
    } catch (error) {
      // Busy, full or upgraded by a newer program: the next call says so to whoever makes it.
      if (error instanceof HistoryError) return;
      log(error);
      clearInterval(timer);
    }
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
