/** The Node beside the empty window: the same rows through bare SQLite, and a thread that answers at once. */
import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";

interface Asked {
  readonly id: number;
  readonly what: "rows" | "samples" | "point";
}

const file = process.argv[2];
const db = file ? new Database(file, { readonly: true }) : undefined;
const thread = new Worker(
  "const { parentPort } = require('node:worker_threads'); parentPort.on('message', () => parentPort.postMessage(new Float64Array(60)));",
  { eval: true },
);
thread.unref();

const JSON_COLUMNS = ["params", "facts", "summary", "sparkline", "detail", "kernel_profile"];
const parsed = (row: Record<string, unknown>): Record<string, unknown> => {
  for (const name of JSON_COLUMNS) if (typeof row[name] === "string") row[name] = JSON.parse(row[name]);
  return row;
};

/** The newest 200 experiments with their runs. */
function rows(): unknown {
  const experiments = db?.prepare("SELECT * FROM experiment ORDER BY id DESC LIMIT 200").all() ?? [];
  const runs = db?.prepare(
    "SELECT * FROM run WHERE experiment_id IN (SELECT id FROM experiment ORDER BY id DESC LIMIT 200) ORDER BY id",
  );
  return {
    experiments: experiments.map((row) => parsed(row as never)),
    runs: runs?.all().map((row) => parsed(row as never)),
  };
}

/** What a chart of the longest run needs: operations and VmPTE. */
function samples(): unknown {
  const run = db?.prepare("SELECT id FROM run ORDER BY sample_count DESC LIMIT 1").pluck().get();
  const all = db?.prepare("SELECT operations, vmpte_kb FROM sample WHERE run_id = ? ORDER BY seq").raw().all(run);
  const found = (all ?? []) as number[][];
  return [0, 1].map((at) => Float64Array.from(found, (row) => row[at]));
}

const point = (): Promise<unknown> =>
  new Promise((resolve) => {
    thread.once("message", resolve);
    thread.postMessage("begin");
  });

process.on("message", async ({ id, what }: Asked) => {
  const answer = what === "rows" ? rows() : what === "samples" ? samples() : await point();
  process.send?.({ id, answer });
});
process.once("disconnect", () => process.exit(0));
