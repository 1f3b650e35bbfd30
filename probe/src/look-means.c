/* What this kernel shows of page tables, found out by doing, on tables of the probe's own. */
#include "look.h"

#include <linux/mman.h>

#define OWN_AT 0x290000000000ull
#define MADV_GUARD_INSTALL 102

struct look_means look_means;

static bool swap_space(void) {
  static char text[512];
  long fd = open_read("/proc/swaps");
  if (fd < 0) return true;
  long n = sys3(__NR_read, fd, text, sizeof text - 1);
  sys1(__NR_close, fd);
  const char *end = n > 0 ? strchr(text, '\n') : NULL;
  return !end || end[1] != 0;
}

/*
 * Three windows, of which the middle one has an empty table: does a scan for PAGE_IS_WRITTEN report that one whole, and
 * the others not at all?
 */
static bool scan_shows_empty_tables(long pagemap, uint64_t at) {
  struct page_region regions[4];
  long n = scan_ioctl(pagemap, at, at + 3 * PMD_SIZE, PAGE_IS_WRITTEN, 0, PAGE_IS_WRITTEN, 0, regions, 4, NULL);
  return n == 1 && regions[0].start == at + PMD_SIZE && regions[0].end == at + 2 * PMD_SIZE;
}

/* Of the same windows: does one question leave out what has an empty table, and say of the others that they have none? */
static bool scan_tells_at_once(long pagemap, uint64_t at) {
  struct page_region regions[4];
  long n = scan_ioctl_at_once(pagemap, at, at + 3 * PMD_SIZE, PAGE_IS_PRESENT | PAGE_IS_SWAPPED, regions, 4, NULL);
  return n == 2 && scan_is_hole(&regions[0]) && scan_is_hole(&regions[1]) && regions[0].start == at &&
         regions[0].end == at + PMD_SIZE && regions[1].start == at + 2 * PMD_SIZE && regions[1].end == at + 3 * PMD_SIZE;
}

void look_means_find(bool plain, bool no_exact, bool two_scans) {
  struct look_means *m = &look_means;
  memset(m, 0, sizeof *m);
  m->swap = swap_space();
  long pagemap = open_read("/proc/self/pagemap");
  long at = sys6(__NR_mmap, OWN_AT, 3 * PMD_SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (pagemap < 0 || error_of(at)) return;
  sys3(__NR_madvise, at, 3 * PMD_SIZE, MADV_NOHUGEPAGE);
  char *middle = (char *)at + PMD_SIZE;
  *(volatile char *)middle = 1;
  sys3(__NR_madvise, middle, PMD_SIZE / 2, MADV_DONTNEED);
  struct page_region one;
  if (!plain) {
    m->scan = scan_ioctl(pagemap, (uint64_t)at, (uint64_t)at + PAGE, 0, PAGE_IS_PRESENT, PAGE_IS_PRESENT, 0, &one, 1, NULL) >= 0;
    m->guard = m->scan && scan_ioctl(pagemap, (uint64_t)at, (uint64_t)at + PAGE, 0, PAGE_IS_GUARD, PAGE_IS_GUARD, 0, &one, 1, NULL) >= 0;
    m->exact = !no_exact && m->scan && scan_shows_empty_tables(pagemap, (uint64_t)at);
    m->at_once = !two_scans && m->exact && scan_tells_at_once(pagemap, (uint64_t)at);
  }
  uint64_t entry = 0;
  if (!sys3(__NR_madvise, middle, PAGE, MADV_GUARD_INSTALL) &&
      sys4(__NR_pread64, pagemap, &entry, 8, (uint64_t)middle / PAGE * 8) == 8 && (entry & 31) != 0)
    m->frames = true, m->marker = entry & 31;
  sys2(__NR_munmap, at, 3 * PMD_SIZE);
  sys1(__NR_close, pagemap);
  if (!m->exact) m->timed = time_calibrate(!m->scan, &m->cycles_none, &m->cycles_table);
}
