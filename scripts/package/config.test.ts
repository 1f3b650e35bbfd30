import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../lib/paths.ts";
import { VERSION } from "./about.ts";
import { FUSES_WANTED } from "./fuses.ts";

const config = readFileSync(join(ROOT, "electron-builder.yml"), "utf8");

describe("electron-builder.yml", () => {
  it("sets every fuse as the check after packaging wants it", () => {
    for (const [name, on] of Object.entries(FUSES_WANTED))
      expect(config).toContain(`  ${name[0]?.toLowerCase()}${name.slice(1)}: ${on}\n`);
  });

  it("ships what bundles leave out", () => {
    const vite = readFileSync(join(ROOT, "vite.config.ts"), "utf8");
    const external = /const EXTERNAL = \[(.*)\]/.exec(vite)?.[1] ?? "";
    const names = [...external.matchAll(/"([^"]+)"/g)].map((match) => match[1]).filter((name) => name !== "electron");
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(config).toContain(`- node_modules/${name}/`);
  });
});

describe("CHANGELOG.md", () => {
  it("has a part about this version", () => {
    expect(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8")).toMatch(
      new RegExp(`^## ${VERSION.replaceAll(".", "\\.")}$`, "m"),
    );
  });
});
