import type { Operation } from "../operation.ts";
import { GIB, MIB, TIB } from "../sizes.ts";
import { arenaFor, bytesParam, choice, countParam, num, type Preset } from "./preset.ts";

const BLOCK = 4 * MIB;

/** A virtual machine migrated live, its memory write-protected by userfaultfd. */
export const liveMigration: Preset = {
  name: "live-migration",
  title: "Live migration with userfaultfd",
  description:
    "The guest's memory is write-protected by userfaultfd and copied while it runs; writes lift the protection page by page. " +
    "Then the source releases it. In shared memory markers remember the protection and keep their tables; in anonymous " +
    "memory they are dropped.",
  params: [
    bytesParam("guest", "Guest memory", "Memory of the virtual machine.", {
      min: BLOCK,
      max: TIB,
      default: 4 * GIB,
      multipleOf: BLOCK,
    }),
    {
      name: "backing",
      label: "Memory",
      description: "What the guest's memory is made of.",
      type: "choice",
      choices: [
        { value: "shared", label: "shared (memfd)" },
        { value: "anon", label: "anonymous" },
      ],
      default: "shared",
    },
    {
      name: "written",
      label: "Written meanwhile",
      description: "How much the guest writes during one copying pass, in percent.",
      type: "percent",
      min: 0,
      max: 100,
      default: 50,
    },
    {
      name: "after",
      label: "Afterwards",
      description: "Whether the protection is removed before the memory is released.",
      type: "choice",
      choices: [
        { value: "registered", label: "still registered" },
        { value: "unregistered", label: "unregistered first" },
      ],
      default: "registered",
    },
    countParam("passes", "Passes", "How often the memory is protected and copied.", { min: 1, max: 100, default: 3 }),
  ],
  sources: [
    {
      title: "Linux, Documentation/admin-guide/mm/userfaultfd.rst: write-protect notifications",
      reference: "https://docs.kernel.org/admin-guide/mm/userfaultfd.html",
      used: "UFFDIO_WRITEPROTECT, asynchronous mode (UFFD_FEATURE_WP_ASYNC), markers in file-backed memory.",
    },
    {
      title: "QEMU, migration/ram.c: ram_write_tracking_start (background snapshot)",
      reference: "https://github.com/qemu/qemu/blob/master/migration/ram.c",
      used: "Guest memory is registered and write-protected block by block.",
    },
  ],
  operationCount(params) {
    const blocks = num(params, "guest") / BLOCK;
    const written = Math.round((blocks * num(params, "written")) / 100);
    const after = choice(params, "after") === "unregistered" ? 1 : 0;
    return 3 + blocks + num(params, "passes") * (blocks + written) + after + blocks;
  },
  *operations(params): Generator<Operation> {
    const guest = num(params, "guest");
    const blocks = guest / BLOCK;
    const written = Math.round((blocks * num(params, "written")) / 100);
    const base = arenaFor(guest);
    const at = (block: number): { addr: number; len: number } => ({ addr: base + block * BLOCK, len: BLOCK });
    const backing = choice(params, "backing") === "anon" ? "anon" : "shared";
    yield { op: "uffdmode", mode: "async" };
    yield { op: "mmap", addr: base, len: guest, prot: "rw", backing };
    for (let block = 0; block < blocks; block++) yield { op: "touch", ...at(block), access: "w" };
    yield { op: "uffd", action: "register", addr: base, len: guest };
    for (let pass = 0; pass < num(params, "passes"); pass++) {
      for (let block = 0; block < blocks; block++) yield { op: "uffd", action: "wp", ...at(block) };
      for (let i = 0; i < written; i++) yield { op: "touch", ...at(Math.floor((i * blocks) / written)), access: "w" };
    }
    if (choice(params, "after") === "unregistered") yield { op: "uffd", action: "unregister", addr: base, len: guest };
    for (let block = 0; block < blocks; block++) yield { op: "madvise", ...at(block), advice: "dontneed" };
  },
};
