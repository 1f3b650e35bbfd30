/** Where the built probe is. */
import { fileURLToPath } from "node:url";

/** This module lies in probe/, or bundled in dist/host/ (in a package: unpacked beside the archive). */
const beside = /\/dist\/host\/[^/]+$/.test(import.meta.url) ? "../../probe/bin/reclaim-probe" : "./bin/reclaim-probe";

/** Path of the probe's executable; it exists once `npm run build:probe` has built it. */
export const PROBE_PATH: string =
  process.env.RECLAIM_PROBE ??
  fileURLToPath(new URL(beside, import.meta.url)).replace(/app\.asar(?=[\\/])/, "app.asar.unpacked");
