/* One operation, executed by the real kernel. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define FILES_MAX 16
/* The file behind file mappings: sparse, and longer than any offset that a workload uses. */
#define FILE_SIZE (1ll << 48)

static int files[FILES_MAX];
static int self_pidfd = -1;
static int uffd_async = -1, uffd_sync = -1;
static bool uffd_is_async = true;

/* A userfaultfd, or -1 where the kernel has none to give. Its faults raise SIGBUS: nobody would answer them. */
static int uffd_open(uint64_t features) {
  int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -1;
  struct uffdio_api api = {.api = UFFD_API, .features = features};
  if (ioctl(fd, UFFDIO_API, &api) == 0) return fd;
  close(fd);
  return -1;
}

static int file_of(uint32_t number) {
  if (number >= FILES_MAX) return -1;
  if (files[number] < 0) {
    files[number] = memfd_create("workload", MFD_CLOEXEC);
    if (files[number] >= 0 && ftruncate(files[number], FILE_SIZE)) return -1;
  }
  return files[number];
}

static bool thp_always(void) {
  char text[64] = {0};
  int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  return n > 0 && strstr(text, "[always]");
}

void exec_prepare(void) {
  struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &unlimited);
  for (int i = 0; i < FILES_MAX; i++) files[i] = -1;
  if (file_of(0) < 0) die(EXIT_FAILED, "cannot make a file in memory", strerror(errno));
  self_pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
  uffd_async = uffd_open(UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_HUGETLBFS_SHMEM);
  uffd_sync = uffd_open(UFFD_FEATURE_WP_HUGETLBFS_SHMEM | UFFD_FEATURE_SIGBUS | UFFD_FEATURE_PAGEFAULT_FLAG_WP);
  if (thp_always()) dontneed_huge_pages_possible();
}

static int do_mmap(const struct op *op) {
  uint32_t f = op->flags;
  int flags = MAP_NORESERVE | (f & MAP_F_SHARED ? MAP_SHARED : MAP_PRIVATE);
  flags |= f & MAP_F_NOREPLACE ? MAP_FIXED_NOREPLACE : MAP_FIXED;
  if (f & MAP_F_POPULATE) flags |= MAP_POPULATE;
  if (f & MAP_F_LOCKED) flags |= MAP_LOCKED;
  if (f & MAP_F_GROWSDOWN) flags |= MAP_GROWSDOWN;
  if (f & MAP_F_STACK) flags |= MAP_STACK;
  if (f & MAP_F_HUGETLB) {
    flags |= MAP_HUGETLB;
    dontneed_huge_pages_possible();
  }
  int fd = -1;
  uint64_t offset = 0;
  if (f & MAP_F_FILE) {
    fd = file_of((uint32_t)op->arg2);
    if (fd < 0) return EMFILE;
    offset = op->arg;
  } else {
    flags |= MAP_ANONYMOUS;
  }
  if ((long)syscall(SYS_mmap, op->addr, op->len, op->what, flags, fd, offset) == -1) return errno;
  if (f & MAP_F_HUGEPAGE) {
    dontneed_huge_pages_possible();
    if (madvise((void *)op->addr, op->len, MADV_HUGEPAGE)) return errno;
  }
  if (f & MAP_F_NOHUGEPAGE && madvise((void *)op->addr, op->len, MADV_NOHUGEPAGE)) return errno;
  return 0;
}

static int do_madvise(const struct op *op, enum mode mode, struct result *r) {
  if (op->what == MADV_HUGEPAGE || op->what == 25 /* MADV_COLLAPSE */) dontneed_huge_pages_possible();
  if (op->flags & MADV_F_CHILD) {
    int pidfd = child_pidfd();
    if (pidfd < 0) return ESRCH;
    r->has_bytes = true;
    int error = advise_range(op->addr, op->len, (int)op->what, op->arg, pidfd, mode, &r->bytes);
    close(pidfd);
    return error;
  }
  r->has_bytes = op->flags & MADV_F_PROCESS;
  return advise_range(op->addr, op->len, (int)op->what, op->arg, r->has_bytes ? self_pidfd : -1, mode, &r->bytes);
}

static int do_mremap(const struct op *op) {
  unsigned long flags = 0;
  if (op->flags & MREMAP_F_FIXED) flags |= MREMAP_MAYMOVE | MREMAP_FIXED;
  if (op->flags & MREMAP_F_MAYMOVE) flags |= MREMAP_MAYMOVE;
  if (op->flags & MREMAP_F_DONTUNMAP) flags |= MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
  return syscall(SYS_mremap, op->addr, op->len, op->arg2, flags, op->arg) == -1 ? errno : 0;
}

static int uffd_protect(int fd, const struct op *op, bool on) {
  struct uffdio_writeprotect wp = {.range = {op->addr, op->len}, .mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0};
  return ioctl(fd, UFFDIO_WRITEPROTECT, &wp) ? errno : 0;
}

static int do_uffd(const struct op *op) {
  int fd = uffd_is_async ? uffd_async : uffd_sync;
  if (fd < 0) return ENOSYS;
  struct uffdio_range range = {op->addr, op->len};
  struct uffdio_register reg = {.range = range, .mode = UFFDIO_REGISTER_MODE_WP};
  switch (op->what) {
    case UFFD_REGISTER:
      return ioctl(fd, UFFDIO_REGISTER, &reg) ? errno : 0;
    case UFFD_ON:
      if (ioctl(fd, UFFDIO_REGISTER, &reg)) return errno;
      return uffd_protect(fd, op, true);
    case UFFD_UNREGISTER:
      return ioctl(fd, UFFDIO_UNREGISTER, &range) ? errno : 0;
    case UFFD_WP:
      return uffd_protect(fd, op, true);
    case UFFD_UNWP:
      return uffd_protect(fd, op, false);
#ifdef UFFDIO_MOVE
    case UFFD_MOVE: {
      struct uffdio_move move = {.dst = op->addr, .src = op->arg, .len = op->len, .mode = UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES};
      return ioctl(fd, UFFDIO_MOVE, &move) ? errno : 0;
    }
#endif
  }
  return EOPNOTSUPP;
}

static int do_sleep(uint64_t ms) {
  struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
  while (nanosleep(&t, &t) && errno == EINTR) continue;
  return 0;
}

/* Executes one operation and says what the kernel answered. */
void exec_op(const struct op *op, enum mode mode, struct result *r) {
  memset(r, 0, sizeof *r);
  switch (op->kind) {
    case OP_MMAP:
      r->error = do_mmap(op);
      return;
    case OP_MUNMAP:
      r->error = syscall(SYS_munmap, op->addr, op->len) ? errno : 0;
      return;
    case OP_TOUCH:
      r->touched = true;
      touch_range(op->addr, op->len, op->arg ? op->arg : PAGE, op->flags & TOUCH_F_WRITE, &r->segv, &r->bus);
      return;
    case OP_MADVISE:
      r->error = do_madvise(op, mode, r);
      return;
    case OP_MPROTECT:
      r->error = syscall(SYS_mprotect, op->addr, op->len, op->what) ? errno : 0;
      return;
    case OP_MREMAP:
      r->error = do_mremap(op);
      return;
    case OP_MLOCK:
      r->error = (op->flags & MLOCK_F_ONFAULT ? syscall(SYS_mlock2, op->addr, op->len, 1)
                                              : syscall(SYS_mlock, op->addr, op->len))
                     ? errno
                     : 0;
      return;
    case OP_MUNLOCK:
      r->error = syscall(SYS_munlock, op->addr, op->len) ? errno : 0;
      return;
    case OP_FORK:
      r->error = child_fork(&r->child_kb);
      r->has_child = true;
      return;
    case OP_CHILDSTAT:
      r->error = child_stat(&r->child_kb);
      r->has_child = true;
      return;
    case OP_EXIT:
      r->error = child_kill();
      return;
    case OP_UFFD:
      r->error = do_uffd(op);
      return;
    case OP_UFFDMODE:
      uffd_is_async = op->what;
      return;
    case OP_PUNCH:
      r->error = fallocate(file_of(op->what), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)op->addr, (off_t)op->len)
                     ? errno
                     : 0;
      return;
    case OP_TRUNCATE:
      r->error = ftruncate(file_of(op->what), (off_t)op->addr) ? errno : 0;
      return;
    case OP_SLEEP:
      r->error = do_sleep(op->arg);
      return;
    case OP_VMAS:
      r->has_vmas = true;
      r->vmas = vmas_count(op->flags & VMAS_F_LIST);
      return;
  }
  r->error = ENOSYS;
}

/* An empty arena again, as at the start: nothing mapped, no child, files empty. */
void exec_reset(void) {
  children_end();
  munmap((void *)ARENA_BASE, ARENA_END - ARENA_BASE);
  uffd_is_async = true;
  for (int i = 0; i < FILES_MAX; i++)
    if (files[i] >= 0 && (ftruncate(files[i], 0) || ftruncate(files[i], FILE_SIZE)))
      die(EXIT_FAILED, "cannot empty a file in memory", strerror(errno));
}

/* Leaves nothing behind: children end with the probe. */
void exec_end(void) { children_end(); }
