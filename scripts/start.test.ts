/**
 * `npm start` for an ordinary user whose system lacks Chromium's libraries: the program itself, in namespaces of its own
 * in which the linker's cache has next to nothing and the user is not root.
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./lib/paths.ts";

const OUTER = ["--user", "--map-root-user", "--mount"];
const INNER = ["--user", "--map-user=1000", "--map-group=1000"];
const namespaces =
  process.platform === "linux" &&
  existsSync("/etc/ld.so.cache") &&
  spawnSync("unshare", [...OUTER, "unshare", ...INNER, "true"]).status === 0;

/** The linker's cache of a system that has libgbm and nothing else; null where this one has no libgbm either. */
function poorCache(folder: string): string | null {
  const [, gbm] =
    /libgbm\.so\.1 .*=> (\S+)/.exec(spawnSync("/sbin/ldconfig", ["-p"], { encoding: "utf8" }).stdout) ?? [];
  if (gbm === undefined) return null;
  mkdirSync(join(folder, "lib"), { recursive: true });
  mkdirSync(join(folder, "etc"));
  copyFileSync(gbm, join(folder, "lib", "libgbm.so.1"));
  expect(spawnSync("unshare", [...OUTER, "/sbin/ldconfig", "-r", folder], { encoding: "utf8" }).stderr).not.toMatch(
    /Can't create/,
  );
  return join(folder, "etc", "ld.so.cache");
}

/** Something that listens where a Wayland session would: the program looks for a display before it looks for libraries. */
async function waylandSession(folder: string): Promise<() => void> {
  const server = createServer().listen(join(folder, "wayland-0"));
  await once(server, "listening");
  return () => void server.close();
}

test.skipIf(!namespaces)(
  "an ordinary user without the libraries is told the one command, and nothing is changed",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-start-"));
    const endSession = await waylandSession(folder);
    try {
      const cache = poorCache(folder);
      const script = 'mount --bind "$1" /etc/ld.so.cache && shift && exec "$@"';
      const started = spawnSync(
        "unshare",
        [
          ...OUTER,
          ...["sh", "-c", script, "sh", cache ?? "/dev/null"],
          ...["unshare", ...INNER, process.execPath, join(ROOT, "scripts", "start.ts")],
        ],
        {
          encoding: "utf8",
          env: { ...process.env, DISPLAY: "", WAYLAND_DISPLAY: "wayland-0", XDG_RUNTIME_DIR: folder, NODE_OPTIONS: "" },
          timeout: 60_000,
        },
      );
      const said = started.stderr.trim();
      expect({ status: started.status, lines: said.split("\n").length, out: started.stdout }, said).toEqual({
        status: 1,
        lines: 1,
        out: "",
      });
      expect(said).toMatch(/^reclaim-lab: this system lacks libgtk-3\.so\.0, libnss3\.so, libasound\.so\.2, /);
      if (cache !== null) expect(said).not.toContain("libgbm");
      if (existsSync("/usr/bin/apt-get"))
        expect(said).toMatch(/\. Type: sudo apt-get install -y --no-install-recommends( lib[a-z0-9-]+){7,8}$/);
      else expect(said).toContain("install them with its package manager");
    } finally {
      endSession();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

test.skipIf(process.platform !== "linux")(
  "on a display that is dead the experiment runs in the terminal, and it says why",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-start-"));
    try {
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts", "start.ts")], {
        encoding: "utf8",
        env: { ...process.env, DISPLAY: ":64321", WAYLAND_DISPLAY: "", RECLAIM_LAB_DATA: folder, NODE_OPTIONS: "" },
      });
      expect(stderr).toContain(
        "no display here (DISPLAY is :64321, and nothing listens there): running the default experiment in the terminal",
      );
      expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining("Saved in") });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
