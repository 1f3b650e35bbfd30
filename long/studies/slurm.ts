/** A Slurm of this machine alone: munged, slurmctld and slurmd on files and ports of their own, and their end. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue"] as const;

/** What of Slurm is not installed; empty: all of it is there. */
export function missingSlurm(): string[] {
  return PROGRAMS.filter((name) => spawnSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" }).status !== 0);
}

export interface Slurm {
  /** For whoever submits. */
  readonly env: Readonly<Record<string, string>>;
  stop(): void;
}

const port = () => 20_000 + (randomBytes(2).readUInt16LE() % 20_000);

function demand(done: SpawnSyncReturns<string>, what: string): void {
  if (done.status !== 0) throw new Error(`${what} does not start: ${done.stderr}${done.error ?? ""}`);
}

/** Starts it with two slots. Errors: what a daemon said. */
export async function startSlurm(folder: string): Promise<Slurm> {
  const at = (name: string) => join(folder, name);
  for (const name of ["state", "spool"]) mkdirSync(at(name), { recursive: true });
  writeFileSync(at("munge.key"), randomBytes(1024), { mode: 0o600 });
  chmodSync(folder, 0o755);
  const host = hostname().split(".")[0];
  const conf = at("slurm.conf");
  writeFileSync(
    conf,
    `ClusterName=studies
SlurmctldHost=${host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${at("munge.sock")}
CredType=cred/munge
SlurmctldPort=${port()}
SlurmdPort=${port()}
StateSaveLocation=${at("state")}
SlurmdSpoolDir=${at("spool")}
SlurmctldPidFile=${at("slurmctld.pid")}
SlurmdPidFile=${at("slurmd.pid")}
SlurmctldLogFile=${at("slurmctld.log")}
SlurmdLogFile=${at("slurmd.log")}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SwitchType=switch/none
MpiDefault=none
JobRequeue=1
NodeName=${host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=studies Nodes=${host} Default=YES MaxTime=INFINITE State=UP
`,
  );
  const env = { SLURM_CONF: conf };
  const stop = () => {
    for (const name of ["slurmd", "slurmctld", "munged"]) {
      const file = at(`${name}.pid`);
      if (!existsSync(file)) continue;
      try {
        process.kill(Number(readFileSync(file, "utf8").trim()), "SIGTERM");
      } catch {
        // It has ended by itself.
      }
    }
  };
  const daemon = (name: string, args: readonly string[]) =>
    demand(spawnSync(name, args, { encoding: "utf8", env: { ...process.env, ...env } }), name);
  try {
    const own = ["key-file=munge.key", "socket=munge.sock", "pid-file=munged.pid", "log-file=munge.log"];
    const paths = [...own, "seed-file=munge.seed"].map((each) => `--${each.replace("=", `=${folder}/`)}`);
    daemon("munged", ["--force", ...paths]);
    daemon("slurmctld", []);
    daemon("slurmd", []);
    for (let tries = 0; tries < 60; tries++) {
      const { stdout } = spawnSync("sinfo", ["--noheader", "--format=%T"], {
        encoding: "utf8",
        env: { ...process.env, ...env },
      });
      if (stdout.trim() === "idle") return { env, stop };
      await sleep(500);
    }
    throw new Error(`Slurm is not ready after 30 s: ${readFileSync(at("slurmctld.log"), "utf8").slice(-500)}`);
  } catch (error) {
    stop();
    throw error;
  }
}
