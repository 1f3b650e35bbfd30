/* reclaim-probe: the commands. */
#define _GNU_SOURCE
#include "probe.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char USAGE[] =
    "usage: reclaim-probe conform FILE|- [--mode sync|none]\n"
    "";

static int usage_error(void) {
  if (write(STDERR_FILENO, USAGE, sizeof USAGE - 1) < 0) return EXIT_FAILED;
  return EXIT_USAGE;
}

/* Everything the probe itself needs, before the first reading. */
static void prepare(void) {
  own_prepare();
  vmas_prepare();
  touch_prepare();
  dontneed_prepare();
  exec_prepare();
  children_prepare();
}

int main(int argc, char **argv) {
  if (argc < 2) return usage_error();
  enum mode mode = MODE_SYNC;
  const char *operand = NULL;
  for (int i = 2; i < argc; i++) {
    if (!strcmp(argv[i], "--mode")) {
      if (++i == argc) return usage_error();
      if (!strcmp(argv[i], "none")) mode = MODE_NONE;
      else if (!strcmp(argv[i], "sync")) mode = MODE_SYNC;
      else return usage_error();
    } else if (!operand && (argv[i][0] != '-' || !argv[i][1])) {
      operand = argv[i];
    } else {
      return usage_error();
    }
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  if (!strcmp(argv[1], "conform") && operand) {
    prepare();
    return conform_main(operand, mode);
  }
  return usage_error();
}
