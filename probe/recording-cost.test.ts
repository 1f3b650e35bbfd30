import { expect, test } from "vitest";
import { costInWords } from "./recording-cost.ts";

const cost = (fault_ns: number | null, call_ns: number, recording_ms: number) =>
  costInWords({ measured: { pairs: 9, fault_ns, call_ns }, recording_ms, processor_ms: null });

test("what recording cost: a cost that is lost in noise is not called small", () => {
  expect(cost(400, 1200, 12)).toBe(
    "recording cost the program some 12 ms of processor time: 0.4 µs a fault, 1.2 µs a call, measured in 9 pairs on this machine",
  );
  expect(cost(null, 1200, 0)).toBe(
    "recording cost the program less than 1 ms of processor time: 1.2 µs a call, measured in 9 pairs on this machine",
  );
  expect(cost(0, 1200, 0)).toBe(
    "recording cost the program too little processor time to be measured: nothing that could be measured a fault, 1.2 µs a call, measured in 9 pairs on this machine",
  );
});
