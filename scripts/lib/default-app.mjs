// The stand-in runtime's default app (packed into resources/default_app.asar): what Electron's own does with its
// arguments, as far as this project and Playwright need it. `electron [-r FILE] PATH ...` runs the app at PATH.
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { app } from "electron";

const args = process.argv.slice(1);
let path;
for (let i = 0; i < args.length; i++) {
  const arg = args[i];
  if (arg === "-r" || arg === "--require") createRequire(import.meta.url)(resolve(args[++i]));
  else if (arg === "--") {
    path ??= args[i + 1];
    break;
  } else if (!arg.startsWith("-")) {
    path = arg;
    break;
  }
}
if (path === undefined) {
  process.stderr.write("usage: electron [-r FILE] PATH [ARGUMENT]...\n");
  process.exit(2);
}
path = resolve(path);
let main = path;
if (statSync(path).isDirectory()) {
  const about = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  app.setName(about.productName ?? about.name);
  app.setVersion(about.version);
  app.setAppPath(path);
  main = join(path, about.main ?? "index.js");
} else app.setAppPath(dirname(path));
await import(pathToFileURL(main).href);
