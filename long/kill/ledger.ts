/** What a history must still hold after a kill, and whether it does. */
import Database from "better-sqlite3";
import { openStore } from "../../db/store.ts";

interface Known {
  readonly samples: number;
  readonly status: string;
}

/** What was found after one kill. */
export interface Verdict {
  readonly problems: readonly string[];
  /** Samples of the run that was hit, and its status, where there was one. */
  readonly interrupted: number;
}

export class Ledger {
  readonly file: string;
  readonly #runs = new Map<number, Known>();
  /** Samples that the lab had told of, by run: each was committed before. */
  readonly #told = new Map<number, number>();

  constructor(file: string) {
    this.file = file;
  }

  /** The lab has told of samples up to this many of a run. */
  told(runId: number, samples: number): void {
    this.#told.set(runId, Math.max(samples, this.#told.get(runId) ?? 0));
  }

  /** Opens the history as the program does and compares; what is sound is remembered for the next time. */
  check(): Verdict {
    const problems: string[] = [];
    const raw = new Database(this.file, { fileMustExist: true });
    try {
      const integrity = raw.pragma("integrity_check", { simple: true });
      if (integrity !== "ok") problems.push(`integrity_check: ${String(integrity)}`);
      const foreign = raw.pragma("foreign_key_check") as unknown[];
      if (foreign.length > 0) problems.push(`foreign_key_check: ${foreign.length} rows`);
    } finally {
      raw.close();
    }
    const store = openStore(this.file);
    let interrupted = 0;
    try {
      const seen = new Set<number>();
      for (const shelf of ["active", "trash"] as const)
        for (const row of store.list({ shelf, limit: 10_000 }).rows)
          for (const run of store.getExperiment(row.id).runs) {
            seen.add(run.id);
            if (run.status === "interrupted") interrupted++;
            problems.push(
              ...this.#checkRun(run.id, run.status, run.sampleCount, store.samples(run.id, { columns: ["seq"] })),
            );
            this.#runs.set(run.id, { samples: run.sampleCount, status: run.status });
          }
      for (const id of [...this.#runs.keys(), ...this.#told.keys()])
        if (!seen.has(id)) problems.push(`run ${id} is gone`);
    } finally {
      store.close();
    }
    return { problems, interrupted };
  }

  #checkRun(
    id: number,
    status: string,
    count: number,
    samples: ReturnType<ReturnType<typeof openStore>["samples"]>,
  ): string[] {
    const problems: string[] = [];
    const known = this.#runs.get(id);
    const ended = known !== undefined && known.status !== "running" && known.status !== "queued";
    if (ended && (known.status !== status || known.samples !== count))
      problems.push(`run ${id} was ${known.status} with ${known.samples} samples and is ${status} with ${count}`);
    if (status === "running" || status === "queued")
      problems.push(`run ${id} is still ${status} with nobody to run it`);
    const told = this.#told.get(id) ?? 0;
    if (count < told) problems.push(`run ${id} had told of ${told} samples and holds ${count}`);
    const seq = samples.columns.seq;
    if (seq === undefined || seq.length !== count)
      problems.push(`run ${id} says ${count} samples and has ${seq?.length}`);
    else if (seq.some((value, at) => value !== at)) problems.push(`run ${id} has a gap in its samples`);
    return problems;
  }
}
