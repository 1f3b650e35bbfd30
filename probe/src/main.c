/* reclaim-probe: where it starts, and its commands. */
#include "probe.h"

#include <asm/signal.h>
#include <fcntl.h>
#include <linux/prctl.h>

static const char USAGE[] =
    "usage: reclaim-probe conform [--mode sync|none]\n"
    "       reclaim-probe stream [--mode sync|none] [--results] [--cpu-time] [--floor-kb N]\n"
    "       reclaim-probe detect\n"
    "       reclaim-probe profile\n"
    "       reclaim-probe look [--plain] [--no-exact] [--two-scans]\n"
    "       reclaim-probe launch OUT INTERVAL_US run|hold|sum PROGRAM ARGS...\n"
    "       reclaim-probe watch OUT INTERVAL_US one|each PID\n"
    "       reclaim-probe tied PROGRAM ARGS...\n";

#define ARGUMENTS_MAX 16

static char argument_text[4096 + 256];
static char *arguments[ARGUMENTS_MAX];
static int argument_count;

/* The stack: inside the image, so that the one the program was started on can go. */
__attribute__((aligned(4096), used)) char own_stack[192 << 10];

__asm__(
    ".text\n.globl _start\n_start:\n"
    " mov %rsp, %rbx\n"
    " call find_place\n"
    " lea 1f(%rip), %rcx\n"
    " add %rax, %rcx\n"
    " jmp *%rcx\n"
    "1:\n"
    " mov %rbx, %rdi\n"
    " lea own_stack+(192<<10)(%rip), %rsp\n"
    " xor %ebp, %ebp\n"
    " call start\n"
    " hlt\n");

static int usage_error(void) {
  sys3(__NR_write, 2, USAGE, sizeof USAGE - 1);
  return EXIT_USAGE;
}

/* Arguments lie on the stack that is about to go. */
static bool keep_arguments(int argc, char **argv) {
  size_t used = 0;
  if (argc > ARGUMENTS_MAX) return false;
  for (int i = 0; i < argc; i++) {
    size_t n = strlen(argv[i]) + 1;
    if (n > sizeof argument_text - used) return false;
    arguments[i] = memcpy(argument_text + used, argv[i], n);
    used += n;
  }
  argument_count = argc;
  return true;
}

/* Dies with whoever started it, and before anybody else where memory runs out. */
static void be_expendable(void) {
  sys2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
  long fd = sys4(__NR_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return;
  sys3(__NR_write, fd, "1000", 4);
  sys1(__NR_close, fd);
}

/* Everything the probe itself needs, before the first reading. */
static void prepare(enum mode mode) {
  be_expendable();
  own_prepare();
  stop_prepare();
  touch_prepare();
  vmas_prepare();
  dontneed_prepare();
  exec_prepare();
  children_prepare(mode);
}

static bool parse_kb(const char *text, int64_t *kb) {
  int64_t v = 0;
  if (!*text || strlen(text) > 15) return false;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return false;
    v = v * 10 + (*text - '0');
  }
  *kb = v;
  return true;
}

static int run(void) {
  enum mode mode = MODE_SYNC;
  bool results = false;
  bool plain = false, no_exact = false, two_scans = false;
  int64_t floor_kb = 0;
  if (argument_count < 2) return usage_error();
  for (int i = 2; i < argument_count; i++) {
    const char *word = arguments[i];
    const char *value = i + 1 < argument_count ? arguments[i + 1] : "";
    if (!strcmp(word, "--mode")) {
      if (strcmp(value, "sync") && strcmp(value, "none")) return usage_error();
      mode = *value == 'n' ? MODE_NONE : MODE_SYNC, i++;
    } else if (!strcmp(word, "--results")) {
      results = true;
    } else if (!strcmp(word, "--cpu-time")) {
      clock_counts_cpu();
    } else if (!strcmp(word, "--floor-kb")) {
      if (!parse_kb(value, &floor_kb)) return usage_error();
      i++;
    } else if (!strcmp(word, "--plain")) {
      plain = true;
    } else if (!strcmp(word, "--no-exact")) {
      no_exact = true;
    } else if (!strcmp(word, "--two-scans")) {
      two_scans = true;
    } else {
      return usage_error();
    }
  }
  const char *command = arguments[1];
  if (!strcmp(command, "conform")) {
    prepare(mode);
    return conform_main(mode);
  }
  if (!strcmp(command, "stream")) {
    prepare(mode);
    return stream_main(mode, results, floor_kb);
  }
  if (!strcmp(command, "detect")) {
    prepare(mode);
    return detect_main();
  }
  if (!strcmp(command, "profile")) {
    prepare(mode);
    return profile_main();
  }
  if (!strcmp(command, "look")) {
    be_expendable();
    return look_main(plain, no_exact, two_scans);
  }
  return usage_error();
}

/* `stack`: what the kernel left there: the number of arguments, then the arguments. */
__attribute__((used)) _Noreturn void start(long *stack) {
  int argc = (int)*stack;
  char **argv = (char **)(stack + 1);
  /* It becomes another program: arguments and environment stay where they are. */
  if (argc > 1 && !strcmp(argv[1], "launch")) exit_now(launch_main(argc, argv, argv + argc + 1));
  if (argc > 1 && !strcmp(argv[1], "watch")) exit_now(watch_main(argc, argv));
  if (argc > 1 && !strcmp(argv[1], "tied")) exit_now(tied_main(argc, argv, argv + argc + 1));
  exit_now(keep_arguments(argc, argv) ? run() : usage_error());
}
