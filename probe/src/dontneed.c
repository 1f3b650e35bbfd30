/*
 * madvise and process_madvise, whole or in pieces.
 *
 * Mode `none` on a kernel that has the series: no call covers a whole PTE table, so that the condition of
 * mm/memory.c: zap_pte_range (the range is at least PMD_SIZE) never holds. A piece of a huge page would split it,
 * which a kernel without the series does not do; so slots that a huge page maps are looked up (PAGEMAP_SCAN) and get
 * one call each: mm/huge_memory.c: zap_huge_pmd frees the deposited table in both kinds of kernel, and reclaims nothing.
 */
#include "probe.h"

#include <asm/ioctl.h>
#include <linux/mman.h>

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

struct range {
  uint64_t addr, len;
};

/* uapi/linux/fs.h, since 6.7; older headers lack it */
struct scan_region {
  uint64_t start, end, categories;
};
struct scan_arg {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_IOCTL _IOWR('f', 16, struct scan_arg)
#define SCAN_IS_HUGE (1ull << 6)

#define PIECE (1ull << 20)

static long pagemap_fd = -1;
static bool huge_possible;

/* Again in a child: the file belongs to the process that opened it. */
void dontneed_prepare(void) {
  if (pagemap_fd >= 0) sys1(__NR_close, pagemap_fd);
  pagemap_fd = open_read("/proc/self/pagemap");
}

/* From now on a huge page may be mapped (they were asked for, or the system gives them to everyone). */
void dontneed_huge_pages_possible(void) { huge_possible = true; }

/* Is the 2 MiB slot at `addr` mapped by one huge page? */
static bool slot_is_huge(uint64_t addr) {
  if (!huge_possible || pagemap_fd < 0) return false;
  struct scan_region region;
  struct scan_arg scan = {.size = sizeof scan,
                          .start = addr,
                          .end = addr + PMD_SIZE,
                          .vec = (uint64_t)&region,
                          .vec_len = 1,
                          .category_mask = SCAN_IS_HUGE,
                          .return_mask = SCAN_IS_HUGE};
  return sys3(__NR_ioctl, pagemap_fd, SCAN_IOCTL, &scan) == 1 && region.start == addr && region.end == addr + PMD_SIZE;
}

/* One system call. Returns errno, 0 where it went well. */
static int advise_once(uint64_t addr, uint64_t len, int advice, long pidfd, uint64_t *bytes) {
  if (pidfd >= 0) {
    struct range range = {addr, len};
    long n = sys5(__NR_process_madvise, pidfd, &range, 1, advice, 0);
    if (!error_of(n)) *bytes += (uint64_t)n;
    return error_of(n);
  }
  return error_of(sys3(__NR_madvise, addr, len, advice));
}

/* One request below PMD_SIZE pieces; what one call would have answered (mm/madvise.c: madvise_walk_vmas). */
static int advise_in_pieces(uint64_t addr, uint64_t len, int advice, long pidfd, uint64_t *bytes) {
  uint64_t end = addr + len;
  int hole = 0;
  while (addr < end) {
    uint64_t slot = addr & ~(PMD_SIZE - 1);
    uint64_t next = addr + PIECE - (addr & (PIECE - 1));
    if (addr == slot && end - addr >= PMD_SIZE && slot_is_huge(addr)) next = addr + PMD_SIZE;
    if (next > end) next = end;
    int error = advise_once(addr, next - addr, advice, pidfd, bytes);
    /* A hole is remembered and passed over; anything else ends the walk where it is. */
    if (error == ENOMEM)
      hole = ENOMEM;
    else if (error)
      return error;
    addr = next;
  }
  return hole;
}

static int advise_request(uint64_t addr, uint64_t len, int advice, long pidfd, enum mode mode, uint64_t *bytes) {
  bool drops = advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED;
  uint64_t rounded = (len + PAGE - 1) & ~(PAGE - 1);
  /* A request that the kernel refuses as such goes to it as it is. */
  bool plain = addr % PAGE || rounded < len || addr + rounded < addr;
  if (mode == MODE_NONE && drops && !plain && rounded >= PMD_SIZE)
    return advise_in_pieces(addr, rounded, advice, pidfd, bytes);
  return advise_once(addr, len, advice, pidfd, bytes);
}

/*
 * Advises [addr, addr+len), one call each `step` bytes (0: one call). Every piece is issued; the last error is
 * returned (errno, 0: none). `pidfd` below 0: madvise, else process_madvise, whose bytes are added to *bytes.
 */
int advise_range(uint64_t addr, uint64_t len, int advice, uint64_t step, long pidfd, enum mode mode, uint64_t *bytes) {
  if (!step || step >= len) return advise_request(addr, len, advice, pidfd, mode, bytes);
  int last = 0;
  for (uint64_t done = 0; done < len; done += step) {
    uint64_t n = len - done < step ? len - done : step;
    int error = advise_request(addr + done, n, advice, pidfd, mode, bytes);
    if (error) last = error;
  }
  return last;
}

/* Is the page at `addr` in swap? */
bool page_is_swapped(uint64_t addr) {
  uint64_t entry = 0;
  return sys4(__NR_pread64, pagemap_fd, &entry, sizeof entry, addr / PAGE * sizeof entry) == sizeof entry && entry >> 62 & 1;
}
