/** The folder of results that the window has open: its answers, and a row of it run again here. DuckDB is loaded with the first. */
import { randomBytes } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import * as v from "valibot";
import { BadInputError } from "../../engine/error.ts";
import { withoutKnobs } from "../../engine/experiment/knobs.ts";
import { inPolicyOrder, isPolicyId, POLICY_IDS } from "../../engine/experiment/policies.ts";
import { type Atlas, openAtlas } from "../atlas/database.ts";
import { answerAll, tasksBeside } from "../atlas/questions.ts";
import { KNOWN, profileValue } from "../batch/known.ts";
import type { PlannedWorkload } from "../batch/plan.ts";
import { taskDigest } from "../batch/tasks.ts";
import { type AtlasRow, atlasRowSchema } from "../contract/atlas.ts";
import { plainRecord } from "../contract/plain-keys.ts";
import type { Experiment, ExperimentSpec, Handlers, LabCallName } from "../contract.ts";
import { VERSION } from "../version.ts";
import type { Files } from "./files.ts";
import { fingerprintOf } from "./kept-file.ts";

type Names = Extract<LabCallName, `atlas.${string}`>;

/** More rows than this are asked for in SQL, on the command line. */
const ROWS_MAX = 20_000;
/** A trace is looked for by its name from the folder of results on, so many folders upwards. */
const ANCESTORS_MAX = 4;

interface Opened {
  readonly token: string;
  readonly folder: string;
  readonly atlas: Atlas;
}

/** A row with what only another run of it needs. */
interface WholeRow extends AtlasRow {
  readonly traceSha256: string | null;
}

const traceParamsSchema = v.object({
  pid: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  touch_on_map: v.optional(v.boolean(), false),
});
const presetParamsSchema = plainRecord(v.string(), v.union([v.string(), v.number(), v.boolean()]));

function paramsOf<S extends v.GenericSchema>(schema: S, text: string): v.InferOutput<S> {
  try {
    return v.parse(schema, JSON.parse(text));
  } catch {
    throw new BadInputError("The parameters of this row cannot be read", { where: text.slice(0, 200) });
  }
}

/** Where the trace of a row may lie, nearest first: its name is as the plan saw it, and results lie near their plan. */
function candidates(folder: string, name: string): string[] {
  const found: string[] = [];
  let at = folder;
  for (let i = 0; i < ANCESTORS_MAX; i++) {
    found.push(join(at, name));
    at = dirname(at);
  }
  return found;
}

export function atlasHandlers(
  files: Files,
  start: (spec: ExperimentSpec) => Experiment | Promise<Experiment>,
): { readonly handlers: Handlers<Names>; readonly close: () => void } {
  let opened: Opened | undefined;

  function close(): void {
    opened?.atlas.close();
    opened = undefined;
  }

  function withToken(token: string): Opened {
    if (opened?.token !== token)
      throw new BadInputError("This folder is no longer open", { todo: "Open it again; only one folder can be open" });
    return opened;
  }

  async function rowOf({ atlas }: Opened, digest: string, baseline: string): Promise<WholeRow> {
    const text = digest.replaceAll("'", "''");
    const { columns, rows } = await atlas.ask(
      `SELECT *, 0 AS saved_percent, 0 AS cost_ns FROM results WHERE digest = '${text}'`,
    );
    const [row] = rows;
    if (row === undefined) throw new BadInputError("There is no such row in the folder", { where: digest });
    const read = v.safeParse(
      v.object({ ...atlasRowSchema.entries, trace_sha256: v.nullable(v.string()) }),
      Object.fromEntries(columns.map((name, i) => [name, row[i]])),
    );
    if (!read.success)
      throw new BadInputError("The row cannot be read", { where: digest, why: read.issues[0].message });
    const { policy, profile } = read.output;
    for (const refused of [KNOWN.policy(policy), KNOWN.policy(baseline), KNOWN.profile(profile)])
      if (refused !== null)
        throw new BadInputError("This version cannot run the row again", { where: digest, why: refused });
    return { ...read.output, traceSha256: read.output.trace_sha256 };
  }

  /** The first of `paths` that has the bytes of the row's trace, open; null where none has. */
  async function traceOf({ traceSha256 }: WholeRow, paths: readonly string[]) {
    for (const path of paths) {
      const found = await fingerprintOf(path).catch(() => null);
      if (found?.sha256 === traceSha256) return files.open(path, undefined);
    }
    return null;
  }

  async function runRow(from: Opened, digest: string, baseline: string, path?: string) {
    const row = await rowOf(from, digest, baseline);
    const { policy, profile, seed, traceSha256 } = row;
    const knobs = paramsOf(presetParamsSchema, row.knobs);
    const { own, knobs: switches } = withoutKnobs(paramsOf(presetParamsSchema, row.params));
    const mode = inPolicyOrder([...new Set([baseline, policy])].filter(isPolicyId));
    const kernelProfile = { ...profileValue(profile) };
    const about = { mode, seed, knobs: { ...knobs, ...switches }, kernelProfile } as const;
    const same = (workload: PlannedWorkload) =>
      taskDigest({ workload, policy, knobs, switches, profile, seed }, profileValue(profile), VERSION) === digest;
    if (traceSha256 === null) {
      const params = { ...own };
      const experiment = await start({ workload: { kind: "preset", name: row.workload, params }, ...about });
      return { experiment, same: same({ kind: "preset", name: row.workload, params }) };
    }
    const { pid, touch_on_map: touchOnMap } = paramsOf(traceParamsSchema, row.params);
    const trace = await traceOf(row, path === undefined ? candidates(from.folder, row.workload) : [path]);
    if (trace === null) return null;
    const experiment = await start({
      workload: { kind: "file", token: trace.token, process: pid, touchOnMap },
      ...about,
    });
    const whole = {
      kind: "trace",
      name: row.workload,
      path: "",
      sha256: traceSha256,
      pid: pid ?? null,
      touchOnMap,
    } as const;
    return { experiment, same: same(whole) };
  }

  const handlers: Handlers<Names> = {
    "atlas.open": async ({ path }) => {
      const problems: string[] = [];
      const atlas = await openAtlas([path], (text) => problems.push(text));
      close();
      const folder = resolve(path);
      opened = { token: randomBytes(16).toString("base64url"), folder, atlas };
      const there =
        atlas.found.results === 0
          ? []
          : (await atlas.ask("SELECT DISTINCT policy FROM results")).rows.map(([id]) => String(id));
      const policies = [
        ...POLICY_IDS.filter((id) => there.includes(id)),
        ...there.filter((id) => !isPolicyId(id)).sort(),
      ];
      return { token: opened.token, name: basename(folder), found: { ...atlas.found }, policies, problems };
    },
    "atlas.view": async ({ token, baseline }) => {
      const { atlas } = withToken(token);
      const answered = await answerAll(atlas, baseline);
      const { rows, total } = await tasksBeside(atlas, baseline, ROWS_MAX);
      return {
        baseline,
        answers: answered.map(({ question: { id, title }, answer: { columns, rows } }) => ({
          id,
          title,
          columns: [...columns],
          rows: rows.map((row) => [...row]),
        })),
        rows: v.parse(v.array(atlasRowSchema), rows),
        total,
      };
    },
    "atlas.run": ({ token, digest, baseline }) => runRow(withToken(token), digest, baseline),
    "atlas.runTrace": async ({ token, digest, baseline, path }) => {
      const ran = await runRow(withToken(token), digest, baseline, path);
      if (ran === null)
        throw new BadInputError("This is not the trace of the row", {
          where: basename(path),
          why: "its bytes have another SHA-256 than the row says",
          todo: "Choose the file that the plan ran",
        });
      return ran;
    },
  };
  return { handlers, close };
}
