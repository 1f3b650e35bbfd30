/* Touching memory, one access at a time, and surviving what it may raise. */
#define _GNU_SOURCE
#include "probe.h"

#include <signal.h>
#include <string.h>
#include <ucontext.h>

static volatile uint64_t segv_count, bus_count;

/* The only two instructions that may fault, and where to go on after each. */
extern const char touch_read_at[], touch_read_next[], touch_write_at[], touch_write_next[];

static void on_fault(int sig, siginfo_t *info, void *context) {
  (void)info;
  greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
  const char *ip = (const char *)regs[REG_RIP];
  if (ip == touch_read_at) {
    regs[REG_RIP] = (greg_t)touch_read_next;
  } else if (ip == touch_write_at) {
    regs[REG_RIP] = (greg_t)touch_write_next;
  } else {
    signal(sig, SIG_DFL); /* not ours: let it end the probe */
    return;
  }
  if (sig == SIGBUS)
    bus_count++;
  else
    segv_count++;
}

/*
 * One access each `stride` bytes of [addr, addr+len). Counts the accesses that raised SIGSEGV and SIGBUS; each is
 * skipped and the loop goes on with the next.
 */
__attribute__((noinline, noclone)) void touch_range(uint64_t addr, uint64_t len, uint64_t stride, bool write,
                                                    uint64_t *segv, uint64_t *bus) {
  segv_count = bus_count = 0;
  uint64_t end = addr + len;
  if (write) {
    for (uint64_t p = addr; p < end; p += stride)
      __asm__ volatile(
          ".globl touch_write_at, touch_write_next\n touch_write_at: movb $1, (%0)\n touch_write_next:" ::"r"(p)
          : "memory");
  } else {
    for (uint64_t p = addr; p < end; p += stride) {
      uint8_t v = 0;
      __asm__ volatile(".globl touch_read_at, touch_read_next\n touch_read_at: movb (%1), %0\n touch_read_next:"
                       : "+q"(v)
                       : "r"(p)
                       : "memory");
    }
  }
  *segv = segv_count;
  *bus = bus_count;
}

void touch_prepare(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  uint64_t segv, bus;
  touch_range(ARENA_BASE, 1, 1, true, &segv, &bus); /* the handler, its frame and its counters are touched */
  touch_range(ARENA_BASE, 1, 1, false, &segv, &bus);
}
