/** The program as a .tar.gz: one folder, to be unpacked anywhere. */
import { NAME, SOURCE_DATE, TAR_FILE, VERSION } from "./about.ts";
import { command } from "./command.ts";

export function makeTar(folder: string): string {
  const inside = `${NAME}-${VERSION}`;
  command("tar", [
    "--create",
    "--use-compress-program=gzip -n",
    "--format=gnu",
    // Whatever the umask of whoever builds it.
    "--mode=u+rw,go=u-w",
    `--mtime=@${SOURCE_DATE}`,
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
