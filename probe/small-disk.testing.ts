/** For tests of what happens on a full disk. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";

/** A file system in memory of so much room (as `size=` of tmpfs), mounted on a new folder; `why`: why there is none (it needs root). */
export function smallDisk(path: string, size: string): { readonly why: string | null; remove(): void } {
  mkdirSync(path, { recursive: true });
  const words = ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path];
  const { status, stderr, error } = spawnSync("mount", words, { encoding: "utf8" });
  if (status === 0) return { why: null, remove: () => void spawnSync("umount", ["-l", path]) };
  const why = `no tmpfs can be mounted: ${error?.message ?? stderr.trim()}`;
  console.warn(`full disks are not tested: ${why}`);
  return { why, remove: () => undefined };
}
