/**
 * Jobs for schedulers that exist: a file that people can read and change, how it is submitted, and how one hears that it has
 * ended. Each runs `batch PLAN --shard I/N` once or more for every I; results are the same however often that is.
 */
import { spawnSync } from "node:child_process";
import { BadInputError } from "../../engine/error.ts";

export const SCHEDULERS = ["slurm", "kubernetes", "parallel"] as const;
export type SchedulerName = (typeof SCHEDULERS)[number];

export interface JobFacts {
  /** The plan's name, for people. */
  readonly name: string;
  /** Absolute paths, as the hosts of the job see them. */
  readonly plan: string;
  readonly folder: string;
  readonly shards: number;
  readonly jobs: number;
  /** The command that is this program, word by word. */
  readonly program: readonly string[];
}

export interface Scheduler {
  /** The job's file within the folder. */
  readonly file: string;
  /** Throws BadInputError where it cannot be written with these names. */
  job(facts: JobFacts): string;
  /** The program that submits, and its arguments. */
  submit(jobFile: string): readonly [program: string, ...args: string[]];
  /** Asks whether the job that submitting printed about is still there; null: submitting itself waits. */
  readonly ended: ((submitted: string) => boolean) | null;
  /** For submitting it manually. */
  readonly byHand: string;
}

/** A word for a POSIX shell. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A value in a line of `#SBATCH`, which sbatch splits at blanks and takes apart by quotes. Throws BadInputError for what no line holds. */
function sbatchValue(text: string): string {
  if (/[\n\r]/.test(text))
    throw new BadInputError("A job of Slurm cannot name a folder with a line end in its name", {
      where: JSON.stringify(text),
      todo: "Give --out a folder whose path has none",
    });
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** A name that every scheduler takes: lower case letters, digits and hyphens, at most 40. */
function jobName(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  return plain === "" ? "reclaim-lab" : plain;
}

const words = (list: readonly string[]) => list.map(shellWord).join(" ");

function oneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, " ").slice(0, 120);
}

const slurm: Scheduler = {
  file: "job.sbatch",
  job: ({ name, plan, folder, shards, jobs, program }) => `#!/bin/sh
# Reclaim Lab: ${oneLine(name)}, in ${shards} shards. Submit it with: sbatch job.sbatch
# A shard that is killed or run twice does no harm: what is there is skipped, and the same task gives the same row.
#SBATCH --job-name=${jobName(name)}
#SBATCH --array=1-${shards}
#SBATCH --cpus-per-task=${jobs}
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --output=${sbatchValue(`${folder.replaceAll("%", "%%")}/slurm-%A_%a.log`)}
exec ${words(program)} batch ${shellWord(plan)} --out ${shellWord(folder)} --shard "$SLURM_ARRAY_TASK_ID/${shards}" --jobs ${jobs}
`,
  submit: (jobFile) => ["sbatch", "--parsable", jobFile],
  ended(submitted) {
    const id = /^\d+/.exec(submitted.trim())?.[0] ?? "";
    const asked = spawnSync("squeue", ["--noheader", "--jobs", id], { encoding: "utf8" });
    // It forgets a job some minutes after its end. A controller that does not answer has not ended it.
    return asked.status === 0 ? asked.stdout.trim() === "" : /invalid job id/i.test(asked.stderr);
  },
  byHand: "sbatch job.sbatch",
};

const kubernetes: Scheduler = {
  file: "job.yaml",
  job: ({
    name,
    shards,
    jobs,
  }) => `# Reclaim Lab: ${oneLine(name)}, in ${shards} shards. Submit it with: kubectl apply -f job.yaml
# Change: the image (one that holds reclaim-lab) and the volume (that every node sees, with the plan and its traces).
# A pod that is killed or run twice does no harm: what is there is skipped, and the same task gives the same row.
apiVersion: batch/v1
kind: Job
metadata:
  name: ${jobName(name)}
spec:
  completionMode: Indexed
  completions: ${shards}
  parallelism: ${Math.min(shards, 10)}
  backoffLimitPerIndex: 3
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: shard
          image: reclaim-lab:latest
          # JOB_COMPLETION_INDEX counts from 0; shard 0 of N is shard N.
          command: ["/bin/sh", "-c"]
          args:
            - exec reclaim-lab batch /study/plan.json --out /study/out --shard "$JOB_COMPLETION_INDEX/${shards}" --jobs ${jobs}
          resources:
            requests:
              cpu: "${jobs}"
              memory: 4Gi
          volumeMounts:
            - name: study
              mountPath: /study
      volumes:
        - name: study
          persistentVolumeClaim:
            claimName: study
`,
  submit: (jobFile) => ["kubectl", "apply", "-f", jobFile],
  ended(submitted) {
    const job = /^(job\S*)/m.exec(submitted)?.[1] ?? "";
    const path = "jsonpath={.status.conditions[?(@.status=='True')].type}";
    const asked = spawnSync("kubectl", ["get", job, "-o", path], { encoding: "utf8" });
    return asked.status === 0 ? /Complete|Failed/.test(asked.stdout) : /not ?found/i.test(asked.stderr);
  },
  byHand: "kubectl apply -f job.yaml",
};

const parallel: Scheduler = {
  file: "job.parallel.sh",
  job: ({ name, plan, folder, shards, jobs, program }) => `#!/bin/sh
# Reclaim Lab: ${oneLine(name)}, in ${shards} shards, by GNU parallel. Run it with: sh job.parallel.sh
# Over hosts: name them in HOSTS (ssh logins, or a file of them by --sshloginfile); the folder must be one that all of them see.
# A shard that is killed or run twice does no harm: what is there is skipped, and the same task gives the same row.
set -eu
HOSTS=\${HOSTS:-:}
exec parallel --quote --sshlogin "$HOSTS" --jobs 1 --retries 3 \\
  ${words(program)} batch ${shellWord(plan)} --out ${shellWord(folder)} --shard "{}/${shards}" --jobs ${jobs} ::: $(seq ${shards})
`,
  submit: (jobFile) => ["sh", jobFile],
  ended: null,
  byHand: "sh job.parallel.sh",
};

export const SCHEDULER: Readonly<Record<SchedulerName, Scheduler>> = { slurm, kubernetes, parallel };

/** Is the scheduler's client on this machine? */
export function clientIsThere(name: SchedulerName): boolean {
  const client = { slurm: "sbatch", kubernetes: "kubectl", parallel: "parallel" }[name];
  return spawnSync("sh", ["-c", `command -v ${client}`], { stdio: "ignore" }).status === 0;
}
