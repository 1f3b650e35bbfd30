/* What the probe says: buffered standard output, one line of error, names of errors. */
#include "probe.h"

static char buffer[1 << 15];
static size_t used;

void out_flush(void) {
  size_t done = 0;
  while (done < used) {
    long n = sys3(__NR_write, 1, buffer + done, used - done);
    if (n == -EINTR) continue;
    if (n <= 0) exit_now(EXIT_FAILED); /* whoever listened is gone */
    done += (size_t)n;
  }
  used = 0;
}

void out_bytes(const void *from, size_t n) {
  const char *s = from;
  while (n > 0) {
    size_t room = sizeof buffer - used;
    size_t k = n < room ? n : room;
    memcpy(buffer + used, s, k);
    used += k, s += k, n -= k;
    if (used == sizeof buffer) out_flush();
  }
}

void out_str(const char *s) { out_bytes(s, strlen(s)); }

static size_t format(char *to, uint64_t v, unsigned base) {
  char digits[24];
  size_t n = 0;
  do digits[n++] = "0123456789abcdef"[v % base];
  while (v /= base);
  for (size_t i = 0; i < n; i++) to[i] = digits[n - 1 - i];
  to[n] = 0;
  return n;
}

/* Writes v and an end of string to `to` (24 bytes are enough); returns its length. */
size_t format_dec(char *to, uint64_t v) { return format(to, v, 10); }
size_t format_hex(char *to, uint64_t v) { return format(to, v, 16); }

/* The number of lower-case hexadecimal digits at *p, which goes behind them. */
uint64_t parse_hex(const char **p) {
  uint64_t v = 0;
  for (;; (*p)++) {
    char c = **p;
    if (c >= '0' && c <= '9') v = v * 16 + (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f') v = v * 16 + (uint64_t)(c - 'a' + 10);
    else return v;
  }
}

void out_dec(int64_t v) {
  char digits[24];
  if (v < 0) out_str("-");
  out_bytes(digits, format_dec(digits, v < 0 ? 0 - (uint64_t)v : (uint64_t)v));
}

_Noreturn void exit_now(int status) {
  children_end();
  for (;;) sys1(__NR_exit_group, status);
}

/* One line: what went wrong, and with what. */
void complain(long fd, const char *what, const char *detail) {
  char line[1024];
  size_t n = 0;
  const char *parts[] = {"reclaim-probe: ", what, detail ? ": " : "", detail ? detail : "", "\n"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    for (const char *p = parts[i]; *p && n < sizeof line; p++) line[n++] = *p;
  sys3(__NR_write, fd, line, n);
}

/* Ends the probe with such a line on stderr. */
_Noreturn void die(int status, const char *what, const char *detail) {
  out_flush();
  complain(2, what, detail);
  exit_now(status);
}

const char *errno_name(int e) {
  static char number[24];
  switch (e) {
#define NAME(E) \
  case E:       \
    return #E
    NAME(EPERM); NAME(ENOENT); NAME(ESRCH); NAME(EINTR); NAME(EIO); NAME(ENXIO); NAME(E2BIG); NAME(ENOEXEC); NAME(EBADF);
    NAME(ECHILD); NAME(EAGAIN); NAME(ENOMEM); NAME(EACCES); NAME(EFAULT); NAME(EBUSY); NAME(EEXIST); NAME(ENODEV);
    NAME(ENOTDIR); NAME(EISDIR); NAME(EINVAL); NAME(ENFILE); NAME(EMFILE); NAME(EFBIG); NAME(ENOSPC); NAME(ESPIPE);
    NAME(EROFS); NAME(EPIPE); NAME(ERANGE); NAME(EDEADLK); NAME(ENOSYS); NAME(ENODATA); NAME(EOVERFLOW);
    NAME(EOPNOTSUPP); NAME(ETIMEDOUT); NAME(EHWPOISON); NAME(EDQUOT); NAME(ETXTBSY); NAME(ELOOP); NAME(ENAMETOOLONG); NAME(ELIBBAD);
#undef NAME
  }
  memcpy(number, "E", 1);
  format_dec(number + 1, (uint64_t)e);
  return number;
}
