/*
 * The system calls, made directly. The probe uses no C library: nothing of it allocates, maps or touches memory
 * behind the probe's back, and the program can be linked at an address where no workload is.
 * All return what the kernel returned: a value, or minus an errno.
 */
#ifndef RECLAIM_PROBE_SYS_H
#define RECLAIM_PROBE_SYS_H

#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

static inline long sys6(long n, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#define sys5(n, a, b, c, d, e) sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define sys4(n, a, b, c, d) sys5(n, a, b, c, d, 0)
#define sys3(n, a, b, c) sys5(n, a, b, c, 0, 0)
#define sys2(n, a, b) sys5(n, a, b, 0, 0, 0)
#define sys1(n, a) sys5(n, a, 0, 0, 0, 0)
#define sys0(n) sys5(n, 0, 0, 0, 0, 0)

/* The errno that a raw system call returned; 0 if it succeeded. */
static inline int error_of(long result) { return result < 0 && result >= -4095 ? (int)-result : 0; }

void *memset(void *to, int byte, size_t n);
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strstr(const char *s, const char *what);

#endif
