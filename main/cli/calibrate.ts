import { release } from "node:os";
import { formatCount } from "../../engine/experiment/format.ts";
import { DEFAULT_COST } from "../../engine/mm/cost.ts";
import { calibrate } from "../../probe/calibrate.ts";
import { onInterrupt } from "./interrupt.ts";
import { print, printJson, table } from "./print.ts";

/** Measures this machine's constants of the cost model and shows them beside the engine's own. */
export async function calibrateMachine(options: { readonly json?: boolean }): Promise<void> {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  const leave = onInterrupt(interrupt);
  try {
    const costs = await calibrate(controller.signal);
    if (options.json) return printJson({ kernel: release(), unit: "ns", costs });
    const rows = costs.map(({ name, ns, how }) => [name, formatCount(ns), formatCount(DEFAULT_COST[name]), how]);
    print(table([["constant", "here, ns", "model, ns", "measured as"], ...rows], new Set([1, 2])));
    const measured = new Set<string>(costs.map(({ name }) => name));
    print(
      `Not measured: ${Object.keys(DEFAULT_COST)
        .filter((name) => !measured.has(name))
        .join(", ")}.`,
    );
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    process.exitCode = 130;
  } finally {
    leave();
  }
}
