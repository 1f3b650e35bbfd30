/* The few functions of a C library that the probe (or the compiler, on its behalf) uses. */
#include "sys.h"

void *memset(void *to, int byte, size_t n) {
  void *start = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
  return start;
}

void *memcpy(void *to, const void *from, size_t n) {
  void *start = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
  return start;
}

void *memmove(void *to, const void *from, size_t n) {
  unsigned char *t = to;
  const unsigned char *f = from;
  if (t <= f) return memcpy(to, from, n);
  while (n--) {
    __asm__ volatile("" ::: "memory"); /* or the compiler makes these loops calls of themselves */
    t[n] = f[n];
  }
  return to;
}

int memcmp(const void *a, const void *b, size_t n) {
  const unsigned char *x = a, *y = b;
  for (; n; n--, x++, y++)
    if (*x != *y) return *x - *y;
  return 0;
}

size_t strlen(const char *s) {
  size_t n = 0;
  while (s[n]) {
    __asm__ volatile("" ::: "memory");
    n++;
  }
  return n;
}

int strncmp(const char *a, const char *b, size_t n) {
  for (; n && *a && *a == *b; n--) a++, b++;
  return n ? (unsigned char)*a - (unsigned char)*b : 0;
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, (size_t)-1); }

char *strchr(const char *s, int c) {
  for (; *s; s++)
    if (*s == c) return (char *)s;
  return c ? NULL : (char *)s;
}

char *strstr(const char *s, const char *what) {
  size_t n = strlen(what);
  for (; *s; s++)
    if (!strncmp(s, what, n)) return (char *)s;
  return NULL;
}
