/** Who may import whom (docs/architecture.md): the house's rules, checked by `npm run check:imports`. */
const ours = "^(engine|probe|db|chart|main|renderer|scripts|e2e|bench|long)/";
const tests = "\\.(test|testing|bench)\\.ts$";

/** @type {(name: string, from: string, may: string[]) => object} */
const only = (folder, may, comment) => ({
  name: `${folder}-imports`,
  severity: "error",
  comment,
  from: { path: `^${folder}/`, pathNot: tests },
  to: { path: ours, pathNot: [`^${folder}/`, ...may] },
});

/** @type {(folder: string, may: string[], comment: string) => object} */
const inEngine = (folder, may, comment) => ({
  name: `engine-${folder}-imports`,
  severity: "error",
  comment,
  from: { path: `^engine/${folder}/`, pathNot: tests },
  to: { path: "^engine/", pathNot: [folder, ...may].map((each) => `^engine/${each}/`).concat("^engine/error\\.ts$") },
});

export default {
  forbidden: [
    { name: "no-circles", severity: "error", from: {}, to: { circular: true } },
    { name: "no-unresolved", severity: "error", from: {}, to: { couldNotResolve: true } },
    only("engine", [], "The engine imports nothing of ours."),
    {
      name: "engine-runs-anywhere",
      severity: "error",
      comment: "The engine imports no Node, Electron or package.",
      from: { path: "^engine/", pathNot: tests },
      to: { dependencyTypes: ["core", "npm", "npm-dev"] },
    },
    inEngine("mm", [], "The kernel knows nothing of what is built on it."),
    inEngine("map", ["mm"], "A map shows a kernel's tables."),
    inEngine(
      "race",
      ["mm", "experiment", "workload"],
      "The explorer runs the kernel's paths under a policy; scenario files have the words of scripts.",
    ),
    inEngine(
      "workload",
      ["mm", "experiment"],
      "Workloads are operations of a kernel, and conformance scripts name policies.",
    ),
    inEngine("experiment", ["mm", "map", "workload"], "An experiment runs a workload on a kernel."),
    only(
      "db",
      ["^engine/", "^main/contract/shapes"],
      "The history knows the engine's types and the shapes of the contract.",
    ),
    only(
      "probe",
      [
        "^db/(file-error|folders|regular)\\.ts$",
        "^engine/workload/",
        "^engine/experiment/",
        "^engine/live/",
        "^engine/mm/(kernel-profile|cost\\.ts$)",
        "^engine/error\\.ts$",
      ],
      "The probe runs workloads, finds out what sort of kernel they run on and what its work costs, and looks at processes.",
    ),
    only("chart", ["^engine/experiment/", "^engine/error\\.ts$"], "A chart is made of samples."),
    only("main", ["^engine/", "^db/", "^probe/", "^chart/"], "The processes."),
    only(
      "renderer",
      [
        "^engine/experiment/",
        "^engine/live/",
        "^engine/mm/kernel-profile",
        "^engine/error\\.ts$",
        "^chart/",
        "^main/contract",
      ],
      "The window has types and pure helpers only; all else comes over the contract.",
    ),
    {
      name: "no-electron-outside-its-main",
      severity: "error",
      comment:
        "Electron is imported by its own main and preload alone, and by the empty window that the bench compares with: host, worker and command line run on Node.",
      from: { path: ours, pathNot: ["^main/electron/", "^e2e/", "^scripts/", "^long/", "^bench/window/floor/"] },
      to: { path: "^electron$|node_modules/electron/" },
    },
    {
      name: "nothing-imports-main",
      severity: "error",
      comment: "Nothing imports main but main, and what tries or documents the whole; its contract aside.",
      from: { path: ours, pathNot: ["^main/", "^e2e/", "^bench/", "^long/", "^scripts/docs-"] },
      to: { path: "^main/", pathNot: "^main/contract" },
    },
    {
      name: "contract-is-pure",
      severity: "error",
      comment: "The contract is read by every process: it imports types, tables and the schema library alone.",
      from: { path: "^main/contract", pathNot: tests },
      to: {
        pathNot: [
          "^main/contract",
          "^engine/experiment/",
          "^engine/live/",
          "^engine/mm/kernel-profile",
          "node_modules/valibot",
        ],
      },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(dist|release|out)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      extensions: [".ts", ".js", ".svelte", ".mjs", ".cjs"],
      conditionNames: ["import", "svelte", "node", "default"],
    },
  },
};
