/* Trials of what a system is set to: limits, overcommit, huge pages, userfaultfd. Settings that a file shows are read there. */
#include "trial.h"

#include <asm/resource.h>
#include <linux/userfaultfd.h>

#define RW (PROT_READ | PROT_WRITE)
#define K 1024ull
#define M (1ull << 20)
#define T (1ull << 40)
#define THP "/sys/kernel/mm/transparent_hugepage/"

/* The word in brackets of a setting such as `always [madvise] never`. */
static void say_chosen(const char *path) {
  char word[64];
  const char *p = t_file(path);
  if (!p) {
    say("absent");
    because("there is no "), because(path);
    return;
  }
  const char *start = strchr(p, '['), *end = strchr(p, ']');
  if (!start || !end || end - start > (long)sizeof word) return unknown(p);
  memcpy(word, start + 1, (size_t)(end - start - 1));
  word[end - start - 1] = 0;
  say(word);
  because(path);
}

static void say_number_of(const char *path) {
  int64_t v = t_file_number(path);
  if (v < 0) {
    unknown("cannot read ");
    because(path);
    return;
  }
  say_number((uint64_t)v);
  because(path);
}

void try_set_thp(void) { say_chosen(THP "enabled"); }
void try_set_thp_defrag(void) { say_chosen(THP "defrag"); }
void try_set_shmem(void) { say_chosen(THP "shmem_enabled"); }
void try_set_zero_page(void) {
  int64_t v = t_file_number(THP "use_zero_page");
  say(v < 0 ? "absent" : v ? "yes" : "no");
  because(THP "use_zero_page");
}
void try_khugepaged(void) {
  int64_t v = t_file_number(THP "khugepaged/defrag");
  say_bool(v >= 0);
  because(v >= 0 ? THP "khugepaged" : "there is no " THP "khugepaged");
}
void try_khugepaged_none(void) { say_number_of(THP "khugepaged/max_ptes_none"); }
void try_khugepaged_swap(void) { say_number_of(THP "khugepaged/max_ptes_swap"); }
void try_khugepaged_shared(void) { say_number_of(THP "khugepaged/max_ptes_shared"); }
void try_khugepaged_sleep(void) { say_number_of(THP "khugepaged/scan_sleep_millisecs"); }

/* Sizes that a system allows: "16:always,2048:inherit"; `none`: all are off; `absent`: single sizes cannot be set. */
void try_set_sizes(void) {
  char list[256];
  size_t used = 0;
  bool any = false;
  for (uint64_t kb = 8; kb <= 2048; kb *= 2) {
    char path[96] = THP "hugepages-", word[16];
    size_t n = strlen(path);
    n += format_dec(path + n, kb);
    memcpy(path + n, "kB/enabled", 11);
    const char *p = t_file(path);
    if (!p) continue;
    any = true;
    const char *start = strchr(p, '['), *end = strchr(p, ']');
    if (!start || !end || end - start > (long)sizeof word) continue;
    size_t length = (size_t)(end - start - 1);
    if (!strncmp(start + 1, "never", 5)) continue;
    if (used) list[used++] = ',';
    used += format_dec(list + used, kb);
    list[used++] = ':';
    memcpy(list + used, start + 1, length);
    used += length;
  }
  list[used] = 0;
  say(used ? list : any ? "none" : "absent");
  because(THP "hugepages-*kB/enabled");
}

/* always: any amount is promised; heuristic: not what could never be had; never: MAP_NORESERVE counts too. */
void try_overcommit(void) {
  int64_t set = t_file_number("/proc/sys/vm/overcommit_memory");
  bool counted = !t_map(0, 40 * T, RW, MAP_F_RESERVE), uncounted;
  t_unmap(0, 40 * T);
  uncounted = !t_map(0, 40 * T, RW, 0);
  say(counted ? "always" : uncounted ? "heuristic" : "never");
  because("40 TiB "), because(counted ? "are promised" : "are refused");
  because(uncounted ? ", with MAP_NORESERVE promised" : ", with MAP_NORESERVE refused");
  because_number("; vm.overcommit_memory=", set, "");
}

void try_max_map_count(void) { say_number_of("/proc/sys/vm/max_map_count"); }

static void say_limit(long which, const char *name) {
  uint64_t limit[2];
  int error = error_of(sys2(__NR_getrlimit, which, limit));
  if (error) return unknown(errno_name(error));
  if (limit[0] == RLIM_INFINITY) say("unlimited");
  else say_number(limit[0] / K);
  because(name), because(" in kB");
}
void try_stack_limit(void) { say_limit(RLIMIT_STACK, "RLIMIT_STACK"); }

/* More than a user may lock by default. */
void try_memlock(void) {
  t_map(0, 64 * M, RW, MAP_F_NOHUGEPAGE);
  int error = t_op((struct op){.kind = OP_MLOCK, .len = 64 * M, .flags = MLOCK_F_ONFAULT});
  say_bool(!error);
  because("mlock of 64 MiB: "), because(error ? errno_name(error) : "ok");
}

/* MADV_PAGEOUT of written pages at 0: an error, or 0; `swapped`: is one of them in swap then? */
static int page_out(bool *swapped) {
  t_map(0, 2 * M, RW, MAP_F_NOHUGEPAGE), t_write(0, 64 * K);
  int error = t_advise(0, 64 * K, MADV_PAGEOUT);
  *swapped = false;
  for (uint64_t at = 0; at < 64 * K; at += PAGE) *swapped |= page_is_swapped(ARENA_BASE + at);
  return error;
}

void try_swap(void) {
  bool swapped;
  int error = page_out(&swapped);
  if (error) return unknown(errno_name(error));
  say_bool(swapped);
  because(swapped ? "MADV_PAGEOUT put pages in swap" : "MADV_PAGEOUT put nothing in swap");
}

/* A huge page of shared memory, written and paged out without swap: does the next fault still find it huge? */
void try_pageout_keeps_huge(void) {
  bool swapped;
  int error = page_out(&swapped);
  if (error) return unknown(errno_name(error));
  if (swapped) return unknown("there is swap, and with it the huge page goes there");
  t_map(8 * M, 2 * M, RW, MAP_F_SHARED), t_write(8 * M, 2 * M);
  if (t_advise(8 * M, 2 * M, MADV_COLLAPSE)) return unknown("shared memory cannot be collapsed");
  error = t_advise(8 * M, 2 * M, MADV_PAGEOUT);
  if (error) return unknown(errno_name(error));
  int64_t before = t_tables_kb();
  t_read(8 * M, 4 * K);
  bool huge = t_tables_kb() == before;
  say_bool(huge);
  because(huge ? "MADV_PAGEOUT left shared memory huge" : "MADV_PAGEOUT split shared memory into small pages");
}

void try_hugetlb_pages(void) {
  int64_t v = t_file_number("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
  say_number(v < 0 ? 0 : (uint64_t)v);
  because(v < 0 ? "there is no pool" : "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
}

static int try_uffd(uint32_t action, uint32_t flags, bool async) {
  t_op((struct op){.kind = OP_UFFDMODE, .what = async});
  int error = t_map(0, 4096 * K, RW, flags);
  if (!error) error = t_op((struct op){.kind = OP_UFFD, .len = 2048 * K, .what = action});
  return error;
}

static void say_uffd(int error, const char *what) {
  if (error == EPERM) return unknown("userfaultfd: EPERM (vm.unprivileged_userfaultfd, or root)");
  say_bool(!error);
  because(what), because(": "), because(error ? errno_name(error) : "ok");
}

void try_uffd_wp(void) { say_uffd(try_uffd(UFFD_ON, MAP_F_NOHUGEPAGE, false), "write protection of anonymous memory"); }
void try_uffd_wp_async(void) { say_uffd(try_uffd(UFFD_ON, MAP_F_NOHUGEPAGE, true), "asynchronous write protection"); }
void try_uffd_wp_shmem(void) { say_uffd(try_uffd(UFFD_ON, MAP_F_SHARED, false), "write protection of shared memory"); }

/* A marker where nothing was: protected memory that was never touched has a table. */
void try_uffd_wp_unpopulated(void) {
  int64_t before = t_tables_kb();
  int error = try_uffd(UFFD_ON, MAP_F_NOHUGEPAGE, true);
  if (error) return say_uffd(error, "write protection");
  int64_t grown = t_tables_kb() - before;
  say_bool(grown > 0);
  because_number("write protection of memory that was never touched made ", grown, " kB of tables");
}

void try_uffd_own_only(void) {
  int error = try_uffd(UFFD_REGISTER, MAP_F_NOHUGEPAGE, false);
  if (error) return say_uffd(error, "registration");
  error = uffd_unregister_by_another(ARENA_BASE, 2048 * K);
  say_bool(error == EINVAL);
  because("unregistered by another userfaultfd: "), because(error ? errno_name(error) : "ok");
}

void try_uffd_move(void) {
  int error = t_map(0, 2048 * K, RW, MAP_F_NOHUGEPAGE);
  if (!error) error = t_map(4096 * K, 2048 * K, RW, MAP_F_NOHUGEPAGE);
  t_write(4096 * K, 4 * K);
  if (!error) error = t_op((struct op){.kind = OP_UFFDMODE, .what = 1});
  if (!error) error = t_op((struct op){.kind = OP_UFFD, .len = 2048 * K, .what = UFFD_REGISTER});
  if (!error) error = t_op((struct op){.kind = OP_UFFD, .len = 4 * K, .what = UFFD_MOVE, .arg = ARENA_BASE + 4096 * K});
  say_uffd(error, "UFFDIO_MOVE");
}
