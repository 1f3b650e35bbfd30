/*
 * Entries of a process as regions of alike pages: by PAGEMAP_SCAN (fs/proc/task_mmu.c: do_pagemap_scan), on kernels
 * before 6.7 by plain reads of pagemap. Each question to the kernel is small: it holds the process's mmap_lock for
 * reading meanwhile, and whoever maps or unmaps there waits for it.
 */
#include "look.h"

#include <asm/ioctl.h>

struct pm_scan_arg {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)

/* Bits of a plain entry (Documentation/admin-guide/mm/pagemap.rst). */
#define PM_GUARD (1ull << 58)
#define PM_UFFD_WP (1ull << 57)
#define PM_FILE (1ull << 61)
#define PM_SWAP (1ull << 62)
#define PM_PRESENT (1ull << 63)

#define REGIONS 512
#define HELD_CYCLES 500000   /* how long one question should take at most: about 0.2 ms */
#define STEP_LEAST 32ull     /* windows of a question */
#define STEP_MOST (1ull << 20)
#define BATCH_MAPPINGS 512
#define PLAIN_PAGES 8192

static struct page_region regions[REGIONS];
static size_t region_next, region_count;
static uint64_t at, batch_end, step = STEP_LEAST;
static bool want_file, plain, at_once, lost;
static long fd;
static struct look_room plain_entries;

/* The question itself; gives how many regions came, or minus an errno. */
static long ask(long pagemap, struct pm_scan_arg *arg, uint64_t *walked) {
  long n;
  while ((n = sys3(__NR_ioctl, pagemap, PAGEMAP_SCAN, arg)) == -EINTR && !stopping) continue;
  if (walked) *walked = arg->walk_end;
  return n;
}

long scan_ioctl(long pagemap, uint64_t start, uint64_t end, uint64_t mask, uint64_t any, uint64_t ret, uint64_t max,
                struct page_region *to, size_t room, uint64_t *walked) {
  struct pm_scan_arg arg = {
      .size = sizeof arg, .start = start, .end = end, .vec = (uint64_t)to, .vec_len = room, .max_pages = max,
      .category_mask = mask, .category_anyof_mask = any, .return_mask = ret};
  return ask(pagemap, &arg, walked);
}

/*
 * Entries, and where there is no table: what is present or swapped, or not written. An entry that is none counts as written
 * (newer kernels: look_means.at_once), what has no table does not: so nothing is said of empty tables, and all else is.
 */
long scan_ioctl_at_once(long pagemap, uint64_t start, uint64_t end, uint64_t ret, struct page_region *to, size_t room,
                        uint64_t *walked) {
  struct pm_scan_arg arg = {
      .size = sizeof arg, .start = start, .end = end, .vec = (uint64_t)to, .vec_len = room,
      .category_inverted = PAGE_IS_WRITTEN, .category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_WRITTEN,
      .return_mask = ret};
  return ask(pagemap, &arg, walked);
}

/* Is it one without a table? */
bool scan_is_hole(const struct page_region *region) {
  return !(region->categories & (PAGE_IS_PRESENT | PAGE_IS_SWAPPED));
}

/* How many windows the next question should be about, by how long the last ones took. */
uint64_t scan_step(void) { return step; }

void scan_took(uint64_t cycles) {
  if (cycles < HELD_CYCLES / 2 && step < STEP_MOST)
    step *= 2;
  else if (cycles > HELD_CYCLES && step > STEP_LEAST)
    step = cycles > 4 * HELD_CYCLES ? STEP_LEAST : step / 2;
}

void scan_begin(long pagemap, bool by_plain_reads, bool with_holes) {
  fd = pagemap, plain = by_plain_reads, at_once = with_holes;
  at = batch_end = 0, region_next = region_count = 0, lost = false, step = STEP_LEAST;
}

/* Did the kernel refuse a question (the process has ended)? */
bool scan_lost(void) { return lost; }

static uint64_t categories_of(uint64_t entry) {
  uint64_t c = 0;
  if (entry & PM_PRESENT) c |= PAGE_IS_PRESENT;
  if (entry & PM_SWAP) c |= PAGE_IS_SWAPPED;
  if (c && entry & PM_FILE) c |= PAGE_IS_FILE;
  if (c && entry & PM_GUARD) c |= PAGE_IS_GUARD;
  if (c && !(entry & PM_UFFD_WP)) c |= PAGE_IS_WRITTEN;
  return c;
}

/* Plain: fills regions from [at, end), as many pages as fit. */
static void read_plain(uint64_t end) {
  if (!plain_entries.at) room_for(&plain_entries, PLAIN_PAGES * 8);
  uint64_t *entries = (uint64_t *)plain_entries.at;
  uint64_t pages = (end - at) / PAGE < PLAIN_PAGES ? (end - at) / PAGE : PLAIN_PAGES;
  long n = sys4(__NR_pread64, fd, entries, pages * 8, at / PAGE * 8);
  region_next = region_count = 0;
  if (n <= 0) {
    lost |= n < 0;
    at = end;
    return;
  }
  uint64_t got = (uint64_t)n / 8, taken = 0;
  for (; taken < got; taken++) {
    uint64_t c = categories_of(entries[taken]);
    if (!c) continue;
    uint64_t address = at + taken * PAGE;
    struct page_region *last = region_count ? &regions[region_count - 1] : NULL;
    if (last && last->end == address && last->categories == c) {
      last->end += PAGE;
    } else {
      if (region_count == REGIONS) break;
      regions[region_count++] = (struct page_region){address, address + PAGE, c};
    }
  }
  at += taken * PAGE;
}

static void scan(uint64_t end) {
  uint64_t ret = PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_HUGE | PAGE_IS_WRITTEN;
  if (look_means.guard) ret |= PAGE_IS_GUARD;
  if (want_file) ret |= PAGE_IS_FILE;
  uint64_t begun = look_cycles(), walked = end;
  long n = at_once ? scan_ioctl_at_once(fd, at, end, ret, regions, REGIONS, &walked)
                   : scan_ioctl(fd, at, end, 0, PAGE_IS_PRESENT | PAGE_IS_SWAPPED, ret, 0, regions, REGIONS, &walked);
  region_next = 0;
  if (n < 0) {
    lost = true, region_count = 0, at = batch_end;
    return;
  }
  scan_took(look_cycles() - begun);
  region_count = (size_t)n;
  at = walked > at ? walked : end;
}

/* Small mappings are asked about together. */
static void choose_batch(size_t vma) {
  uint64_t most = step * PMD_SIZE;
  batch_end = look_vmas[vma].end;
  want_file = false;
  for (size_t i = vma; i < look_vma_count && i - vma < BATCH_MAPPINGS; i++) {
    if (i > vma && look_vmas[i].end - at > most) break;
    batch_end = look_vmas[i].end;
    want_file |= look_vmas[i].file && !look_vmas[i].shared;
  }
}

/* The next region that begins in this mapping or before it ends; NULL if there is none left. */
const struct page_region *scan_peek(size_t vma) {
  const struct look_vma *v = &look_vmas[vma];
  for (;;) {
    while (region_next < region_count && regions[region_next].end <= v->start) region_next++;
    if (region_next < region_count) return regions[region_next].start < v->end ? &regions[region_next] : NULL;
    if (stopping || lost) return NULL;
    if (at < v->start) at = v->start;
    if (at >= v->end) return NULL;
    if (plain) {
      read_plain(v->end);
      continue;
    }
    if (at >= batch_end) choose_batch(vma);
    uint64_t most = at + step * PMD_SIZE;
    scan(most < batch_end ? most : batch_end);
  }
}

/* What lies below `start` of the region at hand was taken. */
void scan_trim(uint64_t start) {
  if (regions[region_next].end <= start)
    region_next++;
  else if (regions[region_next].start < start)
    regions[region_next].start = start;
}
