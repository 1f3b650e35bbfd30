/* One operation, executed by the real kernel. */
#include "probe.h"

#include <linux/mman.h>
#include <asm/resource.h>
#include <linux/falloc.h>
#include <linux/memfd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define MREMAP_FLAG_MAYMOVE 1
#define MREMAP_FLAG_FIXED 2
#define MREMAP_FLAG_DONTUNMAP 4
#define MLOCK_FLAG_ONFAULT 1

#define FILES_MAX 1024
/* The files behind file mappings: sparse, and longer than any offset that a workload uses. */
#define FILE_SIZE (1ull << 48)

static int files[FILES_MAX]; /* file descriptor + 1; 0: not made yet */
static long self_pidfd = -1;
static uint64_t heap_start, heap_end;

/* The descriptor of a workload's file, or minus an errno. */
static long file_of(uint64_t number) {
  if (number >= FILES_MAX) return -EMFILE;
  if (!files[number]) {
    long fd = sys2(__NR_memfd_create, "workload", MFD_CLOEXEC);
    if (fd < 0) return fd;
    int error = error_of(sys2(__NR_ftruncate, fd, FILE_SIZE));
    if (error) return -error;
    files[number] = (int)fd + 1;
  }
  return files[number] - 1;
}

static bool thp_always(void) {
  char text[64] = {0};
  long fd = open_read("/sys/kernel/mm/transparent_hugepage/enabled");
  if (fd < 0) return false;
  long n = sys3(__NR_read, fd, text, sizeof text - 1);
  sys1(__NR_close, fd);
  return n > 0 && strstr(text, "[always]");
}

void exec_prepare(void) {
  uint64_t unlimited[2] = {RLIM_INFINITY, RLIM_INFINITY};
  sys2(__NR_setrlimit, RLIMIT_MEMLOCK, unlimited);
  uint64_t open_files[2];
  if (sys2(__NR_getrlimit, RLIMIT_NOFILE, open_files) == 0) {
    open_files[0] = open_files[1];
    sys2(__NR_setrlimit, RLIMIT_NOFILE, open_files);
  }
  long fd = file_of(0);
  if (fd < 0) die(EXIT_FAILED, "cannot make a file in memory", errno_name(error_of(fd)));
  self_pidfd = sys2(__NR_pidfd_open, sys0(__NR_getpid), 0);
  if (thp_always()) dontneed_huge_pages_possible();
}

static int advise(uint64_t addr, uint64_t len, int advice) { return error_of(sys3(__NR_madvise, addr, len, advice)); }

static int do_mmap(const struct op *op) {
  uint32_t f = op->flags;
  int flags = (f & MAP_F_RESERVE ? 0 : MAP_NORESERVE) | (f & MAP_F_SHARED ? MAP_SHARED : MAP_PRIVATE);
  flags |= f & MAP_F_NOREPLACE ? MAP_FIXED_NOREPLACE : MAP_FIXED;
  if (f & MAP_F_POPULATE) flags |= MAP_POPULATE;
  if (f & MAP_F_LOCKED) flags |= MAP_LOCKED;
  if (f & MAP_F_GROWSDOWN) flags |= MAP_GROWSDOWN;
  if (f & MAP_F_STACK) flags |= MAP_STACK;
  if (f & MAP_F_HUGETLB) flags |= MAP_HUGETLB;
  if (f & (MAP_F_HUGETLB | MAP_F_HUGEPAGE)) dontneed_huge_pages_possible();
  long fd = -1;
  uint64_t offset = 0;
  if (f & MAP_F_FILE) {
    fd = file_of(op->arg2);
    if (fd < 0) return error_of(fd);
    offset = op->arg;
  } else {
    flags |= MAP_ANONYMOUS;
  }
  int error = error_of(sys6(__NR_mmap, (long)op->addr, (long)op->len, op->what, flags, fd, (long)offset));
  if (!error && f & MAP_F_HUGEPAGE) error = advise(op->addr, op->len, MADV_HUGEPAGE);
  if (!error && f & MAP_F_NOHUGEPAGE) error = advise(op->addr, op->len, MADV_NOHUGEPAGE);
  return error;
}

static int do_madvise(const struct op *op, enum mode mode, struct result *r) {
  if (op->what == MADV_HUGEPAGE || op->what == MADV_COLLAPSE) dontneed_huge_pages_possible();
  if (op->flags & MADV_F_CHILD) {
    long pidfd = child_pidfd((uint32_t)op->arg2);
    if (pidfd < 0) return ESRCH;
    r->has_bytes = true;
    int error = advise_range(op->addr, op->len, (int)op->what, op->arg, pidfd, mode, &r->bytes);
    sys1(__NR_close, pidfd);
    return error;
  }
  r->has_bytes = op->flags & MADV_F_PROCESS;
  return advise_range(op->addr, op->len, (int)op->what, op->arg, r->has_bytes ? self_pidfd : -1, mode, &r->bytes);
}

static int do_mremap(const struct op *op) {
  unsigned long flags = 0;
  if (op->flags & MREMAP_F_FIXED) flags |= MREMAP_FLAG_MAYMOVE | MREMAP_FLAG_FIXED;
  if (op->flags & MREMAP_F_DONTUNMAP) flags |= MREMAP_FLAG_MAYMOVE | MREMAP_FLAG_DONTUNMAP;
  return error_of(sys5(__NR_mremap, op->addr, op->len, op->arg2, flags, op->arg));
}

/* A heap of the workload's own: the probe has none, and brk's range cannot be moved. The first call says where it starts. */
static int do_brk(uint64_t end) {
  end = (end + PAGE - 1) & ~(PAGE - 1);
  if (!heap_start) {
    heap_start = heap_end = end;
    return 0;
  }
  if (end < heap_start) return ENOMEM;
  int error = 0;
  if (end > heap_end) {
    struct op map = {.kind = OP_MMAP, .addr = heap_end, .len = end - heap_end, .what = PROT_READ | PROT_WRITE,
                     .flags = MAP_F_NOREPLACE};
    error = do_mmap(&map);
  } else if (end < heap_end) {
    error = error_of(sys2(__NR_munmap, end, heap_end - end));
  }
  if (!error) heap_end = end;
  return error == EEXIST ? ENOMEM : error;
}

static int do_swapin(const struct op *op) {
  struct result r;
  for (uint64_t p = op->addr; p < op->addr + op->len && !stopping; p += PAGE)
    if (page_is_swapped(p)) touch_range(p, 1, PAGE, false, &r);
  return 0;
}

static int do_file(const struct op *op) {
  long fd = file_of(op->what);
  if (fd < 0) return error_of(fd);
  if (op->kind == OP_TRUNCATE) return error_of(sys2(__NR_ftruncate, fd, op->addr));
  return error_of(sys4(__NR_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, op->addr, op->len));
}

void record_decode(const uint64_t record[RECORD_NUMBERS], struct op *op) {
  uint64_t code = record[0];
  *op = (struct op){
      .kind = code & 0xff,
      .what = code >> 8 & 0xfff,
      .flags = code >> 20 & 0xfff,
      .process = (uint32_t)(code >> 32),
      .addr = record[1],
      .len = record[2],
      .arg = record[3],
      .arg2 = record[4],
  };
}

/* Would the operation change what the probe needs to go on? */
bool exec_hits_own_image(const struct op *op) {
  switch (op->kind) {
    case OP_PUNCH:
    case OP_TRUNCATE:
    case OP_SLEEP:
    case OP_TOUCH:
      return false;
    case OP_MREMAP:
      return own_overlaps(op->addr, op->len) || (op->flags & MREMAP_F_FIXED && own_overlaps(op->arg, op->arg2));
  }
  return own_overlaps(op->addr, op->len);
}

/* Executes one operation and says what the kernel answered. */
void exec_op(const struct op *op, enum mode mode, struct result *r) {
  if (op->process && op->kind != OP_FORK && op->kind != OP_EXIT) {
    if (!child_execute(op, r)) r->error = ESRCH;
    return;
  }
  memset(r, 0, sizeof *r);
  switch (op->kind) {
    case OP_MMAP:
      r->error = do_mmap(op);
      return;
    case OP_MUNMAP:
      r->error = error_of(sys2(__NR_munmap, op->addr, op->len));
      return;
    case OP_TOUCH:
      touch_range(op->addr, op->len, op->arg ? op->arg : PAGE, op->flags & TOUCH_F_WRITE, r);
      return;
    case OP_MADVISE:
      r->error = do_madvise(op, mode, r);
      return;
    case OP_MPROTECT:
      r->error = error_of(sys3(__NR_mprotect, op->addr, op->len, op->what));
      return;
    case OP_MREMAP:
      r->error = do_mremap(op);
      return;
    case OP_MLOCK:
      r->error = error_of(sys3(__NR_mlock2, op->addr, op->len, op->flags & MLOCK_F_ONFAULT ? MLOCK_FLAG_ONFAULT : 0));
      return;
    case OP_MUNLOCK:
      r->error = error_of(sys2(__NR_munlock, op->addr, op->len));
      return;
    case OP_BRK:
      r->error = do_brk(op->addr);
      return;
    case OP_FORK:
      r->error = child_fork(op, r);
      return;
    case OP_CHILDSTAT:
      r->error = child_stat(r);
      return;
    case OP_EXIT:
      r->error = child_kill(op->process);
      return;
    case OP_EXEC:
      own_unmap_the_rest();
      heap_start = heap_end = 0;
      return;
    case OP_UFFD:
      r->error = uffd_do(op);
      return;
    case OP_UFFDMODE:
      uffd_set_async(op->what);
      return;
    case OP_PUNCH:
    case OP_TRUNCATE:
      r->error = do_file(op);
      return;
    case OP_SWAPIN:
      r->error = do_swapin(op);
      return;
    case OP_SLEEP:
      sleep_ms(op->arg);
      return;
    case OP_VMAS:
      r->has_vmas = true;
      r->vmas = vmas_count(op->flags & VMAS_F_LIST);
      return;
  }
  r->error = ENOSYS;
}

/* An empty address space again, as at the start: nothing mapped, no child, files empty. */
void exec_reset(void) {
  children_end();
  own_unmap_the_rest();
  heap_start = heap_end = 0;
  uffd_set_async(true);
  for (int i = 0; i < FILES_MAX; i++) {
    if (!files[i]) continue;
    if (sys2(__NR_ftruncate, files[i] - 1, 0) || sys2(__NR_ftruncate, files[i] - 1, FILE_SIZE))
      die(EXIT_FAILED, "cannot empty a file in memory", NULL);
  }
}
