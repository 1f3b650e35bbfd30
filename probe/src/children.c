/* Forked children: each sits still, so that its page tables are what fork gave it. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN_MAX 256

static int child_pid[CHILDREN_MAX];
static int children;
static int64_t empty_kb; /* page-table memory of a child whose parent's arena is empty */
static int ready[2];

static int fork_still(void) {
  int pid = (int)syscall(SYS_fork);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char byte = 1;
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte;
  if (pid > 0)
    while (read(ready[0], &byte, 1) < 0 && errno == EINTR) continue;
  return pid;
}

static int read_child(int pid, int64_t *kb) {
  struct usage u;
  if (!usage_read_pid(pid, &u)) return ESRCH;
  *kb = u.vmpte_kb - empty_kb;
  return 0;
}

/* Forks. *kb: the child's page-table memory beyond what a child of an empty arena has. Returns errno. */
int child_fork(int64_t *kb) {
  if (children == CHILDREN_MAX) return EAGAIN;
  int pid = fork_still();
  if (pid < 0) return errno;
  child_pid[children++] = pid;
  return read_child(pid, kb);
}

/* The same reading of the last child, now. */
int child_stat(int64_t *kb) { return children ? read_child(child_pid[children - 1], kb) : ESRCH; }

/* Ends the last child. */
int child_kill(void) {
  if (!children) return ESRCH;
  int pid = child_pid[--children];
  kill(pid, SIGKILL);
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
  return 0;
}

/* A pidfd of the last child (close it), or -1. */
int child_pidfd(void) { return children ? (int)syscall(SYS_pidfd_open, child_pid[children - 1], 0) : -1; }

void children_end(void) {
  while (children) child_kill();
}

void children_prepare(void) {
  if (pipe(ready)) die(EXIT_FAILED, "cannot make a pipe", strerror(errno));
  empty_kb = 0;
  int64_t kb = 0;
  int error = child_fork(&kb);
  if (error) die(EXIT_FAILED, "cannot fork", strerror(error));
  empty_kb = kb;
  child_kill();
}
