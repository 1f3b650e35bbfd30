/**
 * `npm run build:probe`: compiles probe/src with the system's C compiler into one static program, probe/bin/reclaim-probe.
 * Where that cannot be done it says why, and measured runs are off (exit status 0 with --optional).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { threadId } from "node:worker_threads";
import { PROBE_PATH } from "./locate.ts";

/**
 * No C library and position-independent code, so that the image can go where no workload is (a PGD entry of its own,
 * src/place.c); the loops of lib.c must not be turned into calls of the functions they are.
 */
const FLAGS = [
  "-std=gnu17",
  "-O2",
  "-Wall",
  "-Wextra",
  "-ffreestanding",
  "-fPIE",
  "-fno-stack-protector",
  "-fno-asynchronous-unwind-tables",
  "-fcf-protection=none",
  "-fno-tree-loop-distribute-patterns",
  "-nostdlib",
  "-static-pie",
  "-s",
  "-Wl,--no-relax,--build-id=none,-z,noexecstack",
];

/** Builds the probe. Returns null, or one sentence that says why it could not. */
export function buildProbe(): string | null {
  if (process.platform !== "linux") return `the probe asks a Linux kernel; this is ${process.platform}`;
  if (process.arch !== "x64") return `the probe knows x86_64 page tables; this machine is ${process.arch}`;
  const sources = fileURLToPath(new URL("./src/", import.meta.url));
  if (!existsSync(sources)) return `the probe's sources are not in ${sources}`;
  const cc = process.env.CC || "cc";
  const files = readdirSync(sources)
    .filter((name) => name.endsWith(".c"))
    .sort()
    .map((name) => sources + name);
  const folder = fileURLToPath(new URL("./bin/", import.meta.url));
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    return `the probe cannot be built in ${folder} (${(error as NodeJS.ErrnoException).code}); whoever owns the sources can: npm run build:probe`;
  }
  const temporary = `${PROBE_PATH}.${process.pid}-${threadId}.tmp`;
  const run = spawnSync(cc, [...FLAGS, "-o", temporary, ...files], { encoding: "utf8" });
  if (run.error)
    return `no C compiler: ${cc} does not start (${run.error.message}); install one (Debian: gcc libc6-dev) or set CC`;
  if (run.status !== 0) {
    rmSync(temporary, { force: true });
    return `${cc} could not build the probe:\n${run.stderr.trim()}`;
  }
  renameSync(temporary, PROBE_PATH);
  return null;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const why = buildProbe();
  if (why !== null) console.error(`build:probe: ${why}`);
  process.exitCode = why === null || process.argv.includes("--optional") ? 0 : 1;
}
