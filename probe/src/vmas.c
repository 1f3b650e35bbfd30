/* The VMAs of the arena, from /proc/self/maps. */
#include "probe.h"

static long maps_fd = -1;
static char text[1 << 14];
static char list_text[1 << 18];
static size_t list_used;

void vmas_prepare(void) {
  maps_fd = open_read("/proc/self/maps");
  if (maps_fd < 0) die(EXIT_FAILED, "cannot open /proc/self/maps", errno_name(error_of(maps_fd)));
  (void)vmas_count(true);
}

static void list_add(const char *s, size_t n) {
  if (list_used + n >= sizeof list_text) return;
  memcpy(list_text + list_used, s, n);
  list_used += n;
}

static void list_add_hex(uint64_t v) {
  char digits[24];
  list_add(digits, format_hex(digits, v));
}

/* One line of maps: true where it is a VMA of the arena. */
static bool take_line(const char *p, bool list) {
  uint64_t start = parse_hex(&p);
  p++;
  uint64_t end = parse_hex(&p);
  if (start < ARENA_BASE || start >= USER_END_5 || own_overlaps(start, end - start)) return false;
  if (list) {
    list_add(" ", 1);
    list_add_hex((start - ARENA_BASE) / PAGE);
    list_add("-", 1);
    list_add_hex((end - ARENA_BASE) / PAGE);
    list_add(":", 1);
    list_add(p + 1, 2); /* r and w; whether x does not matter to a page table */
    list_add(p + 4, 1); /* p or s */
  }
  return true;
}

/* How many VMAs the arena has; with `list` also what vmas_list() then says: " START-END:rwp" each, in hex pages. */
uint64_t vmas_count(bool list) {
  uint64_t count = 0;
  size_t held = 0;
  list_used = 0;
  sys3(__NR_lseek, maps_fd, 0, 0);
  for (;;) {
    long n = sys3(__NR_read, maps_fd, text + held, sizeof text - 1 - held);
    if (n == -EINTR) continue;
    if (n <= 0) break;
    held += (size_t)n;
    size_t from = 0;
    for (size_t i = 0; i < held; i++)
      if (text[i] == '\n') {
        text[i] = 0;
        count += take_line(text + from, list);
        from = i + 1;
      }
    memmove(text, text + from, held - from);
    held -= from;
  }
  list_text[list_used] = 0;
  return count;
}

const char *vmas_list(void) { return list_text; }
