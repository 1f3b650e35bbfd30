/** One reader for several runs: what it reads all of them get, and why it cannot. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { afterAll, beforeAll, expect, test } from "vitest";
import { REFERENCE_PROFILE } from "../../engine/mm/kernel-profiles.ts";
import { operationLine, opsHeaderLine } from "../../engine/workload/import/index.ts";
import type { Operation } from "../../engine/workload/operation.ts";
import type { FileTask } from "../contract/worker.ts";
import { fedBatches } from "./fed.ts";
import { feed } from "./feed.ts";

const KERNEL = { seed: 1, levels: 4, profile: { ...REFERENCE_PROFILE } } as const;
const COUNT = 60_000;
const touch = (i: number): Operation => ({ op: "touch", addr: 2 ** 44 + i * 4096, len: 4096, access: "w" });
let folder: string;
const taskOf = (path: string): FileTask => ({
  kind: "file",
  path,
  format: "ops",
  ancestors: [],
  follow: false,
  touchOnMap: false,
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "feed-"));
  const lines = Array.from({ length: COUNT }, (_, i) => operationLine(touch(i)));
  await writeFile(join(folder, "long.ops.jsonl"), opsHeaderLine({ title: "long" }) + lines.join(""));
});
afterAll(() => rm(folder, { recursive: true }));

async function* operationsOf(port: Parameters<typeof fedBatches>[0]): AsyncGenerator<Operation> {
  for await (const batch of fedBatches(port)) yield* batch;
}

test("every run gets every operation, in order", async () => {
  const channels = [new MessageChannel(), new MessageChannel()];
  const read = feed(
    taskOf(join(folder, "long.ops.jsonl")),
    channels.map(({ port1 }) => port1),
    KERNEL,
  );
  const counts = await Promise.all(
    channels.map(async ({ port2 }) => {
      let i = 0;
      for await (const operation of operationsOf(port2)) if (i++ % 1000 === 0) expect(operation).toEqual(touch(i - 1));
      return i;
    }),
  );
  expect(counts).toEqual([COUNT, COUNT]);
  await read;
});

test("a run that ends early holds nobody up", async () => {
  const [early, patient] = [new MessageChannel(), new MessageChannel()];
  const read = feed(taskOf(join(folder, "long.ops.jsonl")), [early.port1, patient.port1], KERNEL);
  for await (const _ of operationsOf(early.port2)) break;
  let count = 0;
  for await (const _ of operationsOf(patient.port2)) count++;
  expect(count).toBe(COUNT);
  await read;
});

test("what the reader is refused with every run hears", async () => {
  const channels = [new MessageChannel(), new MessageChannel()];
  const read = feed(
    taskOf(join(folder, "gone.ops.jsonl")),
    channels.map(({ port1 }) => port1),
    KERNEL,
  );
  for (const { port2 } of channels)
    await expect(operationsOf(port2).next()).rejects.toThrow("The file cannot be opened");
  await read;
});

test("a reader that dies is not waited for", async () => {
  const { port1, port2 } = new MessageChannel();
  const first = operationsOf(port2).next();
  port1.close();
  await expect(first).rejects.toThrow("the worker that reads the trace died");
});
