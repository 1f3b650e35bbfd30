import type { Operation } from "../operation.ts";
import { GIB, MIB, PAGE, TIB } from "../sizes.ts";
import { arenaFor, bytesParam, choice, countParam, num, type Preset } from "./preset.ts";

/** The guest's memory is used and given back this much at a time. */
const BLOCK = 4 * MIB;

/** A virtual machine that gives memory back to its host. */
export const vmBalloon: Preset = {
  name: "vm-balloon",
  title: "A virtual machine returns memory",
  description:
    "A guest uses all of its memory, then returns a part to the host and takes it again. The classic balloon releases " +
    "4 KiB pages one by one, so tables stay; free page reporting releases whole blocks of 2 MiB and more.",
  params: [
    bytesParam("guest", "Guest memory", "Memory of the virtual machine.", {
      min: BLOCK,
      max: 4 * TIB,
      default: 16 * GIB,
      multipleOf: BLOCK,
    }),
    bytesParam("given", "Released", "How much of it is released each time.", {
      min: BLOCK,
      max: 4 * TIB,
      default: 8 * GIB,
      multipleOf: BLOCK,
      atMost: "guest",
    }),
    {
      name: "method",
      label: "Method",
      description: "How the guest returns memory.",
      type: "choice",
      choices: [
        { value: "reporting", label: "free page reporting (blocks of 4 MiB)" },
        { value: "balloon", label: "virtio balloon (pages of 4 KiB)" },
      ],
      default: "balloon",
    },
    countParam("rounds", "Rounds", "How often memory is released and taken again.", {
      min: 1,
      max: 1000,
      default: 3,
    }),
  ],
  sources: [
    {
      title: "QEMU, hw/virtio/virtio-balloon.c: balloon_inflate_page, virtio_balloon_handle_report",
      reference: "https://github.com/qemu/qemu/blob/master/hw/virtio/virtio-balloon.c",
      used: "The balloon discards one page of the host's page size at a time, reporting discards the reported range; both by MADV_DONTNEED.",
    },
    {
      title: "Linux, mm/page_reporting.c: page_reporting_order",
      reference: "https://github.com/torvalds/linux/blob/master/mm/page_reporting.c",
      used: "Free pages are reported in blocks of pageblock_order or more: 2 MiB and 4 MiB on x86_64.",
    },
  ],
  operationCount(params) {
    const guest = num(params, "guest") / BLOCK;
    const given = num(params, "given") / BLOCK;
    return 1 + guest + num(params, "rounds") * given + (num(params, "rounds") - 1) * given;
  },
  *operations(params): Generator<Operation> {
    const guest = num(params, "guest");
    const given = num(params, "given");
    const rounds = num(params, "rounds");
    const step = choice(params, "method") === "balloon" ? { step: PAGE } : {};
    const base = arenaFor(guest);
    yield { op: "mmap", addr: base, len: guest, prot: "rw", backing: "anon" };
    for (let at = 0; at < guest; at += BLOCK) yield { op: "touch", addr: base + at, len: BLOCK, access: "w" };
    for (let round = 0; round < rounds; round++) {
      for (let at = 0; at < given; at += BLOCK) {
        yield { op: "madvise", addr: base + at, len: BLOCK, advice: "dontneed", ...step };
      }
      if (round === rounds - 1) break;
      for (let at = 0; at < given; at += BLOCK) yield { op: "touch", addr: base + at, len: BLOCK, access: "w" };
    }
  },
};
