/* A program that had much, gave most of it back, and goes on idle. ADVICE=trim: it calls malloc_trim(0) after that. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS = 1200000, KEPT_AT_THE_END = 1000 };

int main(void) {
  static char *blocks[BLOCKS];
  unsigned seed = 1;
  for (int i = 0; i < BLOCKS; i++) {
    seed = seed * 1103515245u + 12345u;
    size_t size = 64 + (seed >> 16) % 960;
    blocks[i] = malloc(size);
    if (!blocks[i]) return 1;
    memset(blocks[i], 1, size);
  }
  for (int i = 0; i < BLOCKS - KEPT_AT_THE_END; i++) free(blocks[i]);
#ifdef __GLIBC__
  const char *advice = getenv("ADVICE");
  if (advice && strcmp(advice, "trim") == 0) malloc_trim(0);
#endif
  sleep(15);
  return 0;
}
