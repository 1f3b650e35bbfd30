/** Records of `inspect --json` and `top --json` from any number of hosts, as rows: one a process. */
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import * as v from "valibot";
import { isRegular } from "../../db/regular.ts";
import { TABLE_KB } from "../../engine/live/look.ts";

const RECORD_BYTES_MAX = 256 << 20;

/** A process as one host saw it once. Counts are tables; null: not looked at. */
export interface Inspection {
  readonly host: string;
  readonly file: string;
  readonly kernel: string | null;
  readonly pid: number;
  readonly name: string;
  readonly vmpte_kb: number;
  readonly rss_kb: number | null;
  readonly virt_kb: number | null;
  readonly in_use: number | null;
  readonly sparse: number | null;
  readonly deposited: number | null;
  readonly pinned: number | null;
  readonly shared: number | null;
  readonly empty_min: number | null;
  readonly empty_estimate: number | null;
  readonly empty_max: number | null;
  /** The estimate of empty tables, in kB. */
  readonly recoverable_kb: number | null;
  /** The cause that weighs most, where the record has causes. */
  readonly cause: string | null;
  /** Their names, sorted, with commas: "glibc, jemalloc"; "" where none was seen; null where the record does not say. */
  readonly allocators: string | null;
}

export const INSPECTION_COLUMNS: readonly { readonly name: keyof Inspection; readonly type: "VARCHAR" | "BIGINT" }[] = [
  { name: "host", type: "VARCHAR" },
  { name: "file", type: "VARCHAR" },
  { name: "kernel", type: "VARCHAR" },
  { name: "pid", type: "BIGINT" },
  { name: "name", type: "VARCHAR" },
  { name: "vmpte_kb", type: "BIGINT" },
  { name: "rss_kb", type: "BIGINT" },
  { name: "virt_kb", type: "BIGINT" },
  { name: "in_use", type: "BIGINT" },
  { name: "sparse", type: "BIGINT" },
  { name: "deposited", type: "BIGINT" },
  { name: "pinned", type: "BIGINT" },
  { name: "shared", type: "BIGINT" },
  { name: "empty_min", type: "BIGINT" },
  { name: "empty_estimate", type: "BIGINT" },
  { name: "empty_max", type: "BIGINT" },
  { name: "recoverable_kb", type: "BIGINT" },
  { name: "cause", type: "VARCHAR" },
  { name: "allocators", type: "VARCHAR" },
];

const number = v.nullish(v.pipe(v.number(), v.finite()));
const kernelSchema = v.nullish(v.union([v.string(), v.looseObject({ release: v.nullish(v.string()) })]));
const processSchema = v.looseObject({
  pid: v.pipe(v.number(), v.safeInteger()),
  name: v.string(),
  kernel: kernelSchema,
  vmpte_kb: v.pipe(v.number(), v.finite()),
  rss_kb: number,
  virt_kb: number,
  tables: v.nullish(
    v.looseObject({
      in_use: number,
      sparse: number,
      deposited: number,
      pinned: number,
      shared: number,
      empty: v.nullish(v.looseObject({ min: number, estimate: number, max: number })),
    }),
  ),
  causes: v.nullish(v.array(v.looseObject({ cause: v.string(), kb: v.number() }))),
  allocators: v.nullish(v.array(v.string())),
});
const recordSchema = v.union([
  v.looseObject({ host: v.nullish(v.string()), kernel: kernelSchema, processes: v.array(processSchema) }),
  v.intersect([processSchema, v.looseObject({ host: v.nullish(v.string()) })]),
]);

type Process = v.InferOutput<typeof processSchema>;

const release = (kernel: v.InferOutput<typeof kernelSchema>): string | null =>
  typeof kernel === "string" ? kernel : (kernel?.release ?? null);

function rowOf(found: Process, host: string, file: string, kernel: string | null): Inspection {
  const { pid, name, vmpte_kb, rss_kb, virt_kb, tables, causes, allocators } = found;
  const empty = tables?.empty;
  const [main] = [...(causes ?? [])].sort((a, b) => b.kb - a.kb);
  const estimate = empty?.estimate ?? null;
  return {
    host,
    file,
    kernel: release(found.kernel) ?? kernel,
    pid,
    name,
    vmpte_kb,
    rss_kb: rss_kb ?? null,
    virt_kb: virt_kb ?? null,
    in_use: tables?.in_use ?? null,
    sparse: tables?.sparse ?? null,
    deposited: tables?.deposited ?? null,
    pinned: tables?.pinned ?? null,
    shared: tables?.shared ?? null,
    empty_min: empty?.min ?? null,
    empty_estimate: estimate,
    empty_max: empty?.max ?? null,
    recoverable_kb: estimate === null ? null : estimate * TABLE_KB,
    cause: main?.cause ?? null,
    allocators: allocators ? [...allocators].sort().join(", ") : null,
  };
}

/** The processes of one record; none, and a word to `warn`, where the file is no record. The host is the file's name where it has none. */
export function readInspections(path: string, warn: (text: string) => void): Inspection[] {
  const file = basename(path);
  try {
    if (!isRegular(path)) throw new Error("it is a folder, a device or a pipe, not a file");
    if (statSync(path).size > RECORD_BYTES_MAX) throw new Error("it is longer than 256 MiB");
    const checked = v.safeParse(recordSchema, JSON.parse(readFileSync(path, "utf8")));
    if (!checked.success) throw new Error("it is not what `inspect --json` or `top --json` print");
    const record = checked.output;
    const host = record.host ?? file.replace(/\.json$/, "");
    const processes: readonly Process[] = "processes" in record ? (record.processes as Process[]) : [record as Process];
    const kernel = release(record.kernel);
    return processes.map((each) => rowOf(each, host, file, kernel));
  } catch (error) {
    warn(`${path}: left out: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}
