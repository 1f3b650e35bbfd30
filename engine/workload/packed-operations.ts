/**
 * Operations as numbers, to be passed between threads: what of an operation is no number (its name, advice, flags) is its shape,
 * of which a workload has few, and is told once; the rest is a row of numbers. Unpacking gives the operation as it was.
 */
import type { Operation } from "./operation.ts";

/** Some operations. `numbers`: for each the number of its shape, then its numbers. `shapes`: those that are new, as JSON, in order. */
export interface PackedOperations {
  readonly count: number;
  readonly numbers: Float64Array<SharedArrayBuffer>;
  readonly shapes: readonly string[];
}

/** A field that is a number has no value in a shape. */
type Field = readonly [name: string] | readonly [name: string, value: unknown];
type Fields = Record<string, unknown>;

export class OperationPacker {
  readonly #shapes = new Map<string, number>();

  /** What is packed one after the other is to be unpacked one after the other. */
  pack(operations: readonly Operation[]): PackedOperations {
    const numbers: number[] = [];
    const fresh: string[] = [];
    for (const operation of operations) this.#add(operation as unknown as Fields, numbers, fresh);
    const shared = new Float64Array(new SharedArrayBuffer(numbers.length * Float64Array.BYTES_PER_ELEMENT));
    shared.set(numbers);
    return { count: operations.length, numbers: shared, shapes: fresh };
  }

  #add(operation: Fields, numbers: number[], fresh: string[]): void {
    const at = numbers.length;
    numbers.push(0);
    let key = "";
    for (const name in operation) {
      const value = operation[name];
      if (value === undefined) continue;
      if (typeof value === "number") {
        numbers.push(value);
        key += `${name}|`;
      } else key += `${name}=${typeof value === "string" ? value : JSON.stringify(value)}|`;
    }
    let shape = this.#shapes.get(key);
    if (shape === undefined) {
      shape = this.#shapes.size;
      this.#shapes.set(key, shape);
      const fields = Object.entries(operation).filter(([, value]) => value !== undefined);
      fresh.push(
        JSON.stringify(fields.map(([name, value]): Field => (typeof value === "number" ? [name] : [name, value]))),
      );
    }
    numbers[at] = shape;
  }
}

interface Shape {
  readonly like: Fields;
  /** Its fields that are numbers, in order. */
  readonly names: readonly string[];
}

export class OperationUnpacker {
  readonly #shapes: Shape[] = [];

  *unpack({ count, numbers, shapes }: PackedOperations): Generator<Operation> {
    for (const text of shapes) {
      const fields = JSON.parse(text) as Field[];
      this.#shapes.push({
        like: Object.fromEntries(fields.map(([name, value]) => [name, value ?? 0.5])),
        names: fields.filter((field) => field.length === 1).map(([name]) => name),
      });
    }
    let at = 0;
    for (let i = 0; i < count; i++) {
      const { like, names } = this.#shapes[numbers[at++]];
      const operation = { ...like };
      for (const name of names) operation[name] = numbers[at++];
      yield operation as unknown as Operation;
    }
  }
}
