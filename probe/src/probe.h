/*
 * reclaim-probe: asks the running Linux kernel what the lab's engine models.
 *
 * One process of its own runs memory operations with real system calls and reads its page-table memory (VmPTE of
 * /proc/self/status) after them. Everything the probe itself needs is opened and touched before the first reading, and
 * lies in one 2 MiB slot of a PGD entry that no workload uses; the stack it was started on and the vDSO are unmapped.
 * So it has three tables of its own, and whatever changes afterwards was changed by the operations.
 *
 * Addresses are bytes, sizes are bytes unless a name says kb.
 */
#ifndef RECLAIM_PROBE_H
#define RECLAIM_PROBE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys.h"

#define PAGE 4096ull
#define PMD_SIZE (2ull << 20)
#define USER_END 0x7ffffffff000ull /* of 47-bit addresses */
#define USER_END_5 ((1ull << 56) - PAGE) /* with five levels */

/* Where conformance scripts live: a PGD slot in which nothing else is. */
#define ARENA_BASE (1ull << 44)

/* Exit statuses, the same as the command line's. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Kernels that have the series show mode `none` when no DONTNEED covers a whole PTE table. */
enum mode { MODE_SYNC, MODE_NONE };

/*
 * An operation as the probe is told it: five numbers, doubles in a stream and hexadecimal lines in a conformance script.
 * code, addr, len, arg, arg2; code = kind + what * 2^8 + flags * 2^20 + process * 2^32. The enums below are part of that format:
 * probe/stream-format.ts writes it, and its test holds the two against each other.
 */
#define RECORD_NUMBERS 5

enum op_kind {
  OP_MMAP = 1,
  OP_MUNMAP = 2,
  OP_TOUCH = 3,
  OP_MADVISE = 4,
  OP_MPROTECT = 5,
  OP_MREMAP = 6,
  OP_MLOCK = 7,
  OP_MUNLOCK = 8,
  OP_BRK = 9,
  OP_FORK = 10,
  OP_EXIT = 11,
  OP_UFFD = 12,
  OP_UFFDMODE = 13,
  OP_PUNCH = 14,
  OP_TRUNCATE = 15,
  OP_SLEEP = 16,
  OP_EXEC = 17,
  OP_SWAPIN = 18,
  OP_VMAS = 32,
  OP_CHILDSTAT = 33,
  OP_RESET = 34, /* scripts: nothing is mapped, no child lives */
};

/* op.flags by kind */
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
  MAP_F_RESERVE = 1 << 10, /* counts against the commit limit; every other mapping is MAP_NORESERVE */
  MAP_F_ALL = (1 << 11) - 1,
  TOUCH_F_WRITE = 1 << 0,
  MADV_F_PROCESS = 1 << 0, /* process_madvise on oneself */
  MADV_F_CHILD = 1 << 1,   /* process_madvise on child arg2 (0: the last one) */
  MREMAP_F_FIXED = 1 << 0,
  MREMAP_F_DONTUNMAP = 1 << 1,
  MLOCK_F_ONFAULT = 1 << 0,
  VMAS_F_LIST = 1 << 0,
};

enum uffd_action { UFFD_REGISTER = 1, UFFD_UNREGISTER = 2, UFFD_WP = 3, UFFD_UNWP = 4, UFFD_ON = 5, UFFD_MOVE = 6 };

struct op {
  uint32_t kind;
  uint32_t flags;
  uint32_t what;    /* PROT_*, MADV_*, enum uffd_action, 1 = asynchronous uffd, file number */
  uint32_t process; /* 0 is the first process, N its Nth forked child */
  uint64_t addr;    /* bytes, absolute (file operations: offset in the file, or its size) */
  uint64_t len;
  uint64_t arg;  /* touch: stride; madvise: step; mremap: new address; mmap: file offset; uffd move: source; sleep: ms */
  uint64_t arg2; /* mremap: new length; mmap: file number; madvise: child */
};

struct result {
  int error;      /* errno, 0 where it went well */
  bool has_bytes; /* bytes: what process_madvise said */
  bool has_child; /* child_kb: page-table memory of the child beyond its own three tables */
  bool has_vmas;  /* vmas, and a list in vmas_list() */
  uint64_t segv, bus, bytes, vmas;
  int64_t child_kb;
};

struct usage {
  int64_t vmpte_kb, rss_kb, virt_kb, threads;
};

/* What came of reading another process: its usage, nothing since it is gone, nothing this time, or nothing that we may see. */
enum reading { READING_DONE, READING_GONE, READING_MISSED, READING_DENIED };

/* own.c: what the probe keeps for itself */
void own_prepare(void);
void own_reopen(void);
void own_unmap_the_rest(void);
bool own_overlaps(uint64_t addr, uint64_t len);
void usage_read(struct usage *u);
enum reading usage_read_pid(long pid, struct usage *u);
int64_t memory_available_kb(void);
uint64_t now_ns(void);
void clock_counts_cpu(void);
void sleep_ms(uint64_t ms);
long open_read(const char *path);

/* out.c: what the probe says */
void out_flush(void);
void out_str(const char *s);
void out_bytes(const void *s, size_t n);
void out_dec(int64_t v);
size_t format_dec(char *to, uint64_t v);
size_t format_hex(char *to, uint64_t v);
uint64_t parse_hex(const char **p);
void complain(long fd, const char *what, const char *detail);
_Noreturn void die(int status, const char *what, const char *detail);
_Noreturn void exit_now(int status);
const char *errno_name(int e);

/* exec.c: one operation */
void exec_prepare(void);
void exec_op(const struct op *op, enum mode mode, struct result *r);
void exec_reset(void);
bool exec_hits_own_image(const struct op *op);
void record_decode(const uint64_t record[RECORD_NUMBERS], struct op *op);

/* touch.c */
void touch_prepare(void);
void touch_range(uint64_t addr, uint64_t len, uint64_t stride, bool write, struct result *r);

/* dontneed.c */
void dontneed_prepare(void);
void dontneed_huge_pages_possible(void);
int advise_range(uint64_t addr, uint64_t len, int advice, uint64_t step, long pidfd, enum mode mode, uint64_t *bytes);
bool page_is_swapped(uint64_t addr);

/* uffd.c */
void uffd_set_async(bool async);
int uffd_do(const struct op *op);
int uffd_unregister_by_another(uint64_t addr, uint64_t len);

/* children.c */
void children_prepare(enum mode mode);
int child_fork(const struct op *op, struct result *r);
int child_stat(struct result *r);
int child_kill(uint32_t number);
bool child_execute(const struct op *op, struct result *r);
long child_pidfd(uint32_t number);
void children_end(void);

/* vmas.c */
void vmas_prepare(void);
uint64_t vmas_count(bool list);
const char *vmas_list(void);

/* stop.c: why to stop early */
enum stop { STOP_NO, STOP_CANCELLED, STOP_MEMORY };
extern volatile enum stop stopping;
void stop_prepare(void);
void stop_guard_memory(int64_t floor_kb);
bool stop_look(uint64_t bytes_touched);

/* The commands. Each returns the exit status. */
int conform_main(enum mode mode);
int stream_main(enum mode mode, bool results, int64_t floor_kb);
int detect_main(void);
int profile_main(void);
int look_main(bool plain, bool no_exact, bool two_scans);
int launch_main(int argc, char **argv, char **envp);
int watch_main(int argc, char **argv);
int tied_main(int argc, char **argv, char **envp);

#endif
