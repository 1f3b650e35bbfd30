/** The shared libraries and programs of the system that the window needs, found or installed. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { SetupError, say } from "./say.ts";

interface Need {
  /** Package names, the first that the system's archive has is taken (Debian renamed some of them). */
  readonly packages: readonly string[];
  /** A library by its soname, or a program. */
  readonly library?: string;
  readonly program?: string;
}

const WINDOW: readonly Need[] = [
  { packages: ["libgtk-3-0t64", "libgtk-3-0"], library: "libgtk-3.so.0" },
  { packages: ["libnss3"], library: "libnss3.so" },
  { packages: ["libasound2t64", "libasound2"], library: "libasound.so.2" },
  { packages: ["libgbm1"], library: "libgbm.so.1" },
  { packages: ["libx11-xcb1"], library: "libX11-xcb.so.1" },
  { packages: ["libxss1"], library: "libXss.so.1" },
  { packages: ["libxtst6"], library: "libXtst.so.6" },
  { packages: ["libnotify4"], library: "libnotify.so.4" },
];

const VIRTUAL_DISPLAY: readonly Need[] = [
  { packages: ["xvfb"], program: "Xvfb" },
  { packages: ["xvfb"], program: "xvfb-run" },
  { packages: ["xauth"], program: "xauth" },
];

/** For the probe. A compiler without headers says so itself. */
const COMPILER: readonly Need[] = [
  { packages: ["gcc"], program: "cc" },
  { packages: ["libc6-dev"], program: "cc" },
];

function onPath(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
}

function linkerCache(): string {
  for (const ldconfig of ["/sbin/ldconfig", "/usr/sbin/ldconfig", "ldconfig"]) {
    const found = spawnSync(ldconfig, ["-p"], { encoding: "utf8" });
    if (found.status === 0) return found.stdout;
  }
  return "";
}

function missing(needs: readonly Need[]): Need[] {
  const cache = linkerCache();
  return needs.filter((need) =>
    need.program === undefined ? !cache.includes(`\t${need.library} `) : !onPath(need.program),
  );
}

function namesOf(needs: readonly Need[]): string {
  return [...new Set(needs.map((need) => need.library ?? need.program))].join(", ");
}

function isDebian(): boolean {
  try {
    return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(readFileSync("/etc/os-release", "utf8")) && onPath("apt-get");
  } catch {
    return false;
  }
}

/** Which of the packages the system's archive has. Asked once: apt-cache takes its time to start. */
function available(names: readonly string[]): ReadonlySet<string> {
  const policy = spawnSync("apt-cache", ["policy", ...names], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  const found = (policy.stdout ?? "").matchAll(/^(\S+):\n.*\n\s+Candidate: (?!\(none\))/gm);
  return new Set([...found].map(([, name = ""]) => name));
}

function packagesOf(needs: readonly Need[]): string[] {
  const there = available(needs.flatMap((need) => need.packages));
  return [...new Set(needs.map((need) => need.packages.find((name) => there.has(name)) ?? need.packages.at(-1) ?? ""))];
}

function install(needs: readonly Need[]): void {
  const quiet = { stdio: ["ignore", "ignore", "pipe"] as ["ignore", "ignore", "pipe"], encoding: "utf8" as const };
  say(`installing system libraries (${packagesOf(needs).join(" ")})`);
  execFileSync("apt-get", ["update", "-qq"], quiet);
  const packages = packagesOf(needs);
  execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], {
    ...quiet,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}

/**
 * Makes sure that Electron can start: as root on Debian or Ubuntu what is missing is installed, elsewhere the one
 * command to type is in the error. `virtualDisplay`: also what shows a window where there is no display.
 */
export function ensureSystemLibraries(options: { readonly virtualDisplay: boolean }): void {
  if (process.platform !== "linux") return;
  ensure(options.virtualDisplay ? [...WINDOW, ...VIRTUAL_DISPLAY] : WINDOW);
}

/** The same for the C compiler that measured runs need; everything else works without it, so that what is lacking is only said. */
export function ensureCompiler(): void {
  if (process.platform !== "linux" || process.env.CC) return;
  try {
    ensure(COMPILER);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`measured runs will be off: ${error.message}`);
  }
}

function ensure(needs: readonly Need[]): void {
  const lacking = missing(needs);
  if (lacking.length === 0) return;
  const names = namesOf(lacking);
  if (!isDebian())
    throw new SetupError(`this system lacks ${names}: install them with its package manager and try again`);
  const command = `apt-get install -y --no-install-recommends ${packagesOf(lacking).join(" ")}`;
  if (process.getuid?.() !== 0) throw new SetupError(`this system lacks ${names}. Type: sudo ${command}`);
  try {
    install(lacking);
  } catch (error) {
    const stderr = String((error as { stderr?: unknown }).stderr ?? error)
      .trim()
      .split("\n")
      .at(-1);
    throw new SetupError(`this system lacks ${names}, and ${command} failed: ${stderr}`);
  }
  const still = missing(lacking);
  if (still.length > 0) throw new SetupError(`still missing after ${command}: ${namesOf(still)}`);
}
