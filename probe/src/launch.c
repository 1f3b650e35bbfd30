/*
 * Starts a program and watches its page-table memory (watch.c), or watches a running one. Nothing is read before the
 * program has replaced the child (execve), nor after it has ended. Whoever started this one may die at any time: then the
 * program is asked to end too, and nothing of it is left. Readings that cannot be written end the readings, not the program.
 */
#include "watch.h"

#include <asm/signal.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/resource.h>

void signal_handle(int signal, void *handler, unsigned long flags);

#define WAIT_NO_HANG 1
#define WAIT_STOPPED 2 /* WUNTRACED */
#define EXEC_FAILED 127
/* Besides the three of the program: see launch_main. */
#define FOURTH_FD 3
/* After so long a program that was asked to end is ended. */
#define PATIENCE_NS 5000000000ull

static long program_pid;
static bool program_over;
/* Of open files, as the program is to have it. */
static struct rlimit64 program_files;
static int program_status;
static volatile uint64_t asked_ns;
static struct {
  uint64_t user_us, system_us, minor_faults, major_faults, peak_rss_kb;
} used;

/* The program is to end as this one is asked to. */
static void pass_on(int signal) {
  (void)signal;
  if (!asked_ns) asked_ns = now_ns();
  if (program_pid <= 0) return;
  sys2(__NR_kill, program_pid, SIGTERM);
  sys2(__NR_kill, program_pid, SIGCONT); /* it may be held */
}

static _Noreturn void become(char **argv, char **envp, int report, bool run, bool hold) {
  sys2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
  sys4(__NR_prlimit64, 0, RLIMIT_NOFILE, &program_files, 0);
  if (run) sys3(__NR_dup3, FOURTH_FD, 2, 0);
  if (hold) sys2(__NR_kill, sys0(__NR_getpid), SIGSTOP);
  int error = error_of(sys3(__NR_execve, argv[0], argv, envp));
  sys3(__NR_write, report, &error, sizeof error);
  for (;;) sys1(__NR_exit_group, EXEC_FAILED);
}

static void count_usage(const struct rusage *r) {
  used.user_us += (uint64_t)r->ru_utime.tv_sec * 1000000 + (uint64_t)r->ru_utime.tv_usec;
  used.system_us += (uint64_t)r->ru_stime.tv_sec * 1000000 + (uint64_t)r->ru_stime.tv_usec;
  used.minor_faults += (uint64_t)r->ru_minflt;
  used.major_faults += (uint64_t)r->ru_majflt;
  if ((uint64_t)r->ru_maxrss > used.peak_rss_kb) used.peak_rss_kb = (uint64_t)r->ru_maxrss;
}

/* Reaps what has ended: the program, and what it left behind (children of this one, a subreaper). */
static bool reaped_program(void) {
  int status;
  struct rusage r;
  long pid;
  while ((pid = sys4(__NR_wait4, -1, &status, WAIT_NO_HANG, &r)) > 0) {
    count_usage(&r);
    if (pid == program_pid) program_over = true, program_status = status;
  }
  if (pid == -ECHILD) program_over = true;
  /* What has another user's rights by now (set-user-ID) is not ours to end: it is left. */
  if (!program_over && asked_ns && now_ns() - asked_ns > PATIENCE_NS &&
      sys2(__NR_kill, program_pid, SIGKILL) == -EPERM)
    program_over = true, program_status = SIGKILL;
  return program_over;
}

static void terminate(long pid) { sys2(__NR_kill, pid, SIGTERM); }
static void end(long pid) { sys2(__NR_kill, pid, SIGKILL); }

/* What the program left running is ended, politely first. */
static void end_the_rest(void) {
  long self = sys0(__NR_getpid);
  watch_each_below(self, terminate);
  for (int tries = 0; tries < 200; tries++) {
    int status;
    long pid;
    struct rusage r;
    while ((pid = sys4(__NR_wait4, -1, &status, WAIT_NO_HANG, &r)) > 0) count_usage(&r);
    if (pid == -ECHILD) return;
    if (tries >= 100) watch_each_below(self, end);
    watch_pause(10000000);
  }
}

static void note_left(long pid) { watch_note("left", (uint64_t)pid); }

static void say_pid(long pid) {
  char text[32] = "pid ";
  size_t n = 4 + format_dec(text + 4, (uint64_t)pid);
  text[n++] = '\n';
  sys3(__NR_write, FOURTH_FD, text, n);
}

static uint64_t parse_interval(const char *text) {
  uint64_t interval_us = 0;
  for (const char *p = text; *p >= '0' && *p <= '9'; p++) interval_us = interval_us * 10 + (uint64_t)(*p - '0');
  if (interval_us < 100 || interval_us > 900000) die(EXIT_USAGE, "an interval is 100 to 900000 microseconds", text);
  return interval_us * 1000;
}

static void note_usage(uint64_t wall_ns) {
  watch_note("wall_us", wall_ns / 1000);
  watch_note("user_us", used.user_us);
  watch_note("system_us", used.system_us);
  watch_note("minor_faults", used.minor_faults);
  watch_note("major_faults", used.major_faults);
  watch_note("peak_rss_kb", used.peak_rss_kb);
}

/*
 * launch OUT INTERVAL_US run|hold|sum PROGRAM ARGS...: PROGRAM is a path. `run`: descriptor 3 is the program's standard error,
 * since that of this process is perf's too. `hold`: the child stops itself before it becomes the program, and its pid is written
 * to descriptor 3; SIGCONT lets it go on. `sum`: all processes in one line, and what the program leaves running is ended.
 * Returns the program's exit status, 128 + N where signal N ended it. OUT ends with the note `exit_status` only where all of it could
 * be written; why not is said on standard error, with `hold` on descriptor 3. Without OUT the program was not started.
 */
int launch_main(int argc, char **argv, char **envp) {
  if (argc < 6) return EXIT_USAGE;
  uint64_t interval_ns = parse_interval(argv[3]);
  bool run = !strcmp(argv[4], "run");
  bool hold = !strcmp(argv[4], "hold");
  bool sum = !strcmp(argv[4], "sum");
  sys2(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1);
  signal_handle(SIGTERM, pass_on, 0);
  signal_handle(SIGINT, (void *)1 /* SIG_IGN: a terminal asks the program itself */, 0);
  sys2(__NR_prctl, PR_SET_PDEATHSIG, SIGTERM);

  if (run || hold) sys3(__NR_fcntl, FOURTH_FD, F_SETFD, FD_CLOEXEC);
  watch_raise_files(&program_files);
  int report[2];
  if (sys2(__NR_pipe2, report, O_CLOEXEC) < 0) die(EXIT_FAILED, "cannot make a pipe", NULL);
  long told = hold ? FOURTH_FD : 2;
  watch_prepare(argv[2], sum ? WATCH_SUM : WATCH_EACH, told);
  uint64_t began = now_ns();
  program_pid = sys5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (program_pid == 0) {
    signal_handle(SIGTERM, (void *)0, 0);
    signal_handle(SIGINT, (void *)0, 0);
    become(argv + 5, envp, report[1], run, hold);
  }
  if (program_pid < 0) {
    watch_discard();
    die(EXIT_FAILED, "cannot fork", errno_name(error_of(program_pid)));
  }
  sys1(__NR_close, report[1]);
  /* Whoever is told lets it go on at once: it must have stopped by then. */
  int held;
  if (hold) while (sys4(__NR_wait4, program_pid, &held, WAIT_STOPPED, 0) == -EINTR) continue;
  if (hold) say_pid(program_pid);

  int error = 0;
  long n;
  while ((n = sys3(__NR_read, report[0], &error, sizeof error)) == -EINTR) continue;
  if (n > 0) {
    watch_discard();
    die(EXEC_FAILED, argv[5], errno_name(error));
  }
  watch_begin(program_pid);
  watch_until(interval_ns, reaped_program);
  while (!reaped_program()) watch_pause(interval_ns);
  uint64_t wall = now_ns() - began;
  if (sum || asked_ns) end_the_rest();
  /* Of what the program left running it is not known what it used. */
  int status;
  if (sys4(__NR_wait4, -1, &status, WAIT_NO_HANG, 0) == -ECHILD) note_usage(wall);
  else watch_each_below(sys0(__NR_getpid), note_left);
  int exit_status = program_status & 0x7f ? 128 + (program_status & 0x7f) : program_status >> 8 & 0xff;
  if (!watch_failed(told)) watch_note("exit_status", (uint64_t)exit_status), watch_failed(told);
  return exit_status;
}

static bool asked_to_end(void) { return asked_ns != 0; }

/* watch OUT INTERVAL_US one|each PID: a running program, until it exits or the probe is asked to stop. */
int watch_main(int argc, char **argv) {
  if (argc != 6) return EXIT_USAGE;
  uint64_t interval_ns = parse_interval(argv[3]);
  long pid = 0;
  for (const char *p = argv[5]; *p >= '0' && *p <= '9'; p++) pid = pid * 10 + (*p - '0');
  if (pid <= 0) return EXIT_USAGE;
  signal_handle(SIGTERM, pass_on, 0);
  signal_handle(SIGINT, (void *)1, 0);
  sys2(__NR_prctl, PR_SET_PDEATHSIG, SIGTERM);
  watch_raise_files(NULL);
  watch_prepare(argv[2], strcmp(argv[4], "each") ? WATCH_ONE : WATCH_EACH, 2);
  watch_begin(pid);
  watch_until(interval_ns, asked_to_end);
  return watch_failed(2) ? EXIT_FAILED : EXIT_OK;
}

/* tied PROGRAM ARGS...: becomes the program, which is asked to end when whoever started it dies. */
int tied_main(int argc, char **argv, char **envp) {
  if (argc < 3) return EXIT_USAGE;
  sys2(__NR_prctl, PR_SET_PDEATHSIG, SIGTERM);
  int error = error_of(sys3(__NR_execve, argv[2], argv + 2, envp));
  die(EXEC_FAILED, argv[2], errno_name(error));
}
