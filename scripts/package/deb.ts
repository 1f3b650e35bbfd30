/** The program as a .deb: under /opt, with its command, man page, menu entry, icons and file type where Debian has them. */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DEB_FILE, NAME, STAGING, VERSION } from "./about.ts";
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
    "Description: desktop lab for page-table memory",
    " Runs workloads with and without the kernel's synchronous reclaim of empty",
    " page tables, modelled and measured, keeps every run and compares them.",
    " Brings a window (reclaim-lab window) and a command line (reclaim-lab).",
  ].join("\n")}\n`;
}

/** A regular tree of directories that everyone may read, whatever the umask of whoever builds it. */
/** What can be started; libraries are only loaded, whatever mode they came with. */
function isProgram(path: string): boolean {
  if (/\.(?:so(?:\.\d+)*|node)$/.test(path)) return false;
  return (lstatSync(path).mode & 0o111) !== 0;
}

/** Debian's own form of a changelog, which refers to ours. */
function debianChangelog(changedAt: Date): string {
  const date = changedAt.toUTCString().replace("GMT", "+0000");
  return `${NAME} (${VERSION}) unstable; urgency=medium\n\n  * What changed is in NEWS.gz beside this file.\n\n -- ${MAINTAINER}  ${date}\n`;
}

function openToAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    else if (entry.isFile()) chmodSync(path, isProgram(path) ? 0o755 : 0o644);
  }
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
  const changelog = debianChangelog(statSync(changes).mtime);
  writeFileSync(join(docs, "changelog.gz"), gzipSync(changelog, { level: 9 }));
  mkdirSync(join(root, "usr", "bin"), { recursive: true });
  symlinkSync(`/opt/${NAME}/reclaim-lab`, join(root, "usr", "bin", "reclaim-lab"));
  openToAll(root);
  mkdirSync(join(root, "DEBIAN"), { mode: 0o755 });
  writeFileSync(join(root, "DEBIAN", "control"), control(kilobytesIn(root)), { mode: 0o644 });
  command("dpkg-deb", ["-Zgzip", "-z6", "--root-owner-group", "--build", root, DEB_FILE]);
  rmSync(root, { recursive: true, force: true });
  return DEB_FILE;
}
