/** Random conformance scripts: sequences of operations that keep running into each other, drawn from a seed. */
import { createRandom } from "../../engine/workload/random.ts";
import { ScriptState } from "./script-state.ts";
import { type ScriptClass, VOCABULARY } from "./vocabulary.ts";

/** `length` operations of a class, one script line each; the same seed draws the same. */
export function generateScript(kind: ScriptClass, seed: number, length: number): string[] {
  const script = new ScriptState(createRandom(seed));
  const words = VOCABULARY[kind];
  const total = words.reduce((sum, [weight]) => sum + weight, 0);
  return Array.from({ length }, () => {
    let at = script.random.below(total);
    for (const [weight, draw] of words) {
      at -= weight;
      if (at < 0) return draw(script);
    }
    throw new Error("weights do not add up");
  });
}
