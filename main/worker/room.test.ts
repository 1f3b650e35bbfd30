import { expect, test } from "vitest";
import { describeError, ReclaimLabError } from "../../engine/error.ts";
import { roomInWords } from "./room.ts";

function thrown(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  return expect.unreachable();
}

test("what V8 throws where memory is at its end is put in words; other errors are not", () => {
  const full = thrown(() => {
    const all = new Set<number>();
    for (let i = 0; ; i++) all.add(i);
  });
  const long = thrown(() => new Float64Array(2 ** 53));
  const dead = Object.assign(new Error("Worker terminated"), { code: "ERR_WORKER_OUT_OF_MEMORY" });
  for (const error of [full, long, dead]) {
    expect(roomInWords(error)).toBeInstanceOf(ReclaimLabError);
    expect(describeError(roomInWords(error))).toMatch(
      /needs more memory than a run may have.*at most [\d.]+ GB.*smaller/,
    );
  }
  for (const error of [new RangeError("there is no process 3"), new ReclaimLabError("x"), "x", null])
    expect(roomInWords(error)).toBe(error);
});
