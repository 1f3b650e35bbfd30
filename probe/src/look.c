/* look: one process after the other, as asked on standard input. The protocol is in look.h. */
#include "look.h"

#include <fcntl.h>

#define PASSES 3
#define PASS_LONG_NS 1000000000ull /* one that took longer is repeated once at most */
#define TIMED_WINDOWS (1ull << 16)
#define ONLY_MOST 64
#define PROGRESS_NS 100000000ull
#define PROGRESS_CALLS 256 /* of which one asks for the time */

struct seen {
  uint64_t vmpte_kb, rss_kb, virt_kb, swap_kb, faults;
  bool mm;
};

static struct look_room line;
static char input[1 << 16];
static size_t input_at, input_end;
static char text[8192];
static uint64_t said_at;

static bool next_line(void) {
  line.used = 0;
  for (;;) {
    if (input_at == input_end) {
      out_flush();
      long n = sys3(__NR_read, 0, input, sizeof input);
      if (n == -EINTR && !stopping) continue;
      if (n <= 0 || stopping) return false;
      input_at = 0, input_end = (size_t)n;
    }
    char c = input[input_at++];
    *(char *)room_for(&line, 1) = c == '\n' ? 0 : c;
    line.used++;
    if (c == '\n') return true;
  }
}

static bool read_text(long dir, const char *name) {
  long fd = sys4(__NR_openat, dir, name, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  long n = sys3(__NR_read, fd, text, sizeof text - 1);
  sys1(__NR_close, fd);
  text[n > 0 ? n : 0] = 0;
  return n > 0;
}

static uint64_t number_at(const char *p) {
  uint64_t v = 0;
  while (*p == ' ' || *p == '\t') p++;
  while (*p >= '0' && *p <= '9') v = v * 10 + (uint64_t)(*p++ - '0');
  return v;
}

/* `name` begins with a line end: the name of a process may hold anything else. */
static uint64_t field(const char *name) {
  const char *p = strstr(text, name);
  return p ? number_at(p + strlen(name)) : 0;
}

static bool see(long dir, struct seen *s) {
  memset(s, 0, sizeof *s);
  if (!read_text(dir, "status")) return false;
  s->mm = strstr(text, "\nVmPTE:") != NULL;
  s->vmpte_kb = field("\nVmPTE:"), s->rss_kb = field("\nVmRSS:"), s->virt_kb = field("\nVmSize:");
  s->swap_kb = field("\nVmSwap:");
  if (!read_text(dir, "stat")) return false;
  const char *p = text, *name_end = text;
  for (; *p; p++)
    if (*p == ')') name_end = p;
  /* After the name: state ppid pgrp session tty tpgid flags minflt. */
  p = name_end;
  for (int i = 0; i < 8 && *p; i++)
    while (*p && *p++ != ' ') continue;
  s->faults = number_at(p);
  return true;
}

/* Is the size of the address space and of what is resident still so? Cheaper to ask than all the rest. */
static bool same_size(long dir, const struct seen *as) {
  if (!read_text(dir, "statm")) return false;
  const char *p = text;
  uint64_t size = number_at(p);
  while (*p && *p != ' ') p++;
  return size * (PAGE / 1024) == as->virt_kb && number_at(p) * (PAGE / 1024) == as->rss_kb;
}

static void out_seen(const char *what, const struct seen *s) {
  out_str(what);
  out_str(" "), out_dec((int64_t)s->vmpte_kb), out_str(" "), out_dec((int64_t)s->rss_kb);
  out_str(" "), out_dec((int64_t)s->virt_kb), out_str(" "), out_dec((int64_t)s->swap_kb);
  out_str(" "), out_dec((int64_t)s->faults), out_str("\n");
}

static bool same(const struct seen *a, const struct seen *b) {
  return a->vmpte_kb == b->vmpte_kb && a->rss_kb == b->rss_kb && a->virt_kb == b->virt_kb && a->swap_kb == b->swap_kb &&
         a->faults == b->faults;
}

static void out_vmas(void) {
  for (size_t i = 0; i < look_vma_count; i++) {
    const struct look_vma *v = &look_vmas[i];
    /* The one after it too: an arena of an allocator shows by what follows it. */
    if (!v->used && (i == 0 || !look_vmas[i - 1].used)) continue;
    out_str("vma "), out_dec((int64_t)i), out_str(" ");
    out_bytes(look_maps_text() + v->line, v->line_length), out_str("\n");
  }
}

static uint64_t spans(unsigned shift) {
  uint64_t count = 0, next = 0;
  for (size_t i = 0; i < look_vma_count; i++) {
    uint64_t first = look_vmas[i].start >> shift, last = (look_vmas[i].end - 1) >> shift;
    if (first < next) first = next;
    if (last >= first) count += last - first + 1, next = last + 1;
  }
  return count;
}

static void say_progress(uint64_t tables) {
  static unsigned calls;
  if (++calls % PROGRESS_CALLS) return;
  uint64_t t = now_ns();
  if (t - said_at < PROGRESS_NS) return;
  said_at = t;
  uint64_t share = tables ? tables_found() * 1000 / tables : 0;
  out_str("progress "), out_dec((int64_t)(share < 1000 ? share : 1000)), out_str("\n");
  out_flush();
}

/* Plain pagemap does not say which pages are huge; the whole windows of a mapping that has some are taken for them. */
static uint64_t plain_huge(struct look_vma *v, uint64_t start, uint64_t end, uint64_t categories) {
  if (!v->huge_left || start % PMD_SIZE || end - start != PMD_SIZE) return categories;
  v->huge_left--;
  return categories | PAGE_IS_HUGE;
}

static void look_at_mapping(size_t vma, bool plain, bool at_once, bool timed, uint64_t tables) {
  struct look_vma *v = &look_vmas[vma];
  uint64_t next = v->start / PMD_SIZE, end = (v->end - 1) / PMD_SIZE + 1;
  const struct page_region *r;
  while ((r = scan_peek(vma))) {
    uint64_t start = r->start > v->start ? r->start : v->start, stop = r->end < v->end ? r->end : v->end;
    uint64_t window = start / PMD_SIZE, categories = r->categories;
    tables_gap(vma, next, window, timed);
    if (at_once && scan_is_hole(r)) {
      next = (stop - 1) / PMD_SIZE + 1;
      tables_hole(vma, window, next);
      scan_trim(stop);
      continue;
    }
    for (uint64_t at = start; at < stop; window++) {
      uint64_t to = (window + 1) * PMD_SIZE < stop ? (window + 1) * PMD_SIZE : stop;
      tables_entries(window, vma, (to - at) / PAGE, plain ? plain_huge(v, at, to, categories) : categories, at);
      at = to;
    }
    next = (stop - 1) / PMD_SIZE + 1;
    scan_trim(stop);
    say_progress(tables);
  }
  tables_gap(vma, next, end, timed);
}

/* One pass over all mappings; false where the process ended meanwhile or may not be read. */
static bool look_once(long dir, bool plain, bool at_once, bool timed, uint64_t stride, const struct seen *s,
                      const uint64_t (*only)[3], size_t only_count) {
  long pagemap = sys4(__NR_openat, dir, "pagemap", O_RDONLY | O_CLOEXEC, 0);
  if (pagemap < 0) return false;
  bool ok = look_maps_read(dir, only, only_count);
  if (ok && (plain || look_has_userfaultfd(dir))) look_smaps_read(dir);
  scan_begin(pagemap, plain, at_once);
  tables_begin(pagemap, look_means.exact && !plain, at_once, !look_means.swap || s->swap_kb == 0, stride);
  for (size_t i = 0; ok && i < look_vma_count && !stopping; i++) {
    look_at_mapping(i, plain, at_once, timed, s->vmpte_kb / 4);
    say_progress(s->vmpte_kb / 4);
  }
  tables_end();
  out_vmas();
  out_str("spans "), out_dec((int64_t)spans(30)), out_str(" "), out_dec((int64_t)spans(39)), out_str("\n");
  sys1(__NR_close, pagemap);
  return ok;
}

struct question {
  uint64_t pid;
  bool once, unless, lazy;
  struct seen as; /* unless: nothing is looked at where the process is still seen so */
  uint64_t only[ONLY_MOST][3];
  size_t only_count;
};

static const char *look_at(long dir, const struct question *q, bool timed, uint64_t *stride) {
  struct seen before, after;
  if (q->lazy && q->unless && same_size(dir, &q->as)) return "same";
  if (!see(dir, &before)) return "gone";
  out_seen("before", &before);
  if (!before.mm) return "nomm";
  if (q->unless && same(&before, &q->as)) return "same";
  if (timed) *stride = 1 + before.virt_kb / 2048 / TIMED_WINDOWS;
  bool at_once = look_means.at_once;
  for (int pass = 1;; pass++) {
    uint64_t begun = now_ns();
    out_str("pass "), out_dec(pass), out_str("\n");
    bool ok = look_once(dir, !look_means.scan, at_once, timed, *stride, &before, q->only, q->only_count);
    if (!see(dir, &after) || !after.mm) return "gone";
    if (!ok) return "denied";
    if (tables_trusted() && !stopping && !look_maps_same(dir)) {
      at_once = false, pass--;
      continue;
    }
    out_seen("after", &after);
    if (same(&before, &after)) return "still";
    uint64_t took = now_ns() - begun;
    if (q->once || stopping || pass == PASSES || (pass > 1 && took > PASS_LONG_NS)) return "moving";
    before = after;
  }
}

/* N numbers with a colon between each; what comes after them, NULL where they are not there. */
static const char *parse_numbers(const char *p, uint64_t *to, int n) {
  for (int i = 0; i < n; i++) {
    if (*p < '0' || *p > '9') return NULL;
    to[i] = number_at(p);
    while (*p >= '0' && *p <= '9') p++;
    if (i < n - 1 && *p++ != ':') return NULL;
  }
  return p;
}

/* `PID [once] [lazy] [unless SEEN] [MAJOR:MINOR:INODE ...]`; false where it is no such line. */
static bool parse_question(const char *p, struct question *q) {
  memset(q, 0, sizeof *q);
  q->pid = number_at(p);
  if (!q->pid) return false;
  while (*p >= '0' && *p <= '9') p++;
  while (*p == ' ') {
    p++;
    if (!strncmp(p, "once", 4)) {
      q->once = true, p += 4;
    } else if (!strncmp(p, "lazy", 4)) {
      q->lazy = true, p += 4;
    } else if (!strncmp(p, "unless ", 7)) {
      uint64_t n[5];
      if (!(p = parse_numbers(p + 7, n, 5))) return false;
      q->unless = true;
      q->as = (struct seen){n[0], n[1], n[2], n[3], n[4], true};
    } else {
      if (q->only_count == ONLY_MOST || !(p = parse_numbers(p, q->only[q->only_count++], 3))) return false;
    }
  }
  return *p == 0;
}

int look_main(bool plain, bool no_exact, bool two_scans) {
  look_means_find(plain, no_exact, two_scans);
  stop_prepare();
  bool timed = !look_means.exact && look_means.timed;
  const char *how = look_means.exact ? " exact " : timed ? " timed " : " blind ";
  while (next_line()) {
    struct question q;
    if (!parse_question(line.at, &q)) die(EXIT_USAGE, "not a question", line.at);
    out_str("process "), out_dec((int64_t)q.pid), out_str("\n");
    char path[32] = "/proc/";
    format_dec(path + 6, q.pid);
    uint64_t stride = 1;
    long dir = sys4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    const char *end = dir < 0 ? "gone" : look_at(dir, &q, timed, &stride);
    if (dir >= 0) sys1(__NR_close, dir);
    out_str("end "), out_str(end), out_str(how), out_dec((int64_t)stride), out_str("\n");
    /* Answers that took nothing go out together, when there is no further question (next_line). */
    if (strcmp(end, "same")) out_flush();
  }
  return EXIT_OK;
}
