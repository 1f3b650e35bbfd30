/** Files of traces and samples, plain or gzip, as the streams of text that the engine reads. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { whyOf } from "../../db/file-error.ts";
import { BadInputError, ReclaimLabError } from "../../engine/error.ts";
import { ImportError, type TextSource } from "../../engine/workload/import/index.ts";
import { captureAt } from "./capture.ts";

/** Bytes that are read and unpacked at a time. */
const CHUNK = 1 << 18;
const GZIP = [0x1f, 0x8b] as const;

/** Unpacks what begins as gzip does, and gives anything else as it is. */
async function* unpacked(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reading = chunks[Symbol.asyncIterator]();
  const first = await reading.next();
  if (first.done) return;
  async function* all(): AsyncGenerator<Uint8Array> {
    yield first.value as Uint8Array;
    for (let next = await reading.next(); !next.done; next = await reading.next()) yield next.value;
  }
  if (first.value[0] !== GZIP[0] || first.value[1] !== GZIP[1]) {
    yield* all();
    return;
  }
  const packed = Readable.from(all());
  const gunzip = createGunzip({ chunkSize: CHUNK });
  packed.on("error", (error) => gunzip.destroy(error));
  yield* packed.pipe(gunzip);
}

/** What the file system throws on the way is in words: a trace that could not be read is not one that ends there. */
async function* readable(path: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* unpacked(chunks);
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new ReclaimLabError("The file could not be read to its end", {
      where: path,
      why: whyOf(error),
      todo: "Check the disk or the connection, then run it again",
      cause: error,
    });
  }
}

/**
 * Opens a file, or the trace of a capture's folder; `-` is standard input. Errors: BadInputError where it cannot be read. A pipe is
 * waited for where it was named itself, and refused where it was found in a folder.
 */
export async function openSource(given: string): Promise<TextSource> {
  if (given === "-") return readable("standard input", process.stdin);
  const path = captureAt(given)?.events ?? given;
  try {
    const found = await stat(path);
    if (path !== given && !found.isFile())
      throw new BadInputError("The capture's trace is not a regular file", {
        where: path,
        todo: "A capture's folder holds events.txt.gz and vmpte.txt",
      });
    if (found.isDirectory())
      throw new BadInputError("It is a folder, not a file", {
        where: path,
        todo: "A capture's folder holds events.txt.gz and vmpte.txt",
      });
  } catch (error) {
    if (error instanceof BadInputError) throw error;
    throw new BadInputError("The file cannot be opened", { where: path, why: whyOf(error) });
  }
  return readable(path, createReadStream(path, { highWaterMark: CHUNK }));
}

/** Does something with a file's content; what makes it unusable is said with the file's name. */
export async function atFile<T>(path: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    throw new BadInputError(error.message, { where: path, why: error.why, todo: error.todo });
  }
}
