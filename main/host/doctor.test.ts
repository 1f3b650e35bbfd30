/** What a machine lacks, and that doctor and a measured run say so: each found by the code that finds it in earnest. */
import { chmod, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Fact } from "../contract.ts";

let folder: string;
let platform: PropertyDescriptor | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "doctor-"));
  platform = Object.getOwnPropertyDescriptor(process, "platform");
  vi.resetModules();
});

afterEach(async () => {
  vi.unstubAllEnvs();
  if (platform !== undefined) Object.defineProperty(process, "platform", platform);
  await rm(folder, { recursive: true, force: true });
});

function be(name: NodeJS.Platform): void {
  Object.defineProperty(process, "platform", { ...platform, value: name });
}

/** A program in the folder. */
async function program(name: string, script: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

/** A stand-in for the probe, which answers as it does on a kernel of this sort. `profile`: a command that says what it found. */
async function probe(reclaims: boolean, profile = "exit 1"): Promise<void> {
  const answer = { reclaims, release: "6.12.0", process_madvise: true, guard: false, uffd_wp: true, own_kb: 40 };
  const script = `if [ "$1" = profile ]; then ${profile}; else echo '${JSON.stringify(answer)}'; fi`;
  vi.stubEnv("RECLAIM_PROBE", await program("reclaim-probe", script));
}

async function fact(id: string): Promise<Fact | undefined> {
  const { lookAround } = await import("./doctor.ts");
  return (await lookAround(join(folder, "history.sqlite"))).find((each) => each.id === id);
}

async function measure(mode: "sync" | "none"): Promise<unknown> {
  const { requireKernel } = await import("../../probe/driver.ts");
  const { describeError } = await import("../../engine/error.ts");
  try {
    return requireKernel(mode).release;
  } catch (error) {
    return describeError(error);
  }
}

describe("not Linux", () => {
  test("measured runs and captures are off, and it says why; the model is not concerned", async () => {
    be("darwin");
    expect(await fact("measured")).toMatchObject({
      state: "missing",
      value: "no: measured runs need Linux; this is darwin",
      todo: expect.stringContaining("--source model"),
    });
    expect(await fact("capture")).toMatchObject({
      state: "missing",
      value: expect.stringContaining("this is darwin"),
      todo: "Record on a Linux machine; its captures can be opened here",
    });
    expect(await fact("pt-reclaim-config")).toMatchObject({ value: "not Linux" });
    expect(await fact("kernel-profile")).toMatchObject({
      state: "note",
      value: "not found out: measured runs need Linux; this is darwin",
    });
    expect(await measure("none")).toMatch(/not possible on this machine: measured runs need Linux; this is darwin/);
  });
});

describe("no C compiler", () => {
  test("building the probe says which one it looked for and what to install", async () => {
    const { buildProbe } = await import("../../probe/build.ts");
    vi.stubEnv("CC", join(folder, "no-such-cc"));
    expect(buildProbe()).toMatch(/^no C compiler: .*no-such-cc does not start .*install one \(Debian: gcc libc6-dev\)/);
    vi.stubEnv("CC", await program("bad-cc", "echo 'stdio.h: No such file' >&2; exit 1"));
    expect(buildProbe()).toMatch(/bad-cc could not build the probe:\nstdio.h: No such file/);
  });

  test("where the probe was never built, measured runs are off", async () => {
    vi.stubEnv("PATH", folder);
    vi.stubEnv("RECLAIM_PROBE", join(folder, "not-built"));
    expect(await fact("compiler")).toMatchObject({ state: "missing", value: "none" });
    expect(await fact("measured")).toMatchObject({
      state: "missing",
      value: expect.stringMatching(/^no: the probe is missing; in the sources, npm run build:probe makes it$/),
    });
    if (process.platform !== "linux") return;
    expect(await fact("capture")).toMatchObject({ state: "missing", todo: expect.stringContaining("build:probe") });
  });

  test("a probe that does not run on this machine is said with what it said", async () => {
    vi.stubEnv(
      "RECLAIM_PROBE",
      await program("reclaim-probe", "echo 'reclaim-probe: cannot reserve memory' >&2; exit 1"),
    );
    expect(await measure("none")).toContain("reclaim-probe: cannot reserve memory");
  });
});

describe("no feature", () => {
  test("a kernel that does not reclaim can be measured without reclaim only", async () => {
    if (process.platform !== "linux") return;
    await probe(false);
    expect(await fact("measured")).toMatchObject({ state: "note", value: expect.stringMatching(/^no reclaim only/) });
    expect(await measure("none")).toBe("6.12.0");
    expect(await measure("sync")).toMatch(/Linux 6\.12\.0 does not reclaim page tables in MADV_DONTNEED/);
  });

  test("one that does, in both", async () => {
    if (process.platform !== "linux") return;
    await probe(true);
    expect(await fact("measured")).toMatchObject({ state: "ok" });
    expect(await measure("sync")).toBe("6.12.0");
  });
});

describe("the kernel's profile", () => {
  test("is said in words: which known one it is, and what else", async () => {
    if (process.platform !== "linux") return;
    const said = fileURLToPath(new URL("../../probe/testdata/profile-6.12.txt", import.meta.url));
    await probe(false, `cat '${said}'`);
    const { profile, ...found } = (await fact("kernel-profile")) ?? {};
    expect(found).toEqual({
      id: "kernel-profile",
      label: "Kernel profile",
      state: "ok",
      value: "as 6.12, but: Anonymous memory has no names",
    });
    expect(profile).toMatchObject({ name: "6.12.115+deb12-cloud-amd64", ptReclaim: false, hugeZeroWrite: "split" });
  });

  test("says what could not be tried, and why", async () => {
    if (process.platform !== "linux") return;
    const said = fileURLToPath(new URL("../../probe/testdata/profile-6.12.txt", import.meta.url));
    await probe(false, `sed 's/^uffd_wp\t.*/uffd_wp\tunknown\tuserfaultfd: EPERM/' '${said}'`);
    expect(await fact("kernel-profile")).toMatchObject({
      state: "note",
      todo: "Could not be tested here, so assumed as in the reference: Write-protection by userfaultfd (userfaultfd: EPERM)",
    });
  });
});

describe("no perf", () => {
  test("captures go by tracefs where that may be used, and it says why; --with perf says what to install", async () => {
    if (process.platform !== "linux") return;
    await probe(true);
    await symlink("/bin/sh", join(folder, "sh"));
    vi.stubEnv("PATH", folder);
    expect((await fact("capture"))?.value).toMatch(
      /^(?:with tracefs \(perf is not installed\)|no: perf is not installed; )/,
    );
    const { captureMeans } = await import("../../probe/capture-means.ts");
    expect(await captureMeans("perf")).toEqual({
      how: null,
      why: "perf is not installed",
      todo: expect.stringContaining("Debian: linux-perf"),
    });
  });

  test("a perf that may not record is said with what it said", async () => {
    if (process.platform !== "linux") return;
    await probe(true);
    await program("perf", "echo 'Error: No permission to enable raw_syscalls:sys_enter event.' >&2; exit 255");
    vi.stubEnv("PATH", folder);
    const { captureMeans } = await import("../../probe/capture-means.ts");
    expect(await captureMeans("perf")).toMatchObject({
      how: null,
      why: "No permission to enable raw_syscalls:sys_enter event.",
    });
  });
});
