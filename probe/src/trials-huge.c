/* Trials of huge pages. */
#include "trial.h"

#define RW (PROT_READ | PROT_WRITE)
#define M (1ull << 20)
#define K 1024ull

/* A page of the slot that nothing touched: mapped where one entry maps the whole slot. */
static bool slot_is_huge(uint64_t slot) { return t_mapped(slot + M); }

static const char *ok_or(int error) { return error ? errno_name(error) : "ok"; }

/* A write to memory that asked for huge pages: is the slot one page, and is a table put aside for it? */
void try_thp_asked(void) {
  int error = t_map(0, 4 * M, RW, MAP_F_HUGEPAGE);
  if (error) {
    say_bool(false);
    because("MADV_HUGEPAGE: "), because(errno_name(error));
    return;
  }
  t_write(2 * M, 4 * K);
  say_bool(slot_is_huge(2 * M));
  because(slot_is_huge(2 * M) ? "memory that asked got a huge page" : "memory that asked got a small page");
}

void try_thp_unasked(void) {
  t_map(0, 4 * M, RW, 0), t_write(2 * M, 4 * K);
  say_bool(slot_is_huge(2 * M));
  because(slot_is_huge(2 * M) ? "memory that asked for nothing got a huge page" : "memory that asked for nothing got a small page");
}

void try_thp_deposit(void) {
  int64_t before = t_tables_kb();
  if (t_map(0, 4 * M, RW, MAP_F_HUGEPAGE)) return unknown("MADV_HUGEPAGE is refused");
  t_write(2 * M, 4 * K);
  int64_t grown = t_tables_kb() - before;
  if (!slot_is_huge(2 * M)) return unknown("no huge page came of a write");
  say_bool(grown == 12);
  because_number("one huge page in an empty process: ", grown, " kB of tables");
}

/* zero: the huge zero page; page: a huge page of its own; small: a small page. */
void try_thp_read(void) {
  if (t_map(0, 4 * M, RW, MAP_F_HUGEPAGE)) return unknown("MADV_HUGEPAGE is refused");
  int64_t before = t_rss_kb();
  t_read(2 * M, 4 * K);
  int64_t grown = t_rss_kb() - before;
  say(!slot_is_huge(2 * M) ? "small" : grown > 1024 ? "page" : "zero");
  because_number("a read of memory that asked for huge pages made RSS ", grown, " kB larger");
}

/* huge: the slot gets a huge page; split: it becomes a table with one page. */
void try_thp_zero_write(void) {
  if (t_map(0, 4 * M, RW, MAP_F_HUGEPAGE)) return unknown("MADV_HUGEPAGE is refused");
  int64_t untouched = t_rss_kb();
  t_read(2 * M, 4 * K);
  int64_t before = t_rss_kb();
  if (!slot_is_huge(2 * M) || before - untouched > 1024) return unknown("no huge zero page comes of a read");
  t_write(2 * M, 4 * K);
  int64_t grown = t_rss_kb() - before;
  say(grown > 1024 ? "huge" : "split");
  because_number("a write to a huge zero page made RSS ", grown, " kB larger");
}

void try_collapse(void) {
  if (t_map(0, 4 * M, RW, MAP_F_NOHUGEPAGE)) return unknown("MADV_NOHUGEPAGE is refused");
  t_write(2 * M, M);
  t_advise(0, 4 * M, MADV_HUGEPAGE);
  int error = t_advise(2 * M, 2 * M, MADV_COLLAPSE);
  say_bool(!error && slot_is_huge(2 * M));
  because("MADV_COLLAPSE of 2 MiB: "), because(ok_or(error));
}

/* Less than 2 MiB, within a slot: a kernel refuses it, or has nothing to do. */
void try_collapse_short(void) {
  if (t_map(0, 4 * M, RW, MAP_F_HUGEPAGE)) return unknown("MADV_HUGEPAGE is refused");
  t_write(2 * M, 4 * K);
  int error = t_advise(2 * M + 4 * K, 4 * K, MADV_COLLAPSE);
  say_bool(!error);
  because("MADV_COLLAPSE of 4 KiB within 2 MiB: "), because(ok_or(error));
}

/* Without a word about huge pages the two halves merge. */
void try_stack_no_huge_pages(void) {
  t_map(0, 2 * M, RW, 0), t_map(2 * M, 2 * M, RW, MAP_F_STACK);
  uint64_t vmas = t_vmas();
  say_bool(vmas == 2);
  because_number("a mapping with MAP_STACK beside one without: ", (int64_t)vmas, " VMAs");
}

/* 2 MiB that were written and are read-only since. */
void try_collapse_read_only(void) {
  t_map(0, 2 * M, RW, MAP_F_NOHUGEPAGE), t_write(0, 2 * M);
  t_protect(0, 2 * M, PROT_READ);
  t_advise(0, 2 * M, MADV_HUGEPAGE);
  int error = t_advise(0, 2 * M, MADV_COLLAPSE);
  if (error && error != EINVAL) return unknown(errno_name(error));
  say_bool(!error);
  because("MADV_COLLAPSE of read-only memory: "), because(ok_or(error));
}

/* A private mapping that was written in one slot and read in the next; and, for comparison, one that was only read. */
void try_collapse_retracts_all(void) {
  t_map(0, 4 * M, RW, MAP_F_FILE), t_write(0, 4 * K), t_read(2 * M, 2 * M);
  t_map(8 * M, 2 * M, RW, MAP_F_FILE), t_read(8 * M, 2 * M);
  int only_read = t_advise(8 * M, 2 * M, MADV_COLLAPSE);
  if (only_read) return unknown("mapped files cannot be collapsed");
  int error = t_advise(2 * M, 2 * M, MADV_COLLAPSE);
  if (error && error != EINVAL) return unknown(errno_name(error));
  say_bool(!error);
  because("MADV_COLLAPSE of a mapped file that was written elsewhere: "), because(ok_or(error));
}

/* A file that was written, unmapped and mapped again: its pages are in the cache, and the GiB has no table. */
void try_collapse_makes_pmd(void) {
  t_map(1024 * M, 2 * M, RW, MAP_F_SHARED | MAP_F_FILE), t_write(1024 * M, 2 * M);
  int touched = t_advise(1024 * M, 2 * M, MADV_COLLAPSE);
  if (touched) return unknown("mapped files cannot be collapsed");
  t_map(4096 * M, 2 * M, RW, MAP_F_SHARED | MAP_F_FILE), t_write(4096 * M, 2 * M), t_unmap(4096 * M, 2 * M);
  t_map(4096 * M, 2 * M, RW, MAP_F_SHARED | MAP_F_FILE);
  int error = t_advise(4096 * M, 2 * M, MADV_COLLAPSE);
  if (error && error != EINVAL) return unknown(errno_name(error));
  say_bool(!error);
  because("MADV_COLLAPSE of a cached file that is not mapped yet: "), because(ok_or(error));
}

/* Two slots under one PMD table, the first of them untouched. */
void try_collapse_skips_none(void) {
  if (t_map(0, 4 * M, RW, MAP_F_NOHUGEPAGE)) return unknown("MADV_NOHUGEPAGE is refused");
  t_write(2 * M, 4 * K);
  t_advise(0, 4 * M, MADV_HUGEPAGE);
  int error = t_advise(0, 4 * M, MADV_COLLAPSE);
  if (error != EINVAL) return unknown(ok_or(error));
  int went_on = slot_is_huge(2 * M);
  say_bool(went_on);
  because("MADV_COLLAPSE of 4 MiB whose first half was not touched: the second is "), because(went_on ? "huge" : "as it was");
}

void try_collapse_shmem(void) {
  t_map(0, 4 * M, RW, MAP_F_SHARED), t_write(0, 4 * M);
  int64_t before = t_tables_kb();
  int error = t_advise(0, 2 * M, MADV_COLLAPSE);
  int64_t freed = before - t_tables_kb();
  say_bool(!error && freed > 0);
  because("MADV_COLLAPSE of shared memory: "), because(ok_or(error));
  because_number(", ", freed, " kB of tables back");
}

/* Shared memory that is huge in the cache, no longer mapped, and has MADV_NOHUGEPAGE. Returns why not, or NULL. */
static const char *huge_in_cache_only(void) {
  t_map(0, 2 * M, RW, MAP_F_SHARED), t_write(0, 2 * M);
  if (t_advise(0, 2 * M, MADV_COLLAPSE)) return "shared memory cannot be collapsed";
  if (t_advise(0, 2 * M, MADV_NOHUGEPAGE)) return "MADV_NOHUGEPAGE is refused";
  t_advise(0, 2 * M, MADV_DONTNEED);
  return NULL;
}

void try_no_huge_page_faults_small(void) {
  const char *why_not = huge_in_cache_only();
  if (why_not) return unknown(why_not);
  // Not by what is mapped: by small entries, some kernels map all of a huge page at once.
  int64_t before = t_tables_kb();
  t_read(0, 4 * K);
  bool small = t_tables_kb() > before;
  say_bool(small);
  because(small ? "MADV_NOHUGEPAGE, then a read of huge shared memory mapped small pages"
                : "MADV_NOHUGEPAGE, then a read of huge shared memory mapped a huge page");
}

/* A read, then a write of the first page: is a page in the middle mapped then, too? */
void try_fault_maps_folio(void) {
  const char *why_not = huge_in_cache_only();
  if (why_not) return unknown(why_not);
  int64_t before = t_tables_kb();
  t_read(0, 4 * K);
  if (t_tables_kb() == before) return unknown("a huge page is mapped as one");
  bool by_read = t_mapped(M);
  t_advise(0, 2 * M, MADV_DONTNEED), t_write(0, 4 * K);
  bool by_write = t_mapped(M);
  say(by_read ? "any" : by_write ? "write" : "none");
  because(by_read    ? "a read of 4 KiB mapped 2 MiB of shared memory"
          : by_write ? "a write of 4 KiB mapped 2 MiB of shared memory, a read did not"
                     : "neither a read nor a write of 4 KiB mapped 2 MiB of shared memory");
}

/* Shared memory that asked for huge pages, written. */
void try_shmem_huge(void) {
  if (t_map(0, 4 * M, RW, MAP_F_SHARED | MAP_F_HUGEPAGE)) return unknown("MADV_HUGEPAGE is refused");
  t_write(2 * M, 4 * K);
  say_bool(slot_is_huge(2 * M));
  because(slot_is_huge(2 * M) ? "shared memory that asked got a huge page" : "shared memory that asked got small pages");
}

void try_shmem_huge_unasked(void) {
  t_map(0, 4 * M, RW, MAP_F_SHARED), t_write(2 * M, 4 * K);
  say_bool(slot_is_huge(2 * M));
  because(slot_is_huge(2 * M) ? "shared memory got a huge page" : "shared memory got small pages");
}

/* A mapped file (tmpfs) that asked for huge pages. */
void try_file_huge(void) {
  if (t_map(0, 4 * M, RW, MAP_F_SHARED | MAP_F_FILE | MAP_F_HUGEPAGE)) return unknown("MADV_HUGEPAGE is refused");
  t_write(2 * M, 4 * K);
  say_bool(slot_is_huge(2 * M));
  because(slot_is_huge(2 * M) ? "a mapped file that asked got a huge page" : "a mapped file that asked got small pages");
}

/* Sizes between a page and 2 MiB: how much one write to a place too small for 2 MiB maps, in kB. */
void try_thp_sizes(void) {
  int64_t mapped = 0;
  if (t_map(0, M, RW, MAP_F_HUGEPAGE)) return unknown("MADV_HUGEPAGE is refused");
  t_write(0, 4 * K);
  while (mapped < 256 && t_mapped((uint64_t)mapped * 4 * K)) mapped++;
  say_number((uint64_t)mapped * 4);
  because_number("a write to 1 MiB that asked for huge pages mapped ", mapped * 4, " kB");
}
