/* What trials of behaviours are made of: operations in the arena, and how to see what they did. */
#include "trial.h"

#include <linux/mman.h>

static char text[8192];
static long pagemap_fd = -1;

/* In the child, before anything is tried: files of /proc/self, pidfds and userfaultfds belong to who opened them. */
void trial_prepare(void) {
  exec_prepare();
  own_reopen();
  dontneed_prepare();
  vmas_prepare();
  pagemap_fd = open_read("/proc/self/pagemap");
}

/* Offsets of the operation become addresses. */
int t_op(struct op op) {
  struct result r;
  op.addr += ARENA_BASE;
  if (op.kind == OP_MREMAP) op.arg += ARENA_BASE;
  exec_op(&op, MODE_SYNC, &r);
  return r.error ? r.error : r.segv || r.bus ? EFAULT : 0;
}

int t_map(uint64_t at, uint64_t len, uint32_t prot, uint32_t flags) {
  return t_op((struct op){.kind = OP_MMAP, .addr = at, .len = len, .what = prot, .flags = flags, .arg = at});
}
int t_unmap(uint64_t at, uint64_t len) { return t_op((struct op){.kind = OP_MUNMAP, .addr = at, .len = len}); }
int t_read(uint64_t at, uint64_t len) { return t_op((struct op){.kind = OP_TOUCH, .addr = at, .len = len}); }
int t_write(uint64_t at, uint64_t len) {
  return t_op((struct op){.kind = OP_TOUCH, .addr = at, .len = len, .flags = TOUCH_F_WRITE});
}
int t_advise(uint64_t at, uint64_t len, int advice) {
  return t_op((struct op){.kind = OP_MADVISE, .addr = at, .len = len, .what = (uint32_t)advice});
}
int t_move(uint64_t at, uint64_t len, uint64_t to) {
  return t_op((struct op){.kind = OP_MREMAP, .addr = at, .len = len, .arg = to, .arg2 = len, .flags = MREMAP_F_FIXED});
}
int t_protect(uint64_t at, uint64_t len, uint32_t prot) {
  return t_op((struct op){.kind = OP_MPROTECT, .addr = at, .len = len, .what = prot});
}

uint64_t t_vmas(void) { return vmas_count(false); }

int64_t t_tables_kb(void) {
  struct usage u;
  usage_read(&u);
  return u.vmpte_kb;
}

int64_t t_rss_kb(void) {
  struct usage u;
  usage_read(&u);
  return u.rss_kb;
}

uint64_t t_pagemap(uint64_t at) {
  uint64_t entry = 0;
  uint64_t where = (ARENA_BASE + at) / PAGE * sizeof entry;
  return sys4(__NR_pread64, pagemap_fd, &entry, sizeof entry, where) == sizeof entry ? entry : 0;
}

bool t_mapped(uint64_t at) { return t_pagemap(at) >> 63 & 1; }

const char *t_file(const char *path) {
  long fd = open_read(path);
  if (fd < 0) return NULL;
  long n = sys3(__NR_read, fd, text, sizeof text - 1);
  sys1(__NR_close, fd);
  if (n < 0) return NULL;
  while (n > 0 && text[n - 1] == '\n') n--;
  text[n] = 0;
  return text;
}

int64_t t_file_number(const char *path) {
  const char *p = t_file(path);
  int64_t v = 0;
  if (!p || *p < '0' || *p > '9') return -1;
  for (; *p >= '0' && *p <= '9'; p++) v = v * 10 + (*p - '0');
  return v;
}
