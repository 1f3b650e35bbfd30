/**
 * DuckDB in process over folders of results and records of the live machine. An optional dependency, loaded here alone. What is
 * asked may read the named files and nothing else: no network, no other file, no extension.
 */
import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { whyOf } from "../../db/file-error.ts";
import { BadInputError, ReclaimLabError } from "../../engine/error.ts";
import { partFiles } from "../batch/folder.ts";
import { INSPECTION_COLUMNS, type Inspection, readInspections } from "./inspections.ts";

/** A column's value: what JSON can say; whole numbers beyond 2^53 are text. */
export type Cell = string | number | boolean | null;

export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface Atlas {
  /** How much of each there is: files of results and of samples, records of processes. */
  readonly found: { readonly results: number; readonly samples: number; readonly inspections: number };
  /** Errors: BadInputError with DuckDB's words where the query is none. */
  ask(sql: string): Promise<Answer>;
  close(): void;
}

/** DuckDB is not here, or does not start. */
class NoDuckDbError extends ReclaimLabError {
  override readonly name = "NoDuckDbError";
}

async function load(): Promise<typeof import("@duckdb/node-api")> {
  try {
    return await import("@duckdb/node-api");
  } catch (error) {
    throw new NoDuckDbError("The atlas needs DuckDB, which is not installed", {
      why: (error as NodeJS.ErrnoException).code ?? String(error),
      todo: "Install the package @duckdb/node-api (npm installs it with Reclaim Lab where it can), or read the Parquet files with another tool: docs/results.md",
    });
  }
}

interface Files {
  readonly results: string[];
  readonly samples: string[];
  readonly records: string[];
}

function look(path: string): ReturnType<typeof statSync> {
  try {
    return statSync(path);
  } catch (error) {
    throw new BadInputError("It cannot be read", { where: path, why: whyOf(error) });
  }
}

function filesUnder(paths: readonly string[]): Files {
  const files: Files = { results: [], samples: [], records: [] };
  for (const given of paths) {
    const path = resolve(given);
    if (look(path)?.isDirectory()) {
      files.results.push(...partFiles(path, "results"));
      files.samples.push(...partFiles(path, "samples"));
      const names = readdirSync(path).filter((name) => name.endsWith(".json") && name !== "plan.json");
      files.records.push(...names.sort().map((name) => join(path, name)));
    } else if (path.endsWith(".json")) files.records.push(path);
    else if (path.endsWith(".parquet")) (/[/\\]samples[/\\]/.test(path) ? files.samples : files.results).push(path);
    else
      throw new BadInputError("It is neither a folder of results nor a record", {
        where: given,
        why: "files end in .parquet (results) or .json (`inspect --json`, `top --json`)",
      });
  }
  return files;
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
const list = (paths: readonly string[]) => `[${paths.map(quoted).join(", ")}]`;

/**
 * What is set of policies is not in results of an earlier version: nothing was. A result counts once, however often its task was run; one that was done counts before one that failed.
 */
function resultsView(files: readonly string[]): string {
  return `CREATE VIEW results AS SELECT * EXCLUDE (copy) REPLACE (coalesce(knobs, '{}') AS knobs) FROM (
  SELECT *, row_number() OVER (PARTITION BY digest ORDER BY status = 'done' DESC, filename) AS copy
  FROM (SELECT * FROM read_parquet(${list(files)}, union_by_name = true, filename = true)
    UNION ALL BY NAME SELECT CAST(NULL AS VARCHAR) AS knobs WHERE false)) WHERE copy = 1`;
}

async function insertInspections(connection: DuckDBConnection, records: readonly Inspection[]): Promise<void> {
  const columns = INSPECTION_COLUMNS.map(({ name, type }) => `"${name}" ${type}`).join(", ");
  await connection.run(`CREATE TABLE inspections (${columns})`);
  if (records.length === 0) return;
  const appender = await connection.createAppender("inspections");
  for (const record of records) {
    for (const { name, type } of INSPECTION_COLUMNS) {
      const value = record[name];
      if (value === null) appender.appendNull();
      else if (type === "VARCHAR") appender.appendVarchar(String(value));
      else appender.appendBigInt(BigInt(Math.round(Number(value))));
    }
    appender.endRow();
  }
  appender.closeSync();
}

function cell(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * Opens an atlas over folders and files. Errors: NoDuckDbError; BadInputError for what is no result and no record.
 */
export async function openAtlas(paths: readonly string[], warn: (text: string) => void): Promise<Atlas> {
  const { results, samples, records } = filesUnder(paths);
  const inspections = records.flatMap((file) => readInspections(file, warn));
  if (results.length + samples.length + inspections.length === 0)
    throw new BadInputError("There are no results and no records in it", {
      where: paths.join(", "),
      todo: "`batch` makes results; `inspect --json` and `top --json` make records",
    });
  const { DuckDBInstance } = await load();
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  const empty = "SELECT NULL WHERE false";
  const read = async (view: string, files: readonly string[], sql: string) => {
    try {
      await connection.run(files.length === 0 ? `CREATE VIEW ${view} AS ${empty}` : sql);
    } catch (error) {
      connection.closeSync();
      instance.closeSync();
      const [why] = (error as Error).message.split("\n");
      throw new BadInputError(`The ${view} cannot be read`, {
        where: files.find((file) => why.includes(file)) ?? files[0],
        why,
        todo: "`batch status` names damaged parts; remove them and run the batch again",
      });
    }
  };
  await insertInspections(connection, inspections);
  const own = [...results, ...samples];
  await connection.run(`SET allowed_paths = ${list(own)}`);
  await connection.run("SET enable_external_access = false");
  await connection.run("SET lock_configuration = true");
  await read("results", results, resultsView(results));
  await read(
    "samples",
    samples,
    `CREATE VIEW samples AS SELECT * FROM read_parquet(${list(samples)}, union_by_name = true)`,
  );
  return {
    found: { results: results.length, samples: samples.length, inspections: inspections.length },
    async ask(sql) {
      try {
        const reader = await connection.runAndReadAll(sql);
        const rows = reader.getRowsJS().map((row) => row.map(cell));
        return { columns: reader.deduplicatedColumnNames(), rows };
      } catch (error) {
        throw new BadInputError("The query is refused", {
          why: error instanceof Error ? error.message.trim().split("\n").slice(0, 3).join(" ") : String(error),
          todo: "The tables are results, samples and inspections; `DESCRIBE results` lists columns",
        });
      }
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
