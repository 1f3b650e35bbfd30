/*
 * Where no scan says whether a window without entries has a table, time does: the kernel looks at 512 entries of a
 * table, and at nothing if there is none. The shortest of many calls counts: whatever else the machine does only
 * makes a call longer.
 */
#include "look.h"

#include <linux/mman.h>

#define OWN_WINDOWS 32ull
#define OWN_AT 0x2a0000000000ull
#define CALIBRATE_TIMES 64

static uint64_t entries[512];

/* The time stamp counter: a system call to ask for the time would cost as much as a question about a table. */
uint64_t look_cycles(void) {
  uint32_t low, high;
  __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
  return (uint64_t)high << 32 | low;
}

/* The shortest of `times` scans of [start, end), one window or a part of one, in cycles of the time stamp counter. */
uint64_t time_window(long pagemap, uint64_t start, uint64_t end, bool plain, unsigned times) {
  uint64_t best = UINT64_MAX;
  for (unsigned i = 0; i < times; i++) {
    struct page_region one;
    uint64_t begun = look_cycles();
    if (plain)
      (void)sys4(__NR_pread64, pagemap, entries, (end - start) / PAGE * 8, start / PAGE * 8);
    else
      (void)scan_ioctl(pagemap, start, end, 0, PAGE_IS_PRESENT, PAGE_IS_PRESENT, 0, &one, 1, NULL);
    uint64_t took = look_cycles() - begun;
    if (took < best) best = took;
  }
  return best;
}

/* Tables of the probe's own: every second window gets one and loses its entries again in two halves, so it stays. */
bool time_calibrate(bool plain, uint64_t *none, uint64_t *table) {
  long pagemap = open_read("/proc/self/pagemap");
  long at = sys6(__NR_mmap, OWN_AT, OWN_WINDOWS * PMD_SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (pagemap < 0 || error_of(at)) return false;
  sys3(__NR_madvise, at, OWN_WINDOWS * PMD_SIZE, MADV_NOHUGEPAGE);
  for (uint64_t i = 0; i < OWN_WINDOWS; i += 2) {
    char *window = (char *)at + i * PMD_SIZE;
    *(volatile char *)window = 1;
    sys3(__NR_madvise, window, PMD_SIZE / 2, MADV_DONTNEED);
  }
  uint64_t slowest_none = 0, fastest_table = UINT64_MAX;
  for (uint64_t i = 0; i < OWN_WINDOWS; i++) {
    uint64_t start = (uint64_t)at + i * PMD_SIZE;
    uint64_t took = time_window(pagemap, start, start + PMD_SIZE, plain, CALIBRATE_TIMES);
    if (i % 2 == 0 && took < fastest_table) fastest_table = took;
    if (i % 2 == 1 && took > slowest_none) slowest_none = took;
  }
  sys2(__NR_munmap, at, OWN_WINDOWS * PMD_SIZE);
  sys1(__NR_close, pagemap);
  *none = slowest_none, *table = fastest_table - slowest_none;
  return fastest_table > slowest_none;
}
