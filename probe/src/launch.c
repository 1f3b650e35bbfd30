/*
 * Starts a program and watches its page-table memory: the program runs in a child, this process reads its
 * /proc/PID/status again and again and writes one line a reading:
 *
 *     SECONDS-BEFORE VMPTE-KB RSS-KB THREADS SECONDS-AFTER        (CLOCK_MONOTONIC)
 *
 * Nothing is read before the program has replaced the child (execve), nor after it has ended.
 */
#include "probe.h"

#include <asm/signal.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/time.h>

void signal_handle(int signal, void *handler, unsigned long flags);

#define WAIT_NO_HANG 1
#define EXEC_FAILED 127

static char lines[1 << 16];
static size_t lines_used;
static long program_pid;

static void flush_lines(long fd) {
  size_t done = 0;
  while (done < lines_used) {
    long n = sys3(__NR_write, fd, lines + done, lines_used - done);
    if (n == -EINTR) continue;
    if (n <= 0) die(EXIT_FAILED, "cannot write the readings", errno_name(error_of(n)));
    done += (size_t)n;
  }
  lines_used = 0;
}

static void put(const char *s) {
  size_t n = strlen(s);
  memcpy(lines + lines_used, s, n);
  lines_used += n;
}

static void put_dec(uint64_t v) {
  char digits[24];
  format_dec(digits, v);
  put(digits);
}

static void put_seconds(uint64_t ns) {
  char digits[24];
  put_dec(ns / 1000000000ull);
  size_t n = format_dec(digits, ns % 1000000000ull);
  put(".");
  for (; n < 9; n++) put("0");
  put(digits);
}

/* The program is to end as this one is asked to. */
static void pass_on(int signal) {
  (void)signal;
  if (program_pid > 0) sys2(__NR_kill, program_pid, SIGTERM);
}

static _Noreturn void become(char **argv, char **envp, int report, bool hold) {
  sys2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (hold) sys2(__NR_kill, sys0(__NR_getpid), SIGSTOP);
  int error = error_of(sys3(__NR_execve, argv[0], argv, envp));
  sys3(__NR_write, report, &error, sizeof error);
  for (;;) sys1(__NR_exit_group, EXEC_FAILED);
}

/* Readings until the program ends; its wait status. */
static int watch(long out, uint64_t interval_ns) {
  int status = 0;
  for (uint64_t next = now_ns();; next += interval_ns) {
    struct usage u;
    uint64_t before = now_ns();
    bool alive = usage_read_pid(program_pid, &u);
    uint64_t after = now_ns();
    if (alive && u.threads > 0 && u.vmpte_kb > 0) {
      put_seconds(before), put(" "), put_dec((uint64_t)u.vmpte_kb), put(" "), put_dec((uint64_t)u.rss_kb);
      put(" "), put_dec((uint64_t)u.threads), put(" "), put_seconds(after), put("\n");
      if (lines_used > sizeof lines - 256) flush_lines(out);
    }
    long done = sys4(__NR_wait4, program_pid, &status, WAIT_NO_HANG, 0);
    if (done == program_pid || done == -ECHILD) break;
    uint64_t now = now_ns();
    if (next + interval_ns > now) {
      struct timespec t = {0, (long)(next + interval_ns - now)};
      if (t.tv_nsec >= 1000000000) t.tv_sec = t.tv_nsec / 1000000000, t.tv_nsec %= 1000000000;
      sys2(__NR_nanosleep, &t, 0);
    } else {
      next = now;
    }
  }
  flush_lines(out);
  return status;
}

/*
 * launch OUT INTERVAL_US run|hold PROGRAM ARGS...: PROGRAM is a path. `hold`: the child stops itself before it becomes
 * the program, and this process prints its pid; SIGCONT lets it go on. Returns the program's exit status, 128 + N where
 * signal N ended it.
 */
int launch_main(int argc, char **argv, char **envp) {
  if (argc < 6) return EXIT_USAGE;
  uint64_t interval_us = 0;
  for (const char *p = argv[3]; *p >= '0' && *p <= '9'; p++) interval_us = interval_us * 10 + (uint64_t)(*p - '0');
  if (interval_us < 100 || interval_us > 900000) die(EXIT_USAGE, "an interval is 100 to 900000 microseconds", argv[3]);
  bool hold = !strcmp(argv[4], "hold");
  long out = sys4(__NR_openat, AT_FDCWD, argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (out < 0) die(EXIT_FAILED, argv[2], errno_name(error_of(out)));

  int report[2];
  if (sys2(__NR_pipe2, report, O_CLOEXEC) < 0) die(EXIT_FAILED, "cannot make a pipe", NULL);
  program_pid = sys5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (program_pid == 0) become(argv + 5, envp, report[1], hold);
  if (program_pid < 0) die(EXIT_FAILED, "cannot fork", errno_name(error_of(program_pid)));
  sys1(__NR_close, report[1]);
  signal_handle(SIGTERM, pass_on, 0);
  signal_handle(SIGINT, (void *)1 /* SIG_IGN: a terminal asks the program itself */, 0);
  if (hold) out_str("pid "), out_dec(program_pid), out_str("\n"), out_flush();

  int error = 0;
  long n;
  while ((n = sys3(__NR_read, report[0], &error, sizeof error)) == -EINTR) continue;
  if (n > 0) die(EXEC_FAILED, argv[5], errno_name(error));
  put("# pid "), put_dec((uint64_t)program_pid);
  put("  CLOCK_MONOTONIC before read, VmPTE kB, VmRSS kB, Threads, CLOCK_MONOTONIC after read\n");
  flush_lines(out);
  int status = watch(out, interval_us * 1000);
  return status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
}
