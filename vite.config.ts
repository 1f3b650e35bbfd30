import { resolve } from "node:path";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const at = (...path: string[]) => resolve(import.meta.dirname, ...path);
/** Not bundled: what has a binary of its own, and what the runtime brings. */
const EXTERNAL = [/^node:/, "electron", "better-sqlite3", "@napi-rs/canvas", "@duckdb/node-api"];

/** What each bundle holds of others, for the licences in the packages. */
const LICENCES = { fileName: ".vite/license.json" };

/** A part that runs on Node or in Electron's main process. */
function part(outDir: string, input: Record<string, string>, format: "es" | "cjs", extension: string) {
  return {
    consumer: "server" as const,
    resolve: {
      noExternal: true as const,
      external: ["electron", "better-sqlite3", "@napi-rs/canvas", "@duckdb/node-api"],
    },
    build: {
      outDir: at("dist", outDir),
      license: LICENCES,
      emptyOutDir: true,
      target: "node20",
      minify: false,
      sourcemap: false,
      rolldownOptions: {
        input,
        external: EXTERNAL,
        output: { format, entryFileNames: `[name].${extension}`, chunkFileNames: `[name]-[hash].${extension}` },
      },
    },
  };
}

/**
 * The command line, beside the host's workers, which it starts. By itself: what it shares with them would be cut into a chunk for each
 * set of users, and a chunk costs Node half a millisecond. What every command needs is one chunk, what those of the history need another.
 */
const commandLine = (() => {
  const { build, ...rest } = part("host", { cli: at("main", "cli.ts") }, "es", "mjs");
  const { rolldownOptions } = build;
  const chunk = (name: string, test: RegExp) => ({ name, test, includeDependenciesRecursively: true });
  const groups = [
    chunk("version", /main\/version\.ts$/),
    chunk("commands", /main\/cli\/program\.ts$|engine\/experiment\/params\.ts$/),
    chunk("contract", /main\/answer\.ts$/),
    chunk("files", /db\/files\.ts$/),
    chunk("history", /main\/cli\/(?:session|list)\.ts$/),
  ];
  const output = { ...rolldownOptions.output, codeSplitting: { groups } };
  const license = { fileName: ".vite/license-cli.json" };
  return { ...rest, build: { ...build, license, emptyOutDir: false, rolldownOptions: { ...rolldownOptions, output } } };
})();

/**
 * bits-ui's Command says `display: contents` in inline styles, which the page's security policy refuses: a class says it
 * instead (styles/base.css).
 */
const withoutInlineStyles: Plugin = {
  name: "without-inline-styles",
  enforce: "pre",
  transform: {
    filter: { id: /bits-ui\/dist\/bits\/command\/components\/.*\.svelte$/ },
    handler: (code) => code.replaceAll('style="display: contents;"', 'class="contents"'),
  },
};

export default defineConfig({
  root: at("renderer"),
  base: "./",
  plugins: [withoutInlineStyles, svelte({ configFile: false })],
  builder: {
    async buildApp(builder) {
      for (const name of ["client", "main", "preload", "host", "cli"]) {
        const environment = builder.environments[name];
        if (environment !== undefined) await builder.build(environment);
      }
    },
  },
  environments: {
    client: {
      build: {
        license: LICENCES,
        outDir: at("dist", "renderer"),
        emptyOutDir: true,
        target: "chrome130",
        assetsInlineLimit: 0,
      },
    },
    main: part("main", { index: at("main", "electron", "index.ts") }, "es", "js"),
    preload: part("preload", { preload: at("main", "electron", "preload.ts") }, "cjs", "cjs"),
    host: part(
      "host",
      {
        host: at("main", "host", "entry.ts"),
        worker: at("main", "worker", "entry.ts"),
        "map-worker": at("main", "worker", "map.ts"),
        "check-worker": at("main", "worker", "check.ts"),
        "look-worker": at("main", "worker", "look.ts"),
        "races-worker": at("main", "worker", "races.ts"),
        "batch-worker": at("main", "batch", "worker.ts"),
      },
      "es",
      "mjs",
    ),
    cli: commandLine,
  },
});
