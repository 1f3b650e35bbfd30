/** Which allocator a process has, by what it maps. */
import { type Allocator, allocatorsOf, GO_ARENA, GO_NAME } from "../experiment/allocator-settings.ts";
import type { Look } from "./look.ts";

export const ALLOCATOR_NAMES: Readonly<Record<Allocator, string>> = {
  jemalloc: "jemalloc",
  gperftools: "tcmalloc",
  go: "Go's heap",
  glibc: "glibc malloc",
  mimalloc: "mimalloc",
  jvm: "Java's heap",
};

export function allocatorsOfLook({ name, passes }: Look): readonly Allocator[] {
  const names = new Set([name]);
  for (const mapping of passes[passes.length - 1].mappings.values()) {
    if (mapping.file !== null) names.add(mapping.name.slice(mapping.name.lastIndexOf("/") + 1));
    else if (mapping.start === GO_ARENA.start) names.add(GO_NAME);
  }
  return allocatorsOf(names);
}
