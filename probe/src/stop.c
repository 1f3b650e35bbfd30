/* Stopping early: a signal asks for it, or memory runs short. */
#include "probe.h"

#include <asm/signal.h>

volatile enum stop stopping = STOP_NO;
static int64_t memory_floor_kb;
static uint64_t touched_since_look;

#define LOOK_EVERY (32ull << 20)

void signal_return(void);
__asm__(".text\nsignal_return:\n mov $15, %eax\n syscall\n");

/* The kernel's own sigaction. */
struct kernel_action {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)(void);
  unsigned long mask;
};

void signal_handle(int signal, void *handler, unsigned long flags) {
  struct kernel_action action = {handler, flags | 0x04000000 /* SA_RESTORER */, signal_return, 0};
  sys4(__NR_rt_sigaction, signal, &action, 0, 8);
}

static void on_stop(int signal) {
  (void)signal;
  stopping = STOP_CANCELLED;
}

void stop_prepare(void) {
  signal_handle(SIGTERM, on_stop, 0);
  signal_handle(SIGINT, on_stop, 0);
  signal_handle(SIGPIPE, (void *)1 /* SIG_IGN */, 0);
}

/* From now on less than so much available memory stops the run. */
void stop_guard_memory(int64_t floor_kb) { memory_floor_kb = floor_kb; }

/* To be asked after so many bytes were made resident: is it time to stop? */
bool stop_look(uint64_t bytes_touched) {
  touched_since_look += bytes_touched;
  if (memory_floor_kb && touched_since_look >= LOOK_EVERY) {
    touched_since_look = 0;
    if (!stopping && memory_available_kb() < memory_floor_kb) stopping = STOP_MEMORY;
  }
  return stopping != STOP_NO;
}
