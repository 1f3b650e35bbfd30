/** Which Electron is run: the pinned one, or another that says so. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { findElectron } from "./electron-runtime.ts";
import { ROOT } from "./paths.ts";
import { prepareStandIn, STAND_IN_VERSION } from "./stand-in.ts";

const json = (path: string) => JSON.parse(readFileSync(join(ROOT, path), "utf8"));
afterEach(() => vi.unstubAllEnvs());

it("one Electron is pinned, by its exact version, in package.json and in the lock", () => {
  const wanted: string = json("package.json").devDependencies.electron;
  expect(wanted).toMatch(/^\d+\.\d+\.\d+$/);
  const locked = json("package-lock.json").packages["node_modules/electron"];
  expect(locked).toMatchObject({ version: wanted, integrity: expect.stringMatching(/^sha512-/) });
  expect(json("node_modules/electron/package.json").version).toBe(wanted);
  // The stand-in is the older one, never the other way round.
  expect(Number.parseInt(STAND_IN_VERSION, 10)).toBeLessThan(Number.parseInt(wanted, 10));
});

it.skipIf(process.platform !== "linux")("whatever is chosen is named with its version and the reason", async () => {
  const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-electron-"));
  try {
    vi.stubEnv("ELECTRON_OVERRIDE_DIST_PATH", folder);
    await expect(findElectron()).rejects.toThrow("there is no Electron in it");
    writeFileSync(join(folder, "electron"), "#!/bin/sh\necho v45.4.1\n");
    chmodSync(join(folder, "electron"), 0o755);
    writeFileSync(join(folder, "version"), "45.4.1");
    expect((await findElectron()).chosen).toBe("Electron 45.4.1, from ELECTRON_OVERRIDE_DIST_PATH");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it.skipIf(process.platform !== "linux")(
  "one past its end of life is said so, and packed for no one unless that is asked for",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "reclaim-lab-electron-"));
    try {
      writeFileSync(join(folder, "electron"), "#!/bin/sh\n");
      chmodSync(join(folder, "electron"), 0o755);
      writeFileSync(join(folder, "version"), "33.2.1");
      vi.stubEnv("ELECTRON_OVERRIDE_DIST_PATH", folder);
      const fault =
        "Electron 33.2.1 is past its end of life: unsupported, with known security holes that will not be fixed";
      expect((await findElectron()).fault).toBe(fault);
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts", "package.ts"), "dir"], {
        encoding: "utf8",
        env: { ...process.env, NODE_OPTIONS: "" },
      });
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr).toContain(`${fault}: it is packed for no one.`);
      expect(stderr).toContain("--allow-unsupported-electron");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

it.skipIf(process.platform !== "linux")("a stand-in that was changed in the cache is not used", async () => {
  const cache = mkdtempSync(join(tmpdir(), "reclaim-lab-electron-"));
  try {
    const changed = join(cache, `electron-${STAND_IN_VERSION}-linux-x64-r1`);
    mkdirSync(changed, { recursive: true });
    writeFileSync(join(changed, "electron"), "#!/bin/sh\n", { mode: 0o755 });
    vi.stubEnv("RECLAIM_LAB_CACHE", cache);
    // Nothing can be fetched in its place.
    vi.stubEnv("PATH", cache);
    await expect(prepareStandIn()).rejects.toThrow("could not be fetched");
    expect(existsSync(changed)).toBe(false);
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
});
