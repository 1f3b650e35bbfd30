/* Trials of plain pages: zero pages, tables that are given back, guards, moves and merges, advice to oneself. */
#include "trial.h"

#include <linux/mman.h>
#include <linux/prctl.h>

#define RW (PROT_READ | PROT_WRITE)
#define RO PROT_READ
#define M (1ull << 20)
#define K 1024ull
#define SMALL MAP_F_NOHUGEPAGE

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

/* MADV_DONTNEED of two whole PTE tables gives both back. */
void try_reclaim(void) {
  t_map(0, 4 * M, RW, SMALL), t_write(0, 4 * M);
  int64_t before = t_tables_kb();
  int error = t_advise(0, 4 * M, MADV_DONTNEED);
  int64_t freed = before - t_tables_kb();
  if (error) return unknown(errno_name(error));
  say_bool(freed == 8);
  because_number("MADV_DONTNEED of 4 MiB in two PTE tables gave ", freed, " kB of tables back");
}

/* A read of 1 MiB that was never written, in small pages. */
void try_zero_page(void) {
  t_map(0, 2 * M, RW, SMALL), t_read(0, 4 * K);
  int64_t before = t_rss_kb();
  t_read(0, M);
  int64_t grown = t_rss_kb() - before;
  say_bool(grown < 512);
  because_number("a read of 1 MiB of untouched memory made RSS ", grown, " kB larger");
}

/* A moved VMA keeps its old offset once it has an anon_vma, and then does not merge with a new neighbour. */
void try_read_prepares_anon_vma(void) {
  t_map(4 * M, 2 * M, RW, 0), t_read(4 * M, 4 * K);
  t_move(4 * M, 2 * M, 10 * M), t_map(12 * M, 2 * M, RW, 0);
  uint64_t vmas = t_vmas();
  say_bool(vmas == 2);
  because_number("a mapping that was only read, moved beside a new one: ", (int64_t)vmas, " VMAs");
}

void try_guard_anon(void) {
  t_map(0, 2 * M, RW, SMALL);
  int error = t_advise(0, 4 * K, 102);
  say_bool(!error);
  because("MADV_GUARD_INSTALL of anonymous memory: "), because(error ? errno_name(error) : "ok");
}

void try_guard_file(void) {
  t_map(0, 2 * M, RW, MAP_F_FILE);
  int error = t_advise(0, 4 * K, 102);
  say_bool(!error);
  because("MADV_GUARD_INSTALL of a mapped file: "), because(error ? errno_name(error) : "ok");
}

/* Two guarded pieces of a mapped file and the piece between them: an anon_vma of each keeps them apart. */
void try_guard_mark(void) {
  t_map(0, 2 * M, RW, MAP_F_FILE), t_map(4 * M, 2 * M, RW, MAP_F_FILE);
  int error = t_advise(0, 4 * K, 102);
  if (!error) error = t_advise(4 * M, 4 * K, 102);
  if (error) return unknown("there are no guard pages in mapped files");
  t_map(2 * M, 2 * M, RW, MAP_F_FILE);
  uint64_t vmas = t_vmas();
  say(vmas == 1 ? "flag" : "anon_vma");
  because_number("a file's mapping between two with guard pages: ", (int64_t)vmas, " VMAs");
}

void try_process_madvise_self(void) {
  t_map(0, 2 * M, RW, SMALL), t_write(0, 2 * M);
  int error = t_op((struct op){.kind = OP_MADVISE, .len = 4 * K, .what = MADV_DONTNEED, .flags = MADV_F_PROCESS});
  say_bool(!error);
  because("process_madvise(MADV_DONTNEED) of oneself: "), because(error ? errno_name(error) : "ok");
}

/* Since 5.18. */
void try_dontneed_locked(void) {
  t_map(0, 2 * M, RW, SMALL), t_write(0, 4 * K);
  int error = t_advise(0, 4 * K, 24);
  say_bool(!error);
  because("MADV_DONTNEED_LOCKED: "), because(error ? errno_name(error) : "ok");
}

static void two_mappings_and_a_destination(void) {
  t_map(0, M, RW, SMALL), t_map(M, M, RO, SMALL), t_map(16 * M, 2 * M, RW, SMALL), t_write(16 * M, 4 * K);
}

void try_mremap_multi(void) {
  two_mappings_and_a_destination();
  int error = t_move(0, 2 * M, 16 * M);
  say_bool(!error);
  because("mremap of two mappings at once: "), because(error ? errno_name(error) : "ok");
}

/* A move that is to grow takes one mapping in every kernel; where something was at the destination shows when it is refused. */
void try_mremap_checks_first(void) {
  two_mappings_and_a_destination();
  int error = t_op((struct op){.kind = OP_MREMAP, .len = 2 * M, .arg = 16 * M, .arg2 = 3 * M, .flags = MREMAP_F_FIXED});
  if (!error) return unknown("mremap of two mappings that is to grow is not refused");
  bool there = t_mapped(16 * M);
  say_bool(there);
  because("mremap of two mappings that is to grow: "), because(errno_name(error));
  because(there ? ", the destination is as it was" : ", the destination is unmapped");
}

/* Moves the first page right behind itself and leaves it mapped. */
static int move_beside(void) {
  struct op move = {.kind = OP_MREMAP, .len = 4 * K, .arg = 4 * K, .arg2 = 4 * K, .flags = MREMAP_F_FIXED | MREMAP_F_DONTUNMAP};
  return t_op(move);
}

/* A page moved by MREMAP_DONTUNMAP right behind itself: nothing but the rule keeps the two apart. */
void try_dontunmap_apart(void) {
  t_map(0, 4 * K, RW, SMALL);
  int error = move_beside();
  if (error) return unknown(errno_name(error));
  uint64_t vmas = t_vmas();
  say_bool(vmas == 2);
  because_number("a page moved right behind itself by MREMAP_DONTUNMAP: ", (int64_t)vmas, " VMAs");
}

/* The same between itself and another mapping, which it would merge with. */
void try_dontunmap_alone(void) {
  t_map(0, 4 * K, RW, SMALL), t_map(8 * K, 4 * K, RW, SMALL);
  int error = move_beside();
  if (error) return unknown(errno_name(error));
  uint64_t vmas = t_vmas();
  say_bool(vmas == 3);
  because_number("a page moved by MREMAP_DONTUNMAP between itself and another mapping: ", (int64_t)vmas, " VMAs");
}

/* A written page, moved and then emptied where it came to lie: untouched memory behind it merges if its page offset is that of the place. */
void try_dontunmap_realigns(void) {
  t_map(16 * M, 4 * K, RW, SMALL), t_write(16 * M, 4 * K);
  t_move(16 * M, 4 * K, 0);
  struct op move = {.kind = OP_MREMAP, .len = 4 * K, .arg = 32 * M, .arg2 = 4 * K, .flags = MREMAP_F_FIXED | MREMAP_F_DONTUNMAP};
  int error = t_op(move);
  if (error) return unknown(errno_name(error));
  t_map(4 * K, 4 * K, RW, SMALL);
  uint64_t vmas = t_vmas();
  say_bool(vmas == 2);
  because_number("a moved page that MREMAP_DONTUNMAP emptied, a new mapping behind it and the copy: ", (int64_t)vmas, " VMAs");
}

/* A part of read-only memory that was writable for a while: it merges with the rest if its charge was given back. */
void try_protect_uncharges(void) {
  t_map(0, 4 * M, RO, MAP_F_RESERVE);
  t_protect(2 * M, 2 * M, RW), t_protect(M, 3 * M, RO);
  uint64_t vmas = t_vmas();
  say_bool(vmas == 1);
  because_number("read-only memory of which a part was writable for a while: ", (int64_t)vmas, " VMAs");
}

/* A written mapping, moved away and back beside memory that nothing touched. */
void try_merges_unfaulted(void) {
  t_map(4 * M, 2 * M, RW, SMALL), t_write(4 * M, 4 * K);
  t_move(4 * M, 2 * M, 10 * M);
  t_map(2 * M, 2 * M, RW, SMALL);
  t_move(10 * M, 2 * M, 4 * M);
  uint64_t vmas = t_vmas();
  say_bool(vmas == 1);
  because_number("a written mapping, moved away and back beside untouched memory: ", (int64_t)vmas, " VMAs");
}

/* A hole, then memory without pages. */
void try_populate_stops(void) {
  t_map(2 * M, 2 * M, RW, SMALL);
  int error = t_advise(0, 4 * M, 23 /* MADV_POPULATE_WRITE */);
  if (error == EINVAL) return unknown("MADV_POPULATE_WRITE: EINVAL");
  bool there = t_mapped(2 * M);
  say_bool(!there);
  because("MADV_POPULATE_WRITE over a hole: "), because(error ? errno_name(error) : "ok");
  because(there ? ", what comes after it is populated" : ", what comes after it is left");
}

/* A mapping between an untouched one and one with pages. */
void try_maps_between(void) {
  t_map(0, 512 * K, RW, 0), t_map(M, M, RW, 0), t_write(M, M), t_map(512 * K, 512 * K, RW, 0);
  uint64_t vmas = t_vmas();
  say_bool(vmas == 1);
  because_number("a mapping between an untouched one and one with pages: ", (int64_t)vmas, " VMAs");
}

/* A range that begins within a table, moved to the same place within another: whole tables go, or one is made. */
void try_mremap_realigns(void) {
  t_map(M, 3 * M, RW, SMALL), t_write(M, 3 * M);
  int64_t before = t_tables_kb();
  int error = t_op((struct op){.kind = OP_MREMAP, .addr = M, .len = 3 * M, .arg = 17 * M, .arg2 = 3 * M, .flags = MREMAP_F_FIXED | MREMAP_F_DONTUNMAP});
  if (error) return unknown(errno_name(error));
  int64_t grown = t_tables_kb() - before;
  say_bool(grown == 0);
  because_number("a move of two tables' pages from within the first made ", grown, " kB of tables");
}

void try_anon_vma_name(void) {
  t_map(0, 4 * M, RW, SMALL);
  int error = error_of(sys5(__NR_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, ARENA_BASE, 2 * M, "lab"));
  uint64_t vmas = t_vmas();
  if (error == EINVAL) {
    say_bool(false);
    because("PR_SET_VMA_ANON_NAME: EINVAL");
    return;
  }
  if (error) return unknown(errno_name(error));
  say_bool(vmas == 2);
  because_number("half of a mapping, named: ", (int64_t)vmas, " VMAs");
}

/* clear_refs and then a write: bit 55 of pagemap. */
void try_soft_dirty(void) {
  t_map(0, 2 * M, RW, SMALL), t_write(0, 8 * K);
  long fd = sys4(__NR_openat, -100, "/proc/self/clear_refs", 1, 0);
  if (fd < 0) return unknown(errno_name(error_of(fd)));
  int error = error_of(sys3(__NR_write, fd, "4", 1));
  if (error) return unknown(errno_name(error));
  t_write(0, 4 * K);
  bool written = t_pagemap(0) >> 55 & 1, other = t_pagemap(4 * K) >> 55 & 1;
  say_bool(written && !other);
  because(written && !other ? "a written page shows in pagemap" : "pagemap does not tell a written page from another");
}

/* A mapping that only five levels can hold. */
void try_levels(void) {
  uint64_t at = 1ull << 50;
  long got = sys6(__NR_mmap, (long)at, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  say_number(error_of(got) ? 4 : 5);
  because("a mapping at 2^50: "), because(error_of(got) ? errno_name(error_of(got)) : "ok");
}

/* A process whose parent maps and writes 2 MiB: its tables are copied. */
void try_fork_copies_read_tables(void) {
  t_map(0, 4 * M, RW, SMALL), t_read(2 * M, 4 * K);
  struct op op = {.kind = OP_FORK};
  struct result r;
  exec_op(&op, MODE_SYNC, &r);
  if (r.error) return unknown(errno_name(r.error));
  say_bool(r.child_kb > 0);
  because_number("a fork after a read: the child has ", r.child_kb, " kB of tables");
}
