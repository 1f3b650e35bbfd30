import type { AnyTarget } from "../target.ts";
import { commandLines } from "./arguments.ts";
import { calls } from "./calls.ts";
import { database } from "./database.ts";
import { importers } from "./importers.ts";
import { conformance } from "./scripts.ts";

export const TARGETS: readonly AnyTarget[] = [...importers, conformance, calls, commandLines, database];
