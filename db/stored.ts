/**
 * What a stored value must be: the shapes of the contract, column by column. A value that is none (an older version's
 * fault, another program's, a crafted file's) is found when it is read, and stands for itself alone: the row is shown
 * with what can be read of it, and says what cannot.
 */

import * as v from "valibot";
import { DEFAULT_BASELINE } from "../engine/experiment/policies.ts";
import {
  NOTES_MAX,
  oneLine,
  oneLineEach,
  someLines,
  TAG_MAX,
  TAGS_MAX,
  TITLE_MAX,
  UNSEEN,
} from "../engine/experiment/text-limits.ts";
import { experimentSchema, historyRunSchema, idSchema, runSchema, sweepDetailSchema } from "../main/contract/shapes.ts";
import { SEQUENCE_MAX } from "./our-schema.ts";

/** Of a text that no one wrote by hand: a reason, a file's name, a label. */
const TEXT_MAX = 20_000;
/** In bytes: no text that is valid has more. */
const TEXT_BYTES_MAX = 4 * NOTES_MAX;
/**
 * Of a stored JSON document, in bytes: some room beyond what the program writes. A summary holds the blame of 200 callers at two
 * moments; what was seen of a process, 2,000 of its mappings.
 */
const BYTES_MAX = {
  params: 64 << 10,
  facts: 16 << 10,
  kernelProfile: 64 << 10,
  summary: 8 << 20,
  sparkline: 16 << 10,
  detail: 4 << 20,
  runDetail: 64 << 10,
};
/** Of a longer one, only what its shape names is kept: a small document may grow twentyfold when it is read. */
const SHORT_LENGTH_MAX = 2048;

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
/** Of a document of any shape: none of its numbers was too large to be read. */
function allFinite(found: unknown): boolean {
  if (typeof found === "number") return Number.isFinite(found);
  if (typeof found !== "object" || found === null) return true;
  return Object.values(found).every(allFinite);
}

const anything = v.custom<unknown>(allFinite);
const whole = v.pipe(v.number(), v.safeInteger());
/** One behind which there are others. */
const id = v.pipe(idSchema, v.maxValue(SEQUENCE_MAX));

interface Column {
  readonly schema: v.GenericSchema<unknown, unknown>;
  /** Of a row of another kind: its schema. */
  readonly schemaOf?: (row: Readonly<Record<string, unknown>>) => v.GenericSchema<unknown, unknown>;
  /** Of JSON: what a valid document has at most. */
  readonly bytes?: number;
  /** JSON in the file; its texts are made lines to be shown, unless one must stay as it is stored. */
  readonly json?: "lines" | "as stored";
  /** A text as it may be shown. */
  readonly clean?: (text: string) => string;
  /** What stands for a value that is not valid, made of what it is. */
  readonly instead: (value: unknown) => unknown;
}

const clipped = (max: number, clean: (text: string) => string) => (value: unknown) =>
  typeof value === "string" ? `${clean(value.slice(0, max - 1))}…` : "";
const line = (max: number): Column => ({ schema: text(max), clean: oneLine, instead: clipped(max, oneLine) });
const lines = (max: number): Column => ({ schema: text(max), clean: someLines, instead: clipped(max, someLines) });
const value = (schema: Column["schema"], instead: unknown): Column => ({ schema, instead: () => instead });
const json = (schema: Column["schema"], bytes: number, instead: unknown): Column => ({
  schema,
  bytes,
  json: "lines",
  instead: () => instead,
});
/** Among it is where a file lies, which is that path and no other; whoever shows it makes lines of it. */
const detail = (bytes: number) =>
  ({ schema: anything, bytes, json: "as stored", instead: () => null }) satisfies Column;
const sweepDetail = v.nullable(sweepDetailSchema);

const experiment = experimentSchema.entries;
const run = runSchema.entries;

/** Of a run of which it is not known where it was made. */
export const UNKNOWN_FACTS = {
  engineVersion: "unknown",
  platform: "unknown",
  kernelRelease: "unknown",
  cpu: "unknown",
  cpus: 0,
  memoryKb: 0,
  ptReclaimSeen: null,
};

/** By the columns of the table. */
export const EXPERIMENT_SHAPE = {
  id: value(id, 0),
  uid: line(200),
  kind: value(v.picklist(["workload", "sweep"]), "workload"),
  title: line(TITLE_MAX),
  workload_kind: value(experiment.workloadKind, "file"),
  workload: line(TEXT_MAX),
  params: json(experiment.params, BYTES_MAX.params, {}),
  seed: value(experiment.seed, 0),
  levels: value(v.picklist([4, 5]), 4),
  notes: lines(NOTES_MAX),
  detail: {
    ...detail(BYTES_MAX.detail),
    schemaOf: ({ kind }: Readonly<Record<string, unknown>>) => (kind === "sweep" ? sweepDetail : anything),
  },
  pinned: value(v.picklist([0, 1]), 0),
  created_ms: value(experiment.createdAt, 0),
  updated_ms: value(experiment.createdAt, 0),
  archived_ms: value(v.nullable(experiment.createdAt), null),
  trashed_ms: value(experiment.deletedAt, null),
} satisfies Readonly<Record<string, Column>>;

export const RUN_SHAPE = {
  id: value(id, 0),
  uid: line(200),
  experiment_id: value(id, 0),
  label: line(TEXT_MAX),
  source: value(run.source, "model"),
  mode: value(run.mode, DEFAULT_BASELINE),
  policy_version: value(run.policyVersion, 1),
  params: json(run.params, BYTES_MAX.params, {}),
  seed: value(whole, 0),
  facts: json(run.facts, BYTES_MAX.facts, UNKNOWN_FACTS),
  kernel_profile: json(
    v.pipe(
      run.kernelProfile,
      v.check((profile) => allFinite(profile)),
    ),
    BYTES_MAX.kernelProfile,
    null,
  ),
  status: value(run.status, "failed"),
  reason: { schema: v.nullable(text(TEXT_MAX)), clean: someLines, instead: clipped(TEXT_MAX, someLines) },
  created_ms: value(experiment.createdAt, 0),
  started_ms: value(run.startedAt, null),
  finished_ms: value(run.endedAt, null),
  operations: value(run.sampleCount, 0),
  operations_total: value(v.nullable(run.sampleCount), null),
  sample_count: value(run.sampleCount, 0),
  summary: json(run.summary, BYTES_MAX.summary, null),
  sparkline: json(v.nullable(historyRunSchema.entries.sparkline), BYTES_MAX.sparkline, null),
  detail: detail(BYTES_MAX.runDetail),
} satisfies Readonly<Record<string, Column>>;

export const SETTING_SHAPE = { key: line(200), value: detail(BYTES_MAX.detail) } satisfies Readonly<
  Record<string, Column>
>;
export const TAG_SHAPE = { name: line(TAG_MAX) };
export { TAGS_MAX };

type Shape = Readonly<Record<string, Column>>;

/** Stands for a JSON document that is too long to be read; it is none. */
const TOO_LONG = "too long";

/** A column in SQL, no longer than what can be valid: a text of many megabytes is cut off where it is no longer valid in any case. */
export function boundedColumn(name: string, { bytes, clean }: Column): string {
  if (bytes !== undefined) return `CASE WHEN octet_length(${name}) > ${bytes} THEN '${TOO_LONG}' ELSE ${name} END`;
  if (clean === undefined) return name;
  // By bytes: by characters, SQLite takes a text to end at its first NUL.
  return `CASE WHEN octet_length(${name}) > ${TEXT_BYTES_MAX} THEN CAST(substr(CAST(${name} AS BLOB), 1, ${TEXT_BYTES_MAX + 1}) AS TEXT) ELSE ${name} END`;
}

/** The columns of a shape to select, each under its name. */
export function selectOf(shape: Shape): string {
  return Object.entries(shape)
    .map(([name, column]) => `${boundedColumn(name, column)} AS ${name}`)
    .join(", ");
}

function namesIn(found: unknown): number {
  if (typeof found !== "object" || found === null) return 0;
  const values = Object.values(found);
  return values.reduce<number>((sum, each) => sum + namesIn(each), Array.isArray(found) ? 0 : values.length);
}

/** Every text of a JSON document; with its colon where it is a field's name. */
const TEXTS = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/gs;

/** Whether an object has two fields of one name: SQLite reads the first, JSON.parse the last. None that is as JSON.stringify writes it does. */
function namesTwice(stored: string, found: unknown): boolean {
  if (JSON.stringify(found) === stored) return false;
  let names = 0;
  for (const [, colon] of stored.matchAll(TEXTS)) if (colon !== undefined) names++;
  return names !== namesIn(found);
}

function parsed(stored: unknown, bytes = Number.POSITIVE_INFINITY): unknown {
  if (typeof stored !== "string") return stored;
  if (stored.length > bytes || (3 * stored.length > bytes && Buffer.byteLength(stored) > bytes))
    throw new RangeError(TOO_LONG);
  const found: unknown = JSON.parse(stored);
  if (namesTwice(stored, found)) throw new RangeError("a name stands twice");
  return found;
}

/** In the text of a JSON document: what may stand for a character that no line has. */
const MAYBE_UNSEEN = new RegExp(`\\\\[nrtbfu]|${UNSEEN.source}`);

/** The document with texts that are lines; most have no others, and are not walked through. */
function linesOf(document: unknown, stored: unknown): unknown {
  return typeof stored === "string" && MAYBE_UNSEEN.test(stored) ? oneLineEach(document) : document;
}

export interface Read {
  readonly values: Readonly<Record<string, unknown>>;
  /** Columns whose value is not valid; something else stands for it. */
  readonly bad: readonly string[];
}

/** A row as its columns were stored, read by their shapes. */
export function readRow(shape: Shape, row: object): Read {
  const values: Record<string, unknown> = {};
  const bad: string[] = [];
  for (const [name, column] of Object.entries(shape)) {
    const { json: isJson, bytes, clean, instead } = column;
    const schema = column.schemaOf?.(row as Record<string, unknown>) ?? column.schema;
    const stored: unknown = (row as Record<string, unknown>)[name];
    let found: unknown;
    let ok = true;
    try {
      found = isJson ? parsed(stored, bytes) : stored;
      if (isJson && typeof stored === "string" && stored.length > SHORT_LENGTH_MAX) found = v.parse(schema, found);
      else ok = v.is(schema, found);
    } catch {
      ok = false;
    }
    if (ok && isJson === "lines") values[name] = linesOf(found, stored);
    else if (ok) values[name] = clean !== undefined && typeof found === "string" ? clean(found) : found;
    else {
      bad.push(name);
      values[name] = instead(stored);
    }
  }
  return { values, bad };
}

/** "what is stored as its summary and facts is not valid"; null where all can. */
export function badWords(bad: readonly string[]): string | null {
  if (bad.length === 0) return null;
  const last = bad.at(-1);
  return `what is stored as its ${bad.length === 1 ? last : `${bad.slice(0, -1).join(", ")} and ${last}`} is not valid`;
}
