/*
 * reclaim-probe: asks the running Linux kernel what the lab's engine models.
 *
 * One process of its own runs memory operations with real system calls and reads its page-table memory (VmPTE of
 * /proc/self/status) after them. Everything the probe itself needs is opened, allocated and touched before the first
 * reading, so that whatever changes afterwards was changed by the operations.
 *
 * Addresses are bytes, sizes are bytes unless a name says kb.
 */
#ifndef RECLAIM_PROBE_H
#define RECLAIM_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE 4096ull
#define PMD_SIZE (2ull << 20)

/* Where conformance scripts live: a PGD slot in which nothing else is, and where they may not go beyond. */
#define ARENA_BASE (1ull << 44)
#define ARENA_END (1ull << 45)

/* Exit statuses, the same as the command line's. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Kernels that have the series show mode `none` when no DONTNEED covers a whole PTE table. */
enum mode { MODE_SYNC, MODE_NONE };

enum op_kind {
  OP_MMAP = 1,
  OP_MUNMAP,
  OP_TOUCH,
  OP_MADVISE,
  OP_MPROTECT,
  OP_MREMAP,
  OP_MLOCK,
  OP_MUNLOCK,
  OP_BRK,
  OP_FORK,
  OP_EXIT,
  OP_UFFD,
  OP_UFFDMODE,
  OP_PUNCH,
  OP_TRUNCATE,
  OP_SLEEP,
  OP_VMAS,
  OP_CHILDSTAT,
};

/* op.flags by kind. */
enum {
  MAP_F_SHARED = 1 << 0,
  MAP_F_FILE = 1 << 1,
  MAP_F_HUGETLB = 1 << 2,
  MAP_F_POPULATE = 1 << 3,
  MAP_F_LOCKED = 1 << 4,
  MAP_F_GROWSDOWN = 1 << 5,
  MAP_F_STACK = 1 << 6,
  MAP_F_HUGEPAGE = 1 << 7,
  MAP_F_NOHUGEPAGE = 1 << 8,
  MAP_F_NOREPLACE = 1 << 9,
  TOUCH_F_WRITE = 1 << 0,
  MADV_F_PROCESS = 1 << 0, /* process_madvise on oneself */
  MADV_F_CHILD = 1 << 1,   /* process_madvise on the last child */
  MREMAP_F_FIXED = 1 << 0,
  MREMAP_F_MAYMOVE = 1 << 1,
  MREMAP_F_DONTUNMAP = 1 << 2,
  MLOCK_F_ONFAULT = 1 << 0,
  VMAS_F_LIST = 1 << 0,
};

enum uffd_action { UFFD_REGISTER = 1, UFFD_UNREGISTER, UFFD_WP, UFFD_UNWP, UFFD_ON, UFFD_MOVE };

struct op {
  uint32_t kind;
  uint32_t flags;
  uint32_t what;    /* PROT_*, MADV_*, enum uffd_action, 1 = asynchronous uffd, file number */
  uint32_t process; /* 0 is the first process, N its Nth forked child */
  uint64_t addr;    /* bytes, absolute (file operations: offset in the file) */
  uint64_t len;
  uint64_t arg;  /* touch: stride; madvise: step; mremap: new address; mmap: file offset; uffd move: source */
  uint64_t arg2; /* mremap: new length */
};

struct result {
  int error;        /* errno, 0 where it went well */
  bool touched;     /* segv and bus count */
  bool has_bytes;   /* bytes: what process_madvise said */
  bool has_child;   /* child_kb: page-table memory of the child, over that of a child with an empty arena */
  bool has_vmas;    /* vmas, and a list in vmas_list() */
  uint64_t segv, bus, bytes, vmas;
  int64_t child_kb;
};

struct usage {
  int64_t vmpte_kb, rss_kb, virt_kb;
};

/* own.c: what the probe keeps for itself */
void own_prepare(void);
void own_disturb_everything(void);
void usage_read(struct usage *u);
bool usage_read_pid(int pid, struct usage *u);
uint64_t now_ns(void);
void out_flush(void);
void out_str(const char *s);
void out_bytes(const char *s, size_t n);
void out_dec(int64_t v);
void out_hex(uint64_t v);
_Noreturn void die(int status, const char *what, const char *detail);
const char *errno_name(int e);

/* exec.c: one operation */
void exec_prepare(void);
void exec_op(const struct op *op, enum mode mode, struct result *r);
void exec_reset(void);
void exec_end(void);
bool exec_memory_guard(uint64_t available_min_kb);

/* touch.c */
void touch_prepare(void);
void touch_range(uint64_t addr, uint64_t len, uint64_t stride, bool write, uint64_t *segv, uint64_t *bus);

/* dontneed.c */
void dontneed_prepare(void);
void dontneed_huge_pages_possible(void);
int advise_range(uint64_t addr, uint64_t len, int advice, uint64_t step, int pidfd, enum mode mode, uint64_t *bytes);

/* children.c */
void children_prepare(void);
int child_fork(int64_t *kb);
int child_stat(int64_t *kb);
int child_kill(void);
int child_pidfd(void);
void children_end(void);

/* vmas.c */
void vmas_prepare(void);
uint64_t vmas_count(bool list);
const char *vmas_list(void);

/* The commands. Each returns the exit status. */
int conform_main(const char *path, enum mode mode);

#endif
