/**
 * Messages between Electron main and a lab host that is a Node of its own, over a pipe: each is structured-cloned, its length in
 * front. Node's own channel (`serialization: "advanced"`) takes nothing more for good where a read ends within a length (Node 20.18,
 * which is in Electron 33): lib/internal/child_process/serialization.js.
 */
import type { Duplex } from "node:stream";
import { deserialize, serialize } from "node:v8";

const LENGTH_BYTES = 4;
/** Which of the host's files the pipe is. */
export const CHANNEL_FD = 3;

/** One end of the pipe. */
export class Channel {
  readonly #stream: Duplex;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(stream: Duplex) {
    this.#stream = stream;
    // The other side is gone: what is still sent goes nowhere.
    stream.on("error", () => {});
  }

  /** Calls back with each message, in order, and once with the end; what came before waits in the pipe. */
  listen(onMessage: (message: unknown) => void, onEnd: () => void = () => {}): void {
    this.#stream.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      for (const message of this.#whole()) onMessage(message);
    });
    this.#stream.once("close", onEnd);
  }

  send(message: unknown): void {
    if (!this.#stream.writable) return;
    const body = serialize(message);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(body.length);
    this.#stream.cork();
    this.#stream.write(length);
    this.#stream.write(body);
    this.#stream.uncork();
  }

  /** The messages that are here whole. */
  *#whole(): Generator<unknown> {
    while (this.#bytes >= LENGTH_BYTES) {
      if (this.#chunks[0].length < LENGTH_BYTES) this.#chunks = [Buffer.concat(this.#chunks)];
      const end = LENGTH_BYTES + this.#chunks[0].readUInt32LE();
      if (this.#bytes < end) return;
      const all = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
      const rest = all.subarray(end);
      this.#chunks = rest.length > 0 ? [rest] : [];
      this.#bytes = rest.length;
      yield deserialize(all.subarray(LENGTH_BYTES, end));
    }
  }
}
