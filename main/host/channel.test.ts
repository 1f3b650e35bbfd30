import { duplexPair, PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { Channel } from "./channel.ts";

const MESSAGES = [
  { kind: "ready" },
  { kind: "event", payload: { values: new Float64Array([1, Number.NaN, -0]), text: "é💥", none: undefined } },
  { kind: "answer", id: 1, answer: "x".repeat(100_000) },
  null,
];

/** The bytes of the messages, as they are sent. */
async function bytes(): Promise<Buffer> {
  const stream = new PassThrough();
  const channel = new Channel(stream);
  const sent: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => sent.push(chunk));
  for (const message of MESSAGES) channel.send(message);
  await new Promise(setImmediate);
  return Buffer.concat(sent);
}

test("messages arrive whole and in order, wherever a read ends", async () => {
  const all = await bytes();
  const near = (at: number) => [at - 5, at - 4, at - 3, at - 2, at - 1, at, at + 1];
  const lengths: number[] = [];
  for (let at = 0; at < all.length; at += 4 + all.readUInt32LE(at)) lengths.push(at);
  const places = [...lengths, all.length].flatMap(near).filter((at) => at > 0 && at < all.length);
  for (const first of places)
    for (const second of places.filter((at) => at >= first)) {
      const stream = new PassThrough();
      const got: unknown[] = [];
      new Channel(stream).listen((message) => got.push(message));
      for (const [from, to] of [
        [0, first],
        [first, second],
        [second, all.length],
      ])
        stream.write(all.subarray(from, to));
      await new Promise(setImmediate);
      expect(got, `reads that end at ${first} and ${second}`).toEqual(MESSAGES);
    }
});

test("the end is told, and what is sent after it goes nowhere", async () => {
  const [here, there] = duplexPair();
  let ended = 0;
  const channel = new Channel(here);
  channel.listen(
    () => {},
    () => ended++,
  );
  there.destroy();
  here.destroy();
  await new Promise(setImmediate);
  expect(ended).toBe(1);
  channel.send({ kind: "ready" });
});
