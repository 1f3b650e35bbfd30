/** The licences of everything that a package holds, in one text. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/paths.ts";
import { SetupError } from "../lib/say.ts";

/** A package that is shipped, bundled or as it is. */
export interface Licensed {
  readonly name: string;
  readonly version: string;
  /** As its package.json says: an SPDX expression. */
  readonly licence: string;
  /** The licence's text, null where the package brings none. */
  readonly text: string | null;
}

/** Packages that are shipped as folders, not in a bundle (electron-builder.yml, `files`). */
const SHIPPED_FOLDERS = [
  "better-sqlite3",
  "@napi-rs/canvas",
  "@napi-rs/canvas-linux-x64-gnu",
  "@duckdb/node-api",
  "@duckdb/node-bindings",
  "@duckdb/node-bindings-linux-x64",
  "detect-libc",
] as const;

/** What a package contains of others, for which it has no file of its own. */
const INSIDE: readonly { readonly name: string; readonly licence: string; readonly note: string }[] = [
  {
    name: "SQLite (inside better-sqlite3)",
    licence: "Public domain",
    note: "The authors disclaim copyright: https://sqlite.org/copyright.html",
  },
  {
    name: "Skia (inside @napi-rs/canvas)",
    licence: "BSD-3-Clause",
    note: "Copyright (c) 2011 Google Inc. All rights reserved. https://skia.org",
  },
];

function licenceFile(folder: string): string | null {
  const name = readdirSync(folder).find((each) => /^(licen[cs]e|copying)/i.test(each));
  return name === undefined ? null : readFileSync(join(folder, name), "utf8").trim();
}

/** Reads an installed package's own words about itself. */
function licenceOf(folder: string): Licensed {
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, unknown>;
  return {
    name: String(about.name),
    version: String(about.version),
    licence: typeof about.license === "string" ? about.license : "",
    text: licenceFile(folder),
  };
}

/** What the build's bundles hold (vite's `build.license` writes it beside each of them). */
function bundled(): Licensed[] {
  const found = new Map<string, Licensed>();
  const dist = join(ROOT, "dist");
  const lists = readdirSync(dist)
    .map((part) => join(dist, part, ".vite"))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)));
  if (lists.length === 0)
    throw new SetupError("the build left no list of what it bundled (dist/*/.vite/license*.json); build anew");
  for (const file of lists)
    for (const { name, version, identifier, text } of JSON.parse(readFileSync(file, "utf8")) as {
      name: string;
      version: string;
      identifier?: string;
      text?: string;
    }[])
      found.set(`${name}@${version}`, { name, version, licence: identifier ?? "", text: text ?? null });
  return [...found.values()];
}

function installed(name: string): string {
  return join(ROOT, "node_modules", name);
}

/** Everything shipped beside Electron (whose own files lie in the package), sorted by name. */
export function shippedLicences(): Licensed[] {
  const nodeFolder = join(installed("node"), "node_modules");
  const nodeBinary = readdirSync(nodeFolder).find((each) => /^node-(linux|darwin|win)/.test(each));
  if (nodeBinary === undefined)
    throw new SetupError("the licence of Node is not in node_modules any more (npm install takes it away); run npm ci");
  const all = [
    ...bundled(),
    ...SHIPPED_FOLDERS.filter((name) => existsSync(installed(name))).map((name) => licenceOf(installed(name))),
    licenceOf(installed("@fontsource-variable/inter")),
    { ...licenceOf(join(nodeFolder, nodeBinary)), name: "Node.js" },
  ];
  const byName = new Map(all.map((each) => [each.name, each]));
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The text of LICENSES.txt. Throws SetupError where a package does not say under which licence it is. */
export function licencesText(): string {
  const all = shippedLicences();
  const silent = all.filter((each) => each.licence === "" && each.text === null);
  if (silent.length > 0)
    throw new SetupError(`no licence is known of ${silent.map((each) => each.name).join(", ")}: it cannot be shipped`);
  const list = [
    ...all.map(({ name, version, licence }) => `${name} ${version}: ${licence || "see its text below"}`),
    ...INSIDE.map(({ name, licence, note }) => `${name}: ${licence}. ${note}`),
    "Electron: MIT, see LICENSE.electron.txt; Chromium and what it holds: see LICENSES.chromium.html",
  ];
  const texts = all.map(
    ({ name, version, licence, text }) =>
      `${"=".repeat(78)}\n${name} ${version} (${licence})\n${"=".repeat(78)}\n\n${text ?? "The package brings no text of its licence."}\n`,
  );
  return [
    "Reclaim Lab is under the MIT licence (LICENSE). With it come the works of others:\n",
    list.map((line) => `  ${line}`).join("\n"),
    "",
    ...texts,
  ].join("\n");
}
