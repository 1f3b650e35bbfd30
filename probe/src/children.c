/*
 * Forked children. Each waits for an operation to perform and does nothing else, so that its page tables are what fork
 * and its operations gave it. All are children of the first process (CLONE_PARENT) and die with it.
 */
#include "probe.h"

#include <asm/signal.h>
#include <linux/prctl.h>
#include <linux/sched.h>

/* At a time; their sockets are made beforehand, so that every process has them all. */
#define CHILDREN_MAX 100
enum { UNIX = 1, STREAM = 1 }; /* AF_UNIX, SOCK_STREAM */

struct child {
  int ends[2];     /* the first process's, the child's */
  long pid;        /* 0: nobody is here */
  uint32_t number; /* it is the Nth ever forked */
};

static struct child children[CHILDREN_MAX];
static uint32_t forked;
static int64_t own_kb; /* page-table memory of a child whose parent maps nothing */
static enum mode child_mode;
static bool acting_child; /* this process is one */

static bool receive(int fd, void *to, size_t n) {
  char *p = to;
  while (n) {
    long got = sys3(__NR_read, fd, p, n);
    if (got == -EINTR) continue;
    if (got <= 0) return false;
    p += got, n -= (size_t)got;
  }
  return true;
}

static bool send(int fd, const void *from, size_t n) {
  const char *p = from;
  while (n) {
    long done = sys3(__NR_write, fd, p, n);
    if (done == -EINTR) continue;
    if (done <= 0) return false;
    p += done, n -= (size_t)done;
  }
  return true;
}

/* `parent` is who forked: it may have died before the signal of its death was asked for, and then none comes. */
static _Noreturn void serve(int fd, long parent) {
  sys2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (sys0(__NR_getppid) != parent) sys1(__NR_exit_group, 0);
  acting_child = true;
  own_reopen();
  dontneed_prepare();
  struct result r = {.error = 0};
  struct op op;
  send(fd, &r, sizeof r);
  while (receive(fd, &op, sizeof op)) {
    exec_op(&op, child_mode, &r);
    if (!send(fd, &r, sizeof r)) break;
  }
  for (;;) sys1(__NR_exit_group, 0);
}

/* The child of that number, or the last that lives (0); NULL where it is gone. */
static struct child *find(uint32_t number) {
  struct child *found = NULL;
  for (struct child *c = children; c < children + CHILDREN_MAX; c++) {
    if (!c->pid || (number && c->number != number)) continue;
    if (!found || c->number > found->number) found = c;
  }
  return found;
}

static int measure(const struct child *c, struct result *r) {
  struct usage u;
  r->has_child = true;
  if (!c || usage_read_pid(c->pid, &u) != READING_DONE) return ESRCH;
  r->child_kb = u.vmpte_kb - own_kb;
  return 0;
}

/* clone() in whatever process this is; the child serves the given place and never returns. */
static long fork_to(uint64_t place) {
  long parent = acting_child ? sys0(__NR_getppid) : sys0(__NR_getpid);
  long pid = sys5(__NR_clone, SIGCHLD | (acting_child ? CLONE_PARENT : 0), 0, 0, 0, 0);
  if (pid == 0) serve(children[place].ends[1], parent);
  return pid;
}

/* Forks process `from` (0: the first), fills child_kb and returns errno. In a child: only forks; bytes is the pid. */
int child_fork(const struct op *op, struct result *r) {
  if (acting_child) {
    long pid = fork_to(op->arg);
    r->bytes = (uint64_t)pid;
    return error_of(pid);
  }
  struct child *c = children;
  while (c < children + CHILDREN_MAX && c->pid) c++;
  if (c == children + CHILDREN_MAX) return EAGAIN;
  long pid;
  if (op->process == 0) {
    pid = fork_to((uint64_t)(c - children));
  } else {
    struct op there = {.kind = OP_FORK, .process = op->process, .arg = (uint64_t)(c - children)};
    struct result answer;
    if (!child_execute(&there, &answer)) return ESRCH;
    if (answer.error) return answer.error;
    pid = (long)answer.bytes;
  }
  if (error_of(pid)) return error_of(pid);
  c->pid = pid;
  c->number = ++forked;
  struct result hello;
  if (!receive(c->ends[0], &hello, sizeof hello)) return ESRCH;
  return measure(c, r);
}

/* Has the operation's process (not the first one) perform it; false where that process is gone. */
bool child_execute(const struct op *op, struct result *r) {
  struct child *c = find(op->process);
  memset(r, 0, sizeof *r);
  struct op there = *op;
  there.process = 0;
  return c && send(c->ends[0], &there, sizeof there) && receive(c->ends[0], r, sizeof *r);
}

/* The page-table memory of the last child that lives. */
int child_stat(struct result *r) { return measure(find(0), r); }

/* Ends a child (0: the last that lives). */
int child_kill(uint32_t number) {
  struct child *c = find(number);
  if (!c) return ESRCH;
  sys2(__NR_kill, c->pid, SIGKILL);
  while (sys4(__NR_wait4, c->pid, 0, 0, 0) == -EINTR) continue;
  c->pid = 0;
  return 0;
}

/* A pidfd of a child (0: the last that lives); close it. Below 0: there is none. */
long child_pidfd(uint32_t number) {
  struct child *c = find(number);
  return c ? sys2(__NR_pidfd_open, c->pid, 0) : -1;
}

void children_end(void) {
  if (acting_child) return;
  for (struct child *c = children; c < children + CHILDREN_MAX; c++)
    if (c->pid) sys2(__NR_kill, c->pid, SIGKILL);
  while (child_kill(0) == 0) continue;
  forked = 0;
}

void children_prepare(enum mode mode) {
  child_mode = mode;
  for (struct child *c = children; c < children + CHILDREN_MAX; c++)
    if (sys4(__NR_socketpair, UNIX, STREAM, 0, c->ends) < 0) die(EXIT_FAILED, "cannot make a pair of sockets", NULL);
  struct op op = {.kind = OP_FORK};
  struct result r;
  own_kb = 0;
  int error = child_fork(&op, &r);
  if (error) die(EXIT_FAILED, "cannot fork", errno_name(error));
  own_kb = r.child_kb;
  children_end();
}
