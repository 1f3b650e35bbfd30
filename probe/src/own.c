/* What the probe needs for itself: readings of /proc and the clock, and a place where no workload is. */
#include "probe.h"

#include <fcntl.h>
#include <linux/time.h>

static long status_fd = -1, meminfo_fd = -1;
static char text[8192];

/* The image as the linker laid it out. */
extern char __executable_start[], __bss_start[], _end[];

long open_read(const char *path) { return sys4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0); }

static long clock_id = CLOCK_MONOTONIC;

/* From now on now_ns() counts the processor time of this process: what else the machine does is not in it. */
void clock_counts_cpu(void) { clock_id = CLOCK_PROCESS_CPUTIME_ID; }

uint64_t now_ns(void) {
  struct timespec t;
  sys2(__NR_clock_gettime, clock_id, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

void sleep_ms(uint64_t ms) {
  struct timespec t = {(long)(ms / 1000), (long)(ms % 1000) * 1000000};
  while (sys2(__NR_nanosleep, &t, &t) == -EINTR && !stopping) continue;
}

static int64_t field_kb(const char *name) {
  const char *p = strstr(text, name);
  if (!p) return 0;
  p += strlen(name);
  while (*p == ' ' || *p == '\t') p++;
  int64_t v = 0;
  while (*p >= '0' && *p <= '9') v = v * 10 + (*p++ - '0');
  return v;
}

/* 0, or why nothing could be read. */
static int read_text(long fd) {
  long n = sys4(__NR_pread64, fd, text, sizeof text - 1, 0);
  if (n <= 0) return n < 0 ? error_of(n) : ENODATA;
  text[n] = 0;
  return 0;
}

static int usage_from(long fd, struct usage *u) {
  int error = read_text(fd);
  if (error) return error;
  u->virt_kb = field_kb("VmSize:");
  u->rss_kb = field_kb("VmRSS:");
  u->vmpte_kb = field_kb("VmPTE:");
  u->threads = field_kb("Threads:");
  return 0;
}

/* VmPTE, VmRSS and VmSize of this process, in kB (fs/proc/task_mmu.c: task_mem). */
void usage_read(struct usage *u) {
  if (usage_from(status_fd, u)) die(EXIT_FAILED, "cannot read /proc/self/status", NULL);
}

/* The same of another process. Where files or memory run out, or /proc hides it (hidepid=1), that says nothing of the process. */
enum reading usage_read_pid(long pid, struct usage *u) {
  char path[48] = "/proc/";
  size_t n = 6 + format_dec(path + 6, (uint64_t)pid);
  memcpy(path + n, "/status", 8);
  long fd = open_read(path);
  int error = fd < 0 ? error_of(fd) : usage_from(fd, u);
  if (fd >= 0) sys1(__NR_close, fd);
  if (error == ENOENT || error == ESRCH) return READING_GONE;
  if (error == EPERM || error == EACCES) return READING_DENIED;
  return error ? READING_MISSED : READING_DONE;
}

/* How much memory could still be had without swapping, in kB (/proc/meminfo, MemAvailable). */
int64_t memory_available_kb(void) { return read_text(meminfo_fd) ? 0 : field_kb("MemAvailable:"); }

/* A file of /proc/self belongs to the process that opened it: a child opens its own. */
void own_reopen(void) {
  if (status_fd >= 0) sys1(__NR_close, status_fd);
  status_fd = open_read("/proc/self/status");
  if (status_fd < 0) die(EXIT_FAILED, "cannot open /proc/self/status", errno_name(error_of(status_fd)));
}

/* Does the range touch the probe's own image? */
bool own_overlaps(uint64_t addr, uint64_t len) {
  return addr < (uint64_t)_end && (addr + len < addr || addr + len > (uint64_t)__executable_start);
}

/* Unmaps everything but the probe's own image: as execve leaves an address space, but for the image. */
void own_unmap_the_rest(void) {
  uint64_t start = (uint64_t)__executable_start & ~(PAGE - 1);
  uint64_t end = ((uint64_t)_end + PAGE - 1) & ~(PAGE - 1);
  sys2(__NR_munmap, 0, start);
  sys2(__NR_munmap, end, USER_END - end);
  sys2(__NR_munmap, USER_END, USER_END_5 - USER_END); /* refused with four levels: nothing is there */
}

void own_prepare(void) {
  /* Every page of the image, so that no fault of the probe's own comes later. */
  for (volatile char *p = __executable_start; p < _end; p += PAGE) (void)*p;
  for (volatile char *p = __bss_start; p < _end; p += PAGE) *p = *p;
  own_unmap_the_rest();
  own_reopen();
  meminfo_fd = open_read("/proc/meminfo");
  struct usage u;
  usage_read(&u);
}
