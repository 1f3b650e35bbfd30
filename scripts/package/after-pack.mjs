// electron-builder's hook: a runtime's own default app has no place in a package, nor has the sandbox's helper that would
// have to belong to root and be set-user-id: where users have namespaces it is not used, and elsewhere we do not ask for it.
import { rmSync } from "node:fs";
import { join } from "node:path";

export default function afterPack({ appOutDir, electronPlatformName, packager }) {
  const resources =
    electronPlatformName === "darwin"
      ? join(appOutDir, `${packager.appInfo.productFilename}.app`, "Contents", "Resources")
      : join(appOutDir, "resources");
  rmSync(join(resources, "default_app.asar"), { force: true });
  rmSync(join(appOutDir, "chrome-sandbox"), { force: true });
}
