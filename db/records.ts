/** What the store takes and gives: plain data, the shapes of the contract. Times are milliseconds since 1970 (UTC). */
import type { PolicyId } from "../engine/experiment/policies.ts";
import type { Params, RunStatus, RunSummary, SampleColumn, Source } from "../engine/experiment/types.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a run was made on, kept with it so that it can be made again. */
export interface RunFacts {
  readonly engineVersion: string;
  readonly platform: string;
  readonly kernelRelease: string;
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryKb: number;
  /** Does the running kernel reclaim? null: not tried. */
  readonly ptReclaimSeen: boolean | null;
}

/** A kernel profile as it was stored (KernelProfile of engine/mm/kernel-profile.ts): an older or newer program's has other fields. */
export type StoredProfile = { readonly name: string } & { readonly [field: string]: Json };

/** `live`: a running process that was looked at; `detail` is what was seen. */
export type WorkloadKind = "preset" | "file" | "program" | "live";

/** `sweep`: its runs differ in a parameter; `detail` says which. */
export type ExperimentKind = "workload" | "sweep";

export interface NewExperiment {
  readonly kind?: ExperimentKind;
  readonly title: string;
  readonly workload: string;
  readonly workloadKind: WorkloadKind;
  readonly params: Params;
  readonly seed: number;
  readonly levels: number;
  readonly tags?: readonly string[];
  readonly notes?: string;
  /** What only this kind of experiment has: a sweep's plan, a trace's verdict, a file's path. */
  readonly detail?: Json;
}

export interface NewRun {
  readonly source: Source;
  readonly mode: PolicyId;
  readonly facts: RunFacts;
  /** The kernel that is modelled, or that was found where it is measured. */
  readonly kernelProfile?: StoredProfile;
  /** Default: the experiment's. */
  readonly params?: Params;
  readonly seed?: number;
  /** Told from its siblings by this, in a sweep. */
  readonly label?: string;
  /** `queued` runs begin with `beginRun` (default: `running`). */
  readonly status?: "queued" | "running";
  readonly operationsTotal?: number | null;
  readonly detail?: Json;
}

export interface StoredRun {
  readonly id: number;
  readonly uid: string;
  readonly experimentId: number;
  readonly label: string;
  readonly source: Source;
  readonly mode: PolicyId;
  /** Of the policy's rule: what a run of today is made under has that of policies.ts. */
  readonly policyVersion: number;
  readonly params: Params;
  readonly seed: number;
  readonly status: RunStatus;
  /** Why it failed, was interrupted or could not start; null otherwise. */
  readonly reason: string | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly operations: number;
  readonly operationsTotal: number | null;
  readonly sampleCount: number;
  /** Of the samples so far where the run has not ended, null before the first. */
  readonly summary: RunSummary | null;
  /** At most SPARKLINE_POINTS values of vmpte_kb, evenly spread over the run. */
  readonly sparkline: number[];
  readonly facts: RunFacts;
  /** The kernel that was modelled, or that was found where it was measured; null: made before profiles were kept. */
  readonly kernelProfile: StoredProfile | null;
  readonly detail: Json;
  /** What of it is stored in a way that cannot be read, in words; a placeholder is shown here. */
  readonly problem: string | null;
}

export interface StoredExperiment {
  readonly id: number;
  readonly uid: string;
  readonly kind: ExperimentKind;
  readonly title: string;
  readonly workload: string;
  readonly workloadKind: WorkloadKind;
  readonly params: Params;
  readonly seed: number;
  readonly levels: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly tags: string[];
  readonly notes: string;
  readonly pinned: boolean;
  readonly archived: boolean;
  /** When it was put in the trash; null: it is not there. */
  readonly deletedAt: number | null;
  readonly detail: Json;
  /** What of it is stored in a way that cannot be read, in words; a placeholder is shown here. */
  readonly problem: string | null;
  readonly runs: StoredRun[];
}

/** What people say about an experiment; what is absent stays. */
export interface Description {
  readonly title?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly notes?: string | undefined;
  readonly pinned?: boolean | undefined;
  readonly archived?: boolean | undefined;
  readonly detail?: Json | undefined;
}

export type NamedSort =
  | "created"
  | "day"
  | "title"
  | "workload"
  | "saving"
  | "saved"
  | "peak"
  | "operations"
  | "status"
  | "tag";
/** A column, or a parameter: "param.chunk". */
export type HistorySort = NamedSort | `param.${string}`;

export interface HistoryFilter {
  /** Words, all of which must be found in title, workload, parameters, tags or notes; case and accents do not count. */
  readonly search?: string | undefined;
  readonly workloads?: readonly string[] | undefined;
  /** Experiments that have all of these. */
  readonly tags?: readonly string[] | undefined;
  /** Experiments with a run of one of these. */
  readonly statuses?: readonly RunStatus[] | undefined;
  readonly sources?: readonly Source[] | undefined;
  readonly pinned?: boolean | undefined;
  /** The active shelf (default), the archive, or the trash. */
  readonly shelf?: "active" | "archive" | "trash" | undefined;
  /** A filter expression (engine/experiment/history-filter.ts); BadInputError where it cannot be read. */
  readonly filter?: string | undefined;
  /** Rows that are alike in this stand together, before they are sorted. */
  readonly group?: HistorySort | undefined;
  readonly sort?: HistorySort | undefined;
  /** Default: true. */
  readonly descending?: boolean | undefined;
  readonly offset?: number | undefined;
  readonly limit?: number | undefined;
}

export interface HistoryPage {
  readonly rows: StoredExperiment[];
  /** How many match, all pages together. */
  readonly total: number;
}

/** Columns of samples: each asked-for column as one array, all of `count` values; NaN where the source cannot know. */
export interface Samples {
  readonly count: number;
  readonly columns: Partial<Record<SampleColumn, Float64Array>>;
}

export interface SampleRange {
  /** Default: all. */
  readonly columns?: readonly SampleColumn[] | undefined;
  /** First sequence number wanted. */
  readonly fromSeq?: number | undefined;
  /** Last sequence number wanted. */
  readonly toSeq?: number | undefined;
  /** So many at most: the first of these. */
  readonly most?: number | undefined;
}

export interface RunEnding {
  readonly status: "done" | "cancelled" | "failed" | "interrupted";
  readonly reason?: string | null;
  /** Default: from the samples so far. */
  readonly summary?: RunSummary;
  readonly detail?: Json;
}

export const SPARKLINE_POINTS = 48;
