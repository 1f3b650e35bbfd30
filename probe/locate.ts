/** Where the built probe is. */
import { fileURLToPath } from "node:url";

/** Path of the probe's executable; it exists once `npm run build:probe` has built it. */
export const PROBE_PATH: string =
  process.env.RECLAIM_PROBE ??
  fileURLToPath(new URL("./bin/reclaim-probe", import.meta.url)).replace("app.asar/", "app.asar.unpacked/");
