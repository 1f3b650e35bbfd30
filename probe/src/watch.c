/*
 * Watches processes from outside: the page-table memory of one program, or of each process below it, one line a reading:
 *
 *     SECONDS-BEFORE VMPTE-KB RSS-KB THREADS SECONDS-AFTER        (CLOCK_MONOTONIC)
 *
 * Each process has a file of its own (OUT for the first one, OUT.PID for another), or all are summed into one line. OUT ends with
 * notes, "# NAME VALUE": where readings are missing `skipped` (so many could not be made, for want of files or memory), `denied` (so
 * many were of processes with another user's rights, which /proc hides) and `full` (only so many processes were measured), `failed`
 * (the errno with which a write ended the readings), and those of the launcher.
 */
#include "watch.h"

#include <asm/signal.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <linux/time.h>

#define WATCHED_MAX 1024
#define LINES_SIZE 4096
#define LINE_MAX_SIZE 160
/* How often new processes are looked for. */
#define LOOK_EVERY_NS 50000000ull

struct watched {
  long pid;
  long out;
  uint32_t used;
  bool alive;
  char lines[LINES_SIZE];
};

static struct watched *all;
static size_t count;
static const char *out_path;
static enum watch_what watching;
/* The errno of the first write that failed: nothing is measured any more. */
static int failed;
static uint64_t skipped, denied;
/* How many processes had a file when no other could be had, or rows when there was none left; 0: that did not happen. */
static uint64_t full;
static uint64_t files;

void signal_handle(int signal, void *handler, unsigned long flags);

static void fail(int error) {
  if (!failed) failed = error;
}

/* What cannot be written is dropped, and the file ends with a whole line. */
static void flush_lines(struct watched *w) {
  size_t done = 0;
  while (done < w->used) {
    long n = sys3(__NR_write, w->out, w->lines + done, w->used - done);
    if (n == -EINTR) continue;
    if (n <= 0) {
      fail(n < 0 ? error_of(n) : EIO);
      size_t cut = 0;
      while (cut < done && w->lines[done - cut - 1] != '\n') cut++;
      long end = sys3(__NR_lseek, w->out, -(long)cut, SEEK_CUR);
      if (cut > 0 && end >= 0) sys2(__NR_ftruncate, w->out, end);
      break;
    }
    done += (size_t)n;
  }
  w->used = 0;
}

static void put(struct watched *w, const char *s) {
  size_t n = strlen(s);
  memcpy(w->lines + w->used, s, n);
  w->used += (uint32_t)n;
}

static void put_dec(struct watched *w, uint64_t v) {
  char digits[24];
  format_dec(digits, v);
  put(w, digits);
}

static void put_seconds(struct watched *w, uint64_t ns) {
  char digits[24];
  put_dec(w, ns / 1000000000ull);
  size_t n = format_dec(digits, ns % 1000000000ull);
  put(w, ".");
  for (; n < 9; n++) put(w, "0");
  put(w, digits);
}

static void put_reading(struct watched *w, uint64_t before, const struct usage *u, uint64_t after) {
  if (w->used > LINES_SIZE - LINE_MAX_SIZE) flush_lines(w);
  put_seconds(w, before), put(w, " "), put_dec(w, (uint64_t)u->vmpte_kb), put(w, " "), put_dec(w, (uint64_t)u->rss_kb);
  put(w, " "), put_dec(w, (uint64_t)u->threads), put(w, " "), put_seconds(w, after), put(w, "\n");
}

static void put_head(struct watched *w) {
  put(w, "# pid "), put_dec(w, (uint64_t)w->pid);
  put(w, watching == WATCH_SUM ? "  and those below it, summed;" : " ");
  put(w, " CLOCK_MONOTONIC before read, VmPTE kB, VmRSS kB, Threads, CLOCK_MONOTONIC after read\n");
  flush_lines(w);
}

/* Could a file be opened in a folder that is open, as a look below a process does? 0, or why not. */
static int no_file_left(long fd) {
  long one = sys3(__NR_fcntl, fd, F_DUPFD_CLOEXEC, 0);
  long other = sys3(__NR_fcntl, fd, F_DUPFD_CLOEXEC, 0);
  if (one >= 0) sys1(__NR_close, one);
  if (other >= 0) sys1(__NR_close, other);
  return error_of(one) ? error_of(one) : error_of(other);
}

/* Opens the file of a process, where as many more can be opened as readings need. Returns 0, or why it cannot be had. */
static int open_out(struct watched *w, bool first) {
  char path[4096 + 32];
  size_t n = strlen(out_path);
  if (n > 4096) return ENAMETOOLONG;
  memcpy(path, out_path, n + 1);
  if (!first) path[n++] = '.', format_dec(path + n, (uint64_t)w->pid);
  w->out = sys4(__NR_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (w->out < 0) return error_of(w->out);
  int error = no_file_left(w->out);
  if (!error) return 0;
  sys1(__NR_close, w->out);
  w->out = -1;
  sys3(__NR_unlinkat, AT_FDCWD, path, 0);
  return error;
}

/* Gives a process other than the first its file. False: it has none, now (no memory) or for good. */
static bool begin_file(struct watched *w) {
  int error = full ? EMFILE : open_out(w, false);
  if (!error) {
    files++;
    put_head(w);
  } else if (error == EMFILE || error == ENFILE) {
    if (!full) full = files;
    w->alive = false;
  } else if (error == ENOMEM) {
    skipped++;
  } else {
    fail(error);
  }
  return !error;
}

/* Room for a process that is gone is used again where it has no file. */
static struct watched *room(void) {
  if (watching == WATCH_SUM)
    for (size_t i = 1; i < count; i++)
      if (!all[i].alive) return all + i;
  return count < WATCHED_MAX ? all + count++ : NULL;
}

static void add(long pid) {
  for (size_t i = 0; i < count; i++)
    if (all[i].pid == pid && all[i].alive) return;
  struct watched *w = room();
  if (!w && !full) full = WATCHED_MAX;
  if (!w) return;
  w->pid = pid, w->alive = true, w->used = 0, w->out = -1;
}

/* Adds the processes that the text of a file `children` names. */
static void add_children_of(const char *path) {
  long fd = open_read(path);
  if (fd < 0) return;
  char text[4096];
  long pid = 0, n;
  while ((n = sys3(__NR_read, fd, text, sizeof text)) > 0)
    for (long i = 0; i < n; i++) {
      if (text[i] >= '0' && text[i] <= '9') pid = pid * 10 + (text[i] - '0');
      else if (pid > 0) add(pid), pid = 0;
    }
  if (pid > 0) add(pid);
  sys1(__NR_close, fd);
}

struct entry {
  uint64_t inode;
  int64_t next;
  uint16_t size;
  uint8_t type;
  char name[];
};

/* /proc/PID/task/TID/children of all threads (CONFIG_PROC_CHILDREN; without it only the first process is watched). */
static void look_below(long pid) {
  char path[96] = "/proc/";
  size_t n = 6 + format_dec(path + 6, (uint64_t)pid);
  memcpy(path + n, "/task", 6), n += 5;
  long fd = sys4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) return;
  char entries[4096] __attribute__((aligned(8)));
  long size;
  while ((size = sys3(__NR_getdents64, fd, entries, sizeof entries)) > 0)
    for (long at = 0; at < size;) {
      struct entry *e = (struct entry *)(entries + at);
      at += e->size;
      if (e->name[0] < '0' || e->name[0] > '9') continue;
      size_t length = strlen(e->name);
      path[n] = '/';
      memcpy(path + n + 1, e->name, length);
      memcpy(path + n + 1 + length, "/children", 10);
      add_children_of(path);
    }
  sys1(__NR_close, fd);
}

static void look_for_more(void) {
  for (size_t i = 0; i < count; i++)
    if (all[i].alive) look_below(all[i].pid);
}

void watch_raise_files(struct rlimit64 *before) {
  struct rlimit64 limit;
  if (sys4(__NR_prlimit64, 0, RLIMIT_NOFILE, 0, &limit)) return;
  if (before) *before = limit;
  limit.rlim_cur = limit.rlim_max;
  sys4(__NR_prlimit64, 0, RLIMIT_NOFILE, &limit, 0);
}

static _Noreturn void cannot_begin(int error, long report) {
  failed = error;
  watch_failed(report);
  exit_now(EXIT_FAILED);
}

void watch_prepare(const char *path, enum watch_what what, long report) {
  size_t bytes = sizeof(struct watched) * WATCHED_MAX;
  long at = sys6(__NR_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (error_of(at)) cannot_begin(error_of(at), report);
  all = (struct watched *)at;
  out_path = path;
  watching = what;
  all[0] = (struct watched){.alive = true};
  count = 1;
  int error = open_out(all, true);
  if (error) cannot_begin(error, report);
  files = 1;
}

void watch_discard(void) { sys3(__NR_unlinkat, AT_FDCWD, out_path, 0); }

void watch_begin(long pid) {
  /* A limit of a file's size is an error of a write, too. */
  signal_handle(SIGXFSZ, (void *)1 /* SIG_IGN */, 0);
  all[0].pid = pid;
  put_head(all);
}

/* Reads all of them once. False: nothing is there any more. */
static bool read_all(void) {
  struct usage sum = {0};
  uint64_t first = now_ns(), missed = 0, hidden = 0;
  bool any = false;
  for (size_t i = 0; i < count; i++) {
    struct watched *w = all + i;
    if (!w->alive) continue;
    struct usage u;
    uint64_t before = now_ns();
    enum reading got = usage_read_pid(w->pid, &u);
    uint64_t after = now_ns();
    if (got == READING_GONE) {
      w->alive = false;
      /* The first one's file is still to have the notes. */
      if (i > 0 && w->out >= 0) {
        flush_lines(w);
        sys1(__NR_close, w->out);
        w->out = -1;
      }
      continue;
    }
    any = true;
    if (got != READING_DONE) {
      if (got == READING_DENIED) hidden++;
      else missed++;
      continue;
    }
    if (u.threads == 0 || u.vmpte_kb == 0) continue;
    if (watching == WATCH_SUM) {
      sum.vmpte_kb += u.vmpte_kb, sum.rss_kb += u.rss_kb, sum.threads += u.threads;
      continue;
    }
    if (w->out >= 0 || begin_file(w)) put_reading(w, before, &u, after);
  }
  /* A sum without one of them is none. */
  bool whole = watching != WATCH_SUM;
  skipped += whole ? missed : missed > 0;
  denied += whole ? hidden : hidden > 0;
  if (sum.vmpte_kb > 0 && missed + hidden == 0) put_reading(all, first, &sum, now_ns());
  return any;
}

void watch_pause(uint64_t ns) {
  struct timespec t = {(long)(ns / 1000000000ull), (long)(ns % 1000000000ull)};
  sys2(__NR_nanosleep, &t, 0);
}

void watch_until(uint64_t interval_ns, bool (*over)(void)) {
  uint64_t look = 0;
  for (uint64_t next = now_ns();; next += interval_ns) {
    bool any = read_all();
    if (over() || !any || failed) break;
    uint64_t now = now_ns();
    bool more = watching == WATCH_SUM || (watching == WATCH_EACH && !full);
    if (more && now >= look) look_for_more(), look = now + LOOK_EVERY_NS;
    now = now_ns();
    if (next + interval_ns > now) watch_pause(next + interval_ns - now);
    else next = now;
  }
  for (size_t i = 0; i < count; i++)
    if (all[i].out >= 0) flush_lines(all + i);
  if (skipped) watch_note("skipped", skipped);
  if (denied) watch_note("denied", denied);
  if (full) watch_note("full", full);
}

void watch_note(const char *name, uint64_t value) {
  put(all, "# "), put(all, name), put(all, " "), put_dec(all, value), put(all, "\n");
  flush_lines(all);
}

bool watch_failed(long report) {
  if (!failed) return false;
  if (all && all[0].out >= 0) watch_note("failed", (uint64_t)failed);
  complain(report, "cannot write the readings", errno_name(failed));
  return true;
}

/* The first row keeps its file; the others are used for what is below `root`. */
void watch_each_below(long root, void (*call)(long pid)) {
  all[0].alive = false;
  count = 1;
  look_below(root);
  for (size_t seen = 1; seen < count; seen++) look_below(all[seen].pid);
  for (size_t i = 1; i < count; i++) call(all[i].pid);
}
