/* Touching memory, one access at a time, and surviving what it may raise. */
#define _GNU_SOURCE
#include "probe.h"

#include <asm/signal.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

void signal_handle(int signal, void *handler, unsigned long flags);

static volatile uint64_t segv_count, bus_count;

/* The only two instructions that may fault, and where to go on after each. */
extern const char touch_read_at[], touch_read_next[], touch_write_at[], touch_write_next[];

static void on_fault(int signal, void *info, struct ucontext *context) {
  (void)info;
  uint64_t ip = context->uc_mcontext.rip;
  if (ip == (uint64_t)touch_read_at) {
    context->uc_mcontext.rip = (uint64_t)touch_read_next;
  } else if (ip == (uint64_t)touch_write_at) {
    context->uc_mcontext.rip = (uint64_t)touch_write_next;
  } else {
    signal_handle(signal, 0 /* SIG_DFL */, 0); /* not ours: let it end the probe */
    return;
  }
  if (signal == SIGBUS)
    bus_count++;
  else
    segv_count++;
}

#define CHUNK (16ull << 20)

/*
 * One access each `stride` bytes of [addr, addr+len). Counts the accesses that raised SIGSEGV and SIGBUS; each is
 * skipped and the loop goes on with the next. Ends early only when the run is to stop.
 */
__attribute__((noinline, noclone)) void touch_range(uint64_t addr, uint64_t len, uint64_t stride, bool write,
                                                    struct result *r) {
  segv_count = bus_count = 0;
  uint64_t end = addr + len;
  for (uint64_t p = addr; p < end;) {
    uint64_t chunk_end = end - p > CHUNK ? p + CHUNK : end;
    if (write) {
      for (; p < chunk_end; p += stride)
        __asm__ volatile(
            ".globl touch_write_at, touch_write_next\n touch_write_at: movb $1, (%0)\n touch_write_next:" ::"r"(p)
            : "memory");
    } else {
      for (; p < chunk_end; p += stride) {
        uint8_t v = 0;
        __asm__ volatile(".globl touch_read_at, touch_read_next\n touch_read_at: movb (%1), %0\n touch_read_next:"
                         : "+q"(v)
                         : "r"(p)
                         : "memory");
      }
    }
    if (stop_look(CHUNK / (stride > PAGE ? stride / PAGE : 1))) break;
  }
  r->segv = segv_count;
  r->bus = bus_count;
}

void touch_prepare(void) {
  signal_handle(SIGSEGV, on_fault, SA_SIGINFO | SA_NODEFER);
  signal_handle(SIGBUS, on_fault, SA_SIGINFO | SA_NODEFER);
  struct result r;
  touch_range(ARENA_BASE, 1, 1, true, &r);
  touch_range(ARENA_BASE, 1, 1, false, &r);
  if (r.segv != 1) die(EXIT_FAILED, "a touch of unmapped memory raised no SIGSEGV", NULL);
}
