/** Debian's kernels, as packages that apt has: fetched and unpacked, never installed. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface KernelPackage {
  /** linux-image-6.12.115+deb12-cloud-amd64 */
  readonly name: string;
  /** 6.12 */
  readonly series: string;
}

/** The kernels for virtual machines: small, and their serial line is built in. */
const NAME = /^linux-image-(\d+\.\d+)[\w.+-]*-cloud-amd64$/;
/** What the project holds on. */
const OLDEST = [6, 1];

const numbers = (text: string): number[] => (text.match(/\d+/g) ?? []).map(Number);

function byNumbers(a: string, b: string): number {
  const [x, y] = [numbers(a), numbers(b)];
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const difference = (x[i] ?? -1) - (y[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The newest package of every series among these names, the oldest series first. */
export function newestOfSeries(names: readonly string[]): KernelPackage[] {
  const found = new Map<string, string>();
  for (const name of names) {
    const series = NAME.exec(name)?.[1];
    // linux-image-6.12-cloud-amd64 is a name for the newest one.
    if (series === undefined || name === `linux-image-${series}-cloud-amd64`) continue;
    const before = found.get(series);
    if (before === undefined || byNumbers(before, name) < 0) found.set(series, name);
  }
  return [...found]
    .map(([series, name]) => ({ series, name }))
    .filter(({ series }) => byNumbers(series, OLDEST.join(".")) >= 0)
    .sort((a, b) => byNumbers(a.series, b.series));
}

/** Those that apt knows of here; `why`: why there are none. */
export function knownKernels(): { readonly packages: readonly KernelPackage[]; readonly why: string } {
  const asked = spawnSync("apt-cache", ["search", "--names-only", "^linux-image-[0-9].*-cloud-amd64$"], {
    encoding: "utf8",
  });
  if (asked.error) return { packages: [], why: "there is no apt here to get Debian's kernels from" };
  const names = asked.stdout.split("\n").map((line) => line.split(" ")[0]);
  const packages = newestOfSeries(names);
  return { packages, why: packages.length > 0 ? "" : "apt has no linux-image-*-cloud-amd64 (apt-get update?)" };
}

const imageIn = (folder: string): string | undefined => {
  const boot = join(folder, "boot");
  const name = existsSync(boot) ? readdirSync(boot).find((each) => each.startsWith("vmlinuz-")) : undefined;
  return name === undefined ? undefined : join(boot, name);
};

/** The kernel's image, fetched into `folder` where it is not there yet; or why it cannot be had. */
export function fetchImage({ name }: KernelPackage, folder: string): { readonly image?: string; readonly why: string } {
  const place = join(folder, name);
  const there = imageIn(place);
  if (there !== undefined) return { image: there, why: "" };
  mkdirSync(place, { recursive: true });
  const run = (program: string, ...args: string[]): string | null => {
    const { status, error, stderr } = spawnSync(program, args, { cwd: place, encoding: "utf8", timeout: 300_000 });
    return status === 0
      ? null
      : `${program} ${args[0]}: ${error?.message ?? stderr.trim().split("\n").at(-1) ?? status}`;
  };
  const download = run("apt-get", "download", name);
  if (download !== null) return { why: download };
  const archive = readdirSync(place).find((each) => each.endsWith(".deb"));
  if (archive === undefined) return { why: "apt-get download left no package" };
  const unpacked = run("dpkg-deb", "-x", archive, ".");
  rmSync(join(place, archive), { force: true });
  rmSync(join(place, "lib"), { recursive: true, force: true });
  rmSync(join(place, "usr"), { recursive: true, force: true });
  const image = imageIn(place);
  return image === undefined ? { why: unpacked ?? "the package holds no boot/vmlinuz-*" } : { image, why: "" };
}
