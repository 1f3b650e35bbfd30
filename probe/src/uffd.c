/* userfaultfd in write-protect mode, asynchronous (the kernel resolves faults) and synchronous. */
#include "probe.h"

#include <asm/ioctl.h>
#include <fcntl.h>
#include <linux/types.h>
#include <linux/userfaultfd.h>

/* uapi/linux/userfaultfd.h; older headers lack them */
#define FEATURE_FLAG_WP (1ull << 0)
#define FEATURE_SIGBUS (1ull << 7)
#define FEATURE_WP_SHMEM (1ull << 12)
#define FEATURE_WP_UNPOPULATED (1ull << 13)
#define FEATURE_WP_ASYNC (1ull << 15)
#define USER_MODE_ONLY 1 /* since 5.11 */
#define FEATURE_MOVE (1ull << 16)
struct move_arg {
  uint64_t dst, src, len, mode;
  int64_t moved;
};
#define MOVE_IOCTL _IOWR(0xAA, 0x05, struct move_arg)

static long async_fd = -1, sync_fd = -1;
static bool opened, is_async = true;

static long uffd_open(uint64_t features) {
  long fd = sys1(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
  /* What an ordinary user may have; here every fault that is handed on ends in SIGBUS either way. */
  if (fd == -EPERM) fd = sys1(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK | USER_MODE_ONLY);
  if (fd < 0) return -1;
  struct uffdio_api api = {.api = UFFD_API, .features = features};
  if (sys3(__NR_ioctl, fd, UFFDIO_API, &api) == 0) return fd;
  sys1(__NR_close, fd);
  return -1;
}

/*
 * In synchronous mode a write to a protected page would wait for somebody to lift the protection: here it raises SIGBUS. Opened
 * when it is first asked for: a look at a process that has one open reads its smaps too, and most programs have none.
 */
static void open_both(void) {
  opened = true;
  async_fd = uffd_open(FEATURE_WP_ASYNC | FEATURE_WP_UNPOPULATED | FEATURE_WP_SHMEM | FEATURE_MOVE);
  if (async_fd < 0) async_fd = uffd_open(FEATURE_WP_ASYNC | FEATURE_WP_UNPOPULATED | FEATURE_WP_SHMEM);
  sync_fd = uffd_open(FEATURE_WP_SHMEM | FEATURE_SIGBUS | FEATURE_FLAG_WP);
}

void uffd_set_async(bool async) { is_async = async; }

static int protect(long fd, const struct op *op, bool on) {
  struct uffdio_writeprotect wp = {.range = {op->addr, op->len}, .mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0};
  return error_of(sys3(__NR_ioctl, fd, UFFDIO_WRITEPROTECT, &wp));
}

/* Returns errno; ENOSYS where the kernel gives no userfaultfd of this kind. */
int uffd_do(const struct op *op) {
  if (!opened) open_both();
  long fd = is_async ? async_fd : sync_fd;
  if (fd < 0) return ENOSYS;
  struct uffdio_range range = {op->addr, op->len};
  struct uffdio_register reg = {.range = range, .mode = UFFDIO_REGISTER_MODE_WP};
  int error;
  switch (op->what) {
    case UFFD_REGISTER:
      return error_of(sys3(__NR_ioctl, fd, UFFDIO_REGISTER, &reg));
    case UFFD_ON:
      error = error_of(sys3(__NR_ioctl, fd, UFFDIO_REGISTER, &reg));
      return error ? error : protect(fd, op, true);
    case UFFD_UNREGISTER:
      return error_of(sys3(__NR_ioctl, fd, UFFDIO_UNREGISTER, &range));
    case UFFD_WP:
      return protect(fd, op, true);
    case UFFD_UNWP:
      return protect(fd, op, false);
    case UFFD_MOVE: {
      struct move_arg move = {.dst = op->addr, .src = op->arg, .len = op->len, .mode = 0};
      return error_of(sys3(__NR_ioctl, fd, MOVE_IOCTL, &move));
    }
  }
  return EOPNOTSUPP;
}

/* UFFDIO_UNREGISTER by a userfaultfd that nothing is registered with. Returns errno. */
int uffd_unregister_by_another(uint64_t addr, uint64_t len) {
  long fd = uffd_open(FEATURE_WP_SHMEM);
  if (fd < 0) return ENOSYS;
  struct uffdio_range range = {addr, len};
  int error = error_of(sys3(__NR_ioctl, fd, UFFDIO_UNREGISTER, &range));
  sys1(__NR_close, fd);
  return error;
}
