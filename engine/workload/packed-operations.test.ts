import fc from "fast-check";
import { expect, test } from "vitest";
import { checkProperty, randomOperation } from "../mm/random-operations.testing.ts";
import { OperationPacker, OperationUnpacker } from "./packed-operations.ts";

const operations = fc.array(
  fc
    .tuple(randomOperation({ huge: true, fork: true }), fc.option(fc.nat({ max: 2 ** 52 }), { nil: undefined }))
    .map(([operation, at]) => (at === undefined ? operation : { ...operation, at })),
  { maxLength: 40, size: "max" },
);

test("what is unpacked is what was packed, batch after batch", () => {
  const property = fc.property(fc.array(operations, { minLength: 1, maxLength: 4 }), (batches) => {
    const packer = new OperationPacker();
    const unpacker = new OperationUnpacker();
    for (const batch of batches) expect([...unpacker.unpack(packer.pack(batch))]).toEqual(batch);
  });
  checkProperty("what is unpacked is what was packed", "engine/workload/packed-operations.test.ts", property, 200);
});

test("a shape is told once", () => {
  const packer = new OperationPacker();
  const touch = (addr: number) => ({ op: "touch" as const, addr, len: 4096, access: "w" as const });
  expect(packer.pack([touch(0), touch(4096)]).shapes).toHaveLength(1);
  expect(packer.pack([touch(8192), { ...touch(0), at: 7 }]).shapes).toHaveLength(1);
});
