/**
 * A look at the machine beside whatever else the host does. The probe is built, asked and waited for in it, which takes a
 * second or more: in the host's own thread, a run that is started meanwhile would wait for all of that.
 */
import * as v from "valibot";
import { keepAskedKernel } from "../../probe/this-kernel.ts";
import { AnsweredError } from "../answer.ts";
import type { Fact } from "../contract.ts";
import { type LookTask, lookResultSchema } from "../worker/look-message.ts";
import { startThread } from "../worker/thread.ts";

/** The worker's own file: beside this one where built, TypeScript where not. */
const WORKER = import.meta.url.endsWith(".ts")
  ? new URL("../worker/look.ts", import.meta.url)
  : new URL("./look-worker.mjs", import.meta.url);

/** `history`: the file that is used. What was found of the kernel is known to this thread from then on. */
export async function lookBeside(history: string): Promise<Fact[]> {
  const worker = startThread(WORKER, { workerData: { history } satisfies LookTask, name: "look" });
  worker.unref();
  const said = await new Promise<unknown>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the look at the machine ended with exit code ${code}`)));
  });
  const seen = v.parse(lookResultSchema, said);
  if (seen.kind === "failed") throw new AnsweredError(seen.error);
  if (seen.asked !== undefined) keepAskedKernel(seen.asked);
  return seen.facts;
}
