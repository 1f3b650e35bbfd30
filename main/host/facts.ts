import { cpus, release, totalmem } from "node:os";
import type { HostFacts } from "../contract.ts";
import { VERSION } from "../version.ts";

/** What runs are made on. `ptReclaimSeen`: whether the running kernel was seen to reclaim; null: not tried. */
export function hostFacts(ptReclaimSeen: boolean | null): HostFacts {
  const cores = cpus();
  return {
    engineVersion: VERSION,
    platform: `${process.platform} ${process.arch}`,
    kernelRelease: release(),
    cpu: cores[0]?.model.trim() ?? "",
    cpus: cores.length,
    memoryKb: Math.floor(totalmem() / 1024),
    ptReclaimSeen,
  };
}
