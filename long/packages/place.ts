/** Where a package is tried: a fresh Debian in a folder, with a user of its own and nothing else. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const USER = "lab";
/**
 * Mounts that end with the command: they are made in a mount namespace of its own. The folder becomes that namespace's
 * root (not a chroot, in which users get no namespaces and Chromium no sandbox).
 */
const ENTER = [
  'mount --bind "$R" "$R"',
  'mount -t proc proc "$R/proc"',
  'mount --rbind /dev "$R/dev"',
  'mount -t tmpfs -o mode=1777 tmpfs "$R/dev/shm"',
  'mount -t sysfs -o ro sysfs "$R/sys"',
  'cd "$R"',
  "pivot_root . .",
  "umount -l .",
].join(" && ");

export class FreshDebian {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Why one cannot be made here, or null. */
  static missing(): string | null {
    if (process.getuid?.() !== 0) return "only root can make one";
    for (const program of ["debootstrap", "unshare", "pivot_root", "chroot"])
      if (spawnSync(program, ["--version"]).error !== undefined) return `${program} is not installed`;
    return null;
  }

  /** Makes the system: a minimal one, from the archive that this machine uses. */
  make(log: string): void {
    rmSync(this.root, { recursive: true, force: true });
    mkdirSync(this.root, { recursive: true });
    const done = spawnSync("sh", [
      "-c",
      'debootstrap --variant=minbase bookworm "$0" $1 >"$2" 2>&1',
      this.root,
      archive(),
      log,
    ]);
    if (done.status !== 0) throw new Error(`debootstrap failed, see ${log}`);
    for (const folder of ["sources.list.d", "apt.conf.d"]) {
      const from = join("/etc/apt", folder);
      if (!existsSync(from)) continue;
      for (const name of readdirSync(from).filter((each) => /^debian\.sources$|registry/.test(each)))
        spawnSync("cp", [join(from, name), join(this.root, "etc/apt", folder, name)]);
    }
    rmSync(join(this.root, "etc/apt/sources.list"), { force: true });
    if (!existsSync(join(this.root, "etc/apt/sources.list.d/debian.sources")))
      spawnSync("cp", ["/etc/apt/sources.list", join(this.root, "etc/apt/sources.list")]);
    spawnSync("cp", ["-L", "/etc/resolv.conf", join(this.root, "etc/resolv.conf")]);
    spawnSync("cp", ["-L", "/etc/hosts", join(this.root, "etc/hosts")]);
    this.must("root", ["apt-get", "update", "-qq"]);
    this.must("root", ["useradd", "--create-home", USER]);
  }

  #command(user: "root" | "lab", args: readonly string[], env: Readonly<Record<string, string>>): string[] {
    const variables = {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      LANG: "C.UTF-8",
      HOME: user === "root" ? "/root" : `/home/${USER}`,
      ...env,
    };
    return [
      "--mount",
      "--propagation",
      "private",
      "sh",
      "-c",
      `R=$1; shift; ${ENTER} && exec chroot --userspec="$@"`,
      "sh",
      this.root,
      `${user === "root" ? "root:root" : `${USER}:${USER}`}`,
      "/",
      "/usr/bin/env",
      "-i",
      "-C",
      variables.HOME,
      ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
      ...args,
    ];
  }

  run(user: "root" | "lab", args: readonly string[], env: Readonly<Record<string, string>> = {}): Ran {
    const { status, stdout, stderr, error } = spawnSync("unshare", this.#command(user, args, env), {
      encoding: "utf8",
      maxBuffer: 256 << 20,
      env: { PATH: process.env.PATH, DEBIAN_FRONTEND: "noninteractive" },
    });
    if (error !== undefined) throw error;
    return { status, stdout, stderr };
  }

  /** Runs and throws where it fails; gives stdout. */
  must(user: "root" | "lab", args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
    const { status, stdout, stderr } = this.run(user, args, env);
    if (status !== 0)
      throw new Error(`${args.join(" ")} ended with ${status}:\n${stdout.slice(-1500)}${stderr.slice(-1500)}`);
    return stdout;
  }

  /** The program and arguments that start something here, for spawn. */
  starting(
    user: "root" | "lab",
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): [string, string[]] {
    return ["unshare", this.#command(user, args, env)];
  }

  spawn(user: "root" | "lab", args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    return spawn(...this.starting(user, args, env), { stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Every path of the system with what it is, but for what packaging tools note for themselves. */
  files(): Set<string> {
    const ignored = /^\/(proc|sys|dev|tmp|run|home|root|var\/(cache|log|lib\/(apt|dpkg)))(\/|$)/;
    const listed = spawnSync("find", [this.root, "-xdev", "-printf", "/%P %y %m\\n"], {
      encoding: "utf8",
      maxBuffer: 256 << 20,
    });
    return new Set(listed.stdout.split("\n").filter((line) => line !== "" && !ignored.test(line)));
  }
}

function archive(): string {
  const sources = "/etc/apt/sources.list.d/debian.sources";
  const text = existsSync(sources) ? readFileSync(sources, "utf8") : readFileSync("/etc/apt/sources.list", "utf8");
  const found = /^URIs:\s*(\S+)/m.exec(text)?.[1] ?? /^deb\s+(?:\[.*?\]\s+)?(\S+)/m.exec(text)?.[1];
  if (found === undefined) throw new Error("apt's sources name no archive to make a fresh Debian from");
  return found;
}
