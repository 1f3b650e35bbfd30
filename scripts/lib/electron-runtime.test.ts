/** Which Electron is run: the pinned one, or another that says so. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { findElectron } from "./electron-runtime.ts";
import { ROOT } from "./paths.ts";
import { STAND_IN_VERSION } from "./stand-in.ts";

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
