// electron-builder's hook: a runtime's own default app has no place in a package.
import { rmSync } from "node:fs";
import { join } from "node:path";

export default function afterPack({ appOutDir, electronPlatformName, packager }) {
  const resources =
    electronPlatformName === "darwin"
      ? join(appOutDir, `${packager.appInfo.productFilename}.app`, "Contents", "Resources")
      : join(appOutDir, "resources");
  rmSync(join(resources, "default_app.asar"), { force: true });
}
