/** The program as a .deb: under /opt, with its command, man page, menu entry, icons and file type where Debian has them. */

import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DEB_FILE, HOMEPAGE, NAME, PACKAGING, SOURCE_DATE, STAGING, VERSION } from "./about.ts";
import { command } from "./command.ts";
import { ICON_SIZES } from "./icons.ts";

const MAINTAINER = "The Reclaim Lab authors <authors@reclaim-lab.invalid>";

const DEPENDS = [
  "libc6 (>= 2.28)",
  "libgtk-3-0t64 | libgtk-3-0",
  "libnss3",
  "libasound2t64 | libasound2",
  "libgbm1",
  "libx11-xcb1",
  "libxss1",
  "libxtst6",
  "libnotify4",
  "xdg-utils",
];

function kilobytesIn(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += lstatSync(join(entry.parentPath, entry.name)).size;
  return Math.ceil(bytes / 1024);
}

function control(installedKb: number): string {
  return `${[
    `Package: ${NAME}`,
    `Version: ${VERSION}`,
    "Architecture: amd64",
    "Section: devel",
    "Priority: optional",
    `Maintainer: ${MAINTAINER}`,
    `Installed-Size: ${installedKb}`,
    `Depends: ${DEPENDS.join(", ")}`,
    `Homepage: ${HOMEPAGE}`,
    "Description: desktop lab for page-table memory",
    " Runs workloads with and without the kernel's synchronous reclaim of empty",
    " page tables, modelled and measured, keeps every run and compares them.",
    " Brings a window (reclaim-lab window) and a command line (reclaim-lab).",
  ].join("\n")}\n`;
}

/** What can be started; libraries are only loaded, whatever mode they came with. */
function isProgram(path: string): boolean {
  if (/\.(?:so(?:\.\d+)*|node)$/.test(path)) return false;
  return (lstatSync(path).mode & 0o111) !== 0;
}

/** Debian's own form of a changelog, which refers to ours. */
function debianChangelog(changedAt: Date): string {
  const date = changedAt.toUTCString().replace("GMT", "+0000");
  return `${NAME} (${VERSION}) unstable; urgency=medium\n\n  * See NEWS.gz next to this file for the changes.\n\n -- ${MAINTAINER}  ${date}\n`;
}

/** A regular tree of directories that everyone may read, whatever the umask of whoever builds it. */
function openToAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    else if (entry.isFile()) chmodSync(path, isProgram(path) ? 0o755 : 0o644);
  }
}

/** Every regular file of the package with its sum, as dpkg verifies them. */
function md5sums(root: string): string {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !path.startsWith("DEBIAN/"))
    .sort()
    .map(
      (path) =>
        `${createHash("md5")
          .update(readFileSync(join(root, path)))
          .digest("hex")}  ${path}\n`,
    )
    .join("");
}

/** Gives everything the date of its sources, so that two builds of them are the same bytes. */
function dateAll(root: string): void {
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true }))
    lutimesSync(join(entry.parentPath, entry.name), SOURCE_DATE, SOURCE_DATE);
  lutimesSync(root, SOURCE_DATE, SOURCE_DATE);
}

/** What software centres show (AppStream). */
function metainfo(): string {
  const day = new Date(SOURCE_DATE * 1000).toISOString().slice(0, 10);
  return readFileSync(join(PACKAGING, "metainfo.xml"), "utf8")
    .replaceAll("@HOMEPAGE@", HOMEPAGE)
    .replaceAll("@VERSION@", VERSION)
    .replaceAll("@DATE@", day);
}

/** Makes the .deb of an unpacked program. Needs dpkg-deb. Gives the file. */
export function makeDeb(folder: string): string {
  const root = join(STAGING, "deb");
  rmSync(root, { recursive: true, force: true });
  const opt = join(root, "opt", NAME);
  mkdirSync(join(root, "opt"), { recursive: true });
  cpSync(folder, opt, { recursive: true, verbatimSymlinks: true });
  const share = join(root, "usr", "share");
  const place = (from: string, ...to: string[]) => {
    mkdirSync(join(share, ...to.slice(0, -1)), { recursive: true });
    renameSync(join(opt, from), join(share, ...to));
  };
  place("reclaim-lab.desktop", "applications", "reclaim-lab.desktop");
  place("reclaim-lab.xml", "mime", "packages", "reclaim-lab.xml");
  place("icon.svg", "icons", "hicolor", "scalable", "apps", "reclaim-lab.svg");
  for (const size of ICON_SIZES) {
    const apps = join(share, "icons", "hicolor", `${size}x${size}`, "apps");
    mkdirSync(apps, { recursive: true });
    copyFileSync(join(STAGING, "icons", `${size}x${size}.png`), join(apps, "reclaim-lab.png"));
  }
  const man = join(share, "man", "man1");
  mkdirSync(man, { recursive: true });
  writeFileSync(join(man, "reclaim-lab.1.gz"), gzipSync(readFileSync(join(opt, "reclaim-lab.1")), { level: 9 }));
  rmSync(join(opt, "reclaim-lab.1"));
  const docs = join(share, "doc", NAME);
  mkdirSync(docs, { recursive: true });
  writeFileSync(
    join(docs, "copyright"),
    `${readFileSync(join(opt, "LICENSE"), "utf8")}\nThe works of others that the package holds: /opt/${NAME}/LICENSES.txt\n`,
  );
  const changes = join(opt, "CHANGELOG.md");
  writeFileSync(join(docs, "NEWS.gz"), gzipSync(readFileSync(changes), { level: 9 }));
  const changelog = debianChangelog(new Date(SOURCE_DATE * 1000));
  writeFileSync(join(docs, "changelog.gz"), gzipSync(changelog, { level: 9 }));
  mkdirSync(join(root, "usr", "bin"), { recursive: true });
  symlinkSync(`/opt/${NAME}/reclaim-lab`, join(root, "usr", "bin", "reclaim-lab"));
  mkdirSync(join(share, "metainfo"), { recursive: true });
  writeFileSync(join(share, "metainfo", "lab.reclaim.ReclaimLab.metainfo.xml"), metainfo());
  renameSync(join(opt, "sbom.cdx.json"), join(docs, "sbom.cdx.json"));
  const overrides = join(share, "lintian", "overrides");
  mkdirSync(overrides, { recursive: true });
  copyFileSync(join(PACKAGING, "lintian-overrides"), join(overrides, NAME));
  openToAll(root);
  const about = join(root, "DEBIAN");
  mkdirSync(about);
  writeFileSync(join(about, "control"), control(kilobytesIn(root)));
  writeFileSync(join(about, "md5sums"), md5sums(root));
  openToAll(about);
  dateAll(root);
  command("dpkg-deb", ["-Zgzip", "-z6", "--root-owner-group", "--build", root, DEB_FILE], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(SOURCE_DATE) },
  });
  rmSync(root, { recursive: true, force: true });
  return DEB_FILE;
}
