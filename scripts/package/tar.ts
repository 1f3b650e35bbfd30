/** The program as a .tar.gz: one folder, to be unpacked anywhere. */
import { NAME, TAR_FILE, VERSION } from "./about.ts";
import { command } from "./command.ts";

export function makeTar(folder: string): string {
  const inside = `${NAME}-${VERSION}`;
  command("tar", [
    "--create",
    "--gzip",
    "--owner=0",
    "--group=0",
    "--sort=name",
    `--transform=flags=r;s,^\\.,${inside},`,
    `--file=${TAR_FILE}`,
    `--directory=${folder}`,
    ".",
  ]);
  return TAR_FILE;
}
