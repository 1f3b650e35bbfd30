/** Gathers what lies beside the program in every package. */
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/paths.ts";
import { PACKAGING, STAGING } from "./about.ts";
import { drawIcons } from "./icons.ts";
import { licencesText } from "./licences.ts";
import { makeManPage } from "./man.ts";
import { sbomText } from "./sbom.ts";

/** What only a Linux desktop has a use for. */
const LINUX_FILES = ["reclaim-lab", "reclaim-lab.desktop", "reclaim-lab.xml", "icon.svg"];

/** `electron`: the version that is packed. */
export async function stage(electron: string): Promise<void> {
  rmSync(STAGING, { recursive: true, force: true });
  const files = join(STAGING, "files");
  mkdirSync(files, { recursive: true });
  await drawIcons(join(STAGING, "icons"));
  for (const name of ["LICENSE", "CHANGELOG.md"]) copyFileSync(join(ROOT, name), join(files, name));
  writeFileSync(join(files, "LICENSES.txt"), licencesText());
  writeFileSync(join(files, "sbom.cdx.json"), sbomText(electron));
  if (process.platform !== "linux") return;
  for (const name of LINUX_FILES) copyFileSync(join(PACKAGING, name), join(files, name));
  writeFileSync(join(files, "reclaim-lab.1"), makeManPage());
  chmodSync(join(files, "reclaim-lab"), 0o755);
}
