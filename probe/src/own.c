/*
 * What the probe needs for itself: output, readings of /proc, the clock. All of it static, opened and touched before
 * the first reading of VmPTE; nothing here allocates afterwards.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int status_fd = -1;
static char status_text[8192];
static char out_buf[1 << 16];
static size_t out_used;

void out_flush(void) {
  size_t done = 0;
  while (done < out_used) {
    ssize_t n = write(STDOUT_FILENO, out_buf + done, out_used - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(EXIT_FAILED); /* whoever listened is gone */
    done += (size_t)n;
  }
  out_used = 0;
}

void out_bytes(const char *s, size_t n) {
  while (n > 0) {
    size_t room = sizeof out_buf - out_used;
    size_t k = n < room ? n : room;
    memcpy(out_buf + out_used, s, k);
    out_used += k, s += k, n -= k;
    if (out_used == sizeof out_buf) out_flush();
  }
}

void out_str(const char *s) { out_bytes(s, strlen(s)); }

void out_dec(int64_t v) {
  char digits[24];
  size_t at = sizeof digits;
  uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
  do digits[--at] = (char)('0' + u % 10);
  while (u /= 10);
  if (v < 0) digits[--at] = '-';
  out_bytes(digits + at, sizeof digits - at);
}

void out_hex(uint64_t v) {
  char digits[16];
  size_t at = sizeof digits;
  do digits[--at] = "0123456789abcdef"[v & 15];
  while (v >>= 4);
  out_bytes(digits + at, sizeof digits - at);
}

/* Ends the probe with one line on stderr: what went wrong, and with what. */
_Noreturn void die(int status, const char *what, const char *detail) {
  out_flush();
  char line[512];
  size_t n = 0;
  const char *parts[] = {"reclaim-probe: ", what, detail ? ": " : "", detail ? detail : "", "\n"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    for (const char *p = parts[i]; *p && n < sizeof line - 1; p++) line[n++] = *p;
  if (write(STDERR_FILENO, line, n) < 0) status = EXIT_FAILED;
  exec_end();
  _exit(status);
}

const char *errno_name(int e) {
  const char *name = strerrorname_np(e);
  return name ? name : "E?";
}

uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static int64_t field_kb(const char *text, const char *name) {
  const char *p = strstr(text, name);
  if (!p) return 0;
  p += strlen(name);
  while (*p == ' ' || *p == '\t') p++;
  int64_t v = 0;
  while (*p >= '0' && *p <= '9') v = v * 10 + (*p++ - '0');
  return v;
}

static bool usage_from(int fd, struct usage *u) {
  ssize_t n = pread(fd, status_text, sizeof status_text - 1, 0);
  if (n <= 0) return false;
  status_text[n] = 0;
  u->vmpte_kb = field_kb(status_text, "VmPTE:");
  u->rss_kb = field_kb(status_text, "VmRSS:");
  u->virt_kb = field_kb(status_text, "VmSize:");
  return true;
}

/* VmPTE, VmRSS and VmSize of this process, in kB (fs/proc/task_mmu.c: task_mem). */
void usage_read(struct usage *u) {
  if (!usage_from(status_fd, u)) die(EXIT_FAILED, "cannot read /proc/self/status", strerror(errno));
}

/* The same of another process; false where it is gone. */
bool usage_read_pid(int pid, struct usage *u) {
  char path[40] = "/proc/";
  size_t n = 6, at = 20;
  char digits[20];
  do digits[--at] = (char)('0' + pid % 10);
  while (pid /= 10);
  while (at < 20) path[n++] = digits[at++];
  memcpy(path + n, "/status", 8);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool ok = usage_from(fd, u);
  close(fd);
  return ok;
}

void own_prepare(void) {
  status_fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (status_fd < 0) die(EXIT_FAILED, "cannot open /proc/self/status", strerror(errno));
  memset(status_text, 1, sizeof status_text);
  memset(out_buf, 1, sizeof out_buf);
  /* The stack as deep as it will ever be, a signal frame included. */
  volatile char stack[128 << 10];
  for (size_t i = 0; i < sizeof stack; i += 512) stack[i] = 1;
  (void)now_ns();
  struct usage u;
  usage_read(&u);
}
