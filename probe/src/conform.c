/*
 * Conformance scripts: one operation a line, offsets relative to the arena; after each operation one line
 * `N <tab> VmPTE delta kB <tab> status <tab> operation`. A line `@reset` (not counted) empties the arena, starts
 * the numbering anew and prints `@reset <tab> delta kB`, so that one process can answer many scripts.
 */
#include "probe.h"

#include <linux/mman.h>

#define LINE_MAX 4096
#define WORDS_MAX 16

static char input[1 << 15];
static size_t input_at, input_end;
static char line[LINE_MAX], words_text[LINE_MAX];
static char *words[WORDS_MAX];
static int word_count;
static uint64_t line_number;
static const char *script_name;

static _Noreturn void bad(const char *why, const char *what) {
  char at[LINE_MAX + 512];
  size_t n = 0;
  char digits[24];
  format_dec(digits, line_number);
  const char *parts[] = {script_name, ":", digits, ": ", why, " ", what};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    for (const char *p = parts[i]; *p && n < sizeof at - 1; p++) at[n++] = *p;
  at[n] = 0;
  die(EXIT_USAGE, at, NULL);
}

/* The next line, without its end; false at the end of the script. Results are flushed before it waits for input. */
static bool next_line(long fd) {
  size_t n = 0;
  for (;;) {
    if (input_at == input_end) {
      out_flush();
      long got = sys3(__NR_read, fd, input, sizeof input);
      if (got == -EINTR && !stopping) continue;
      if (stopping) return false;
      if (got < 0) bad("cannot read:", errno_name(error_of(got)));
      if (got == 0) {
        line[n] = 0;
        line_number++;
        return n > 0;
      }
      input_at = 0, input_end = (size_t)got;
    }
    char c = input[input_at++];
    if (c == '\n') {
      line[n] = 0;
      line_number++;
      return true;
    }
    if (n == LINE_MAX - 1) {
      line_number++;
      bad("a line is longer than", "4095 bytes");
    }
    line[n++] = c == '\r' || c == '\t' ? ' ' : c;
  }
}

/* Cuts the comment and outer blanks off `line` and splits a copy into words. */
static void split(void) {
  char *comment = strchr(line, '#');
  if (comment) *comment = 0;
  size_t n = strlen(line);
  while (n && line[n - 1] == ' ') line[--n] = 0;
  size_t blanks = 0;
  while (line[blanks] == ' ') blanks++;
  memmove(line, line + blanks, (n -= blanks) + 1);
  memcpy(words_text, line, n + 1);
  word_count = 0;
  for (char *p = words_text; *p;) {
    if (*p == ' ') {
      *p++ = 0;
      continue;
    }
    if (word_count == WORDS_MAX) bad("too many words in", line);
    words[word_count++] = p;
    while (*p && *p != ' ') p++;
  }
}

/* 4096, 0x1000, 4K, 1P (a page), and sums: 2M-4K, 1G+8K. */
static uint64_t number(const char *text) {
  uint64_t total = 0;
  const char *p = text;
  bool minus = false;
  for (;;) {
    uint64_t v = 0;
    const char *start = p;
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
      for (p += 2, start = p;; p++) {
        if (*p >= '0' && *p <= '9') v = v * 16 + (uint64_t)(*p - '0');
        else if (*p >= 'a' && *p <= 'f') v = v * 16 + (uint64_t)(*p - 'a' + 10);
        else if (*p >= 'A' && *p <= 'F') v = v * 16 + (uint64_t)(*p - 'A' + 10);
        else break;
      }
    } else {
      for (; *p >= '0' && *p <= '9'; p++) v = v * 10 + (uint64_t)(*p - '0');
    }
    if (p == start) bad("not a number:", text);
    switch (*p) {
      case 'K': v <<= 10, p++; break;
      case 'M': v <<= 20, p++; break;
      case 'G': v <<= 30, p++; break;
      case 'T': v <<= 40, p++; break;
      case 'P': v *= PAGE, p++; break;
    }
    total = minus ? total - v : total + v;
    if (!*p) return total;
    if (*p != '+' && *p != '-') bad("not a number:", text);
    minus = *p++ == '-';
  }
}

static uint64_t num_word(int i) {
  if (i >= word_count) bad("too few words in", line);
  return number(words[i]);
}

static bool is(int i, const char *word) { return i < word_count && !strcmp(words[i], word); }

static bool prot_word(const char *w, uint32_t *prot) {
  static const struct {
    const char *name;
    uint32_t prot;
  } names[] = {{"rw", PROT_READ | PROT_WRITE}, {"ro", PROT_READ}, {"r", PROT_READ},  {"none", PROT_NONE},
               {"w", PROT_WRITE},              {"x", PROT_EXEC},  {"rx", PROT_READ | PROT_EXEC},
               {"rwx", PROT_READ | PROT_WRITE | PROT_EXEC},       {"wx", PROT_WRITE | PROT_EXEC}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(w, names[i].name)) {
      *prot = names[i].prot;
      return true;
    }
  return false;
}

static void parse_map(struct op *op) {
  static const struct {
    const char *name;
    uint32_t flag;
  } names[] = {{"file", MAP_F_FILE},           {"shared", MAP_F_SHARED},       {"sharedfile", MAP_F_SHARED | MAP_F_FILE},
               {"hugetlb", MAP_F_HUGETLB},     {"populate", MAP_F_POPULATE},   {"locked", MAP_F_LOCKED},
               {"growsdown", MAP_F_GROWSDOWN}, {"stack", MAP_F_STACK},         {"hugepage", MAP_F_HUGEPAGE},
               {"noreserve", 0},               {"reserve", MAP_F_RESERVE},               {"nohugepage", MAP_F_NOHUGEPAGE}, {"noreplace", MAP_F_NOREPLACE}};
  op->kind = OP_MMAP;
  op->what = PROT_READ | PROT_WRITE;
  op->arg = op->addr - ARENA_BASE; /* file offset = arena offset */
  for (int i = 3; i < word_count; i++) {
    size_t k = 0;
    if (prot_word(words[i], &op->what)) continue;
    while (k < sizeof names / sizeof *names && strcmp(words[i], names[k].name)) k++;
    if (k == sizeof names / sizeof *names) bad("unknown word in a map:", words[i]);
    op->flags |= names[k].flag;
  }
}

static void parse_touch(struct op *op) {
  op->kind = OP_TOUCH;
  op->flags = TOUCH_F_WRITE;
  for (int i = 3; i < word_count; i++) {
    if (is(i, "r")) op->flags = 0;
    else if (is(i, "w")) op->flags = TOUCH_F_WRITE;
    else if (!strncmp(words[i], "stride=", 7)) op->arg = number(words[i] + 7);
    else bad("unknown word in a touch:", words[i]);
  }
}

static const struct {
  const char *name;
  int advice;
} ADVICE[] = {{"dontneed", MADV_DONTNEED}, {"dontneed_locked", 24}, {"free", MADV_FREE},
              {"remove", MADV_REMOVE},     {"dontfork", MADV_DONTFORK}, {"dofork", MADV_DOFORK},
              {"wipeonfork", 18},          {"keeponfork", 19},      {"hugepage", MADV_HUGEPAGE},
              {"nohugepage", MADV_NOHUGEPAGE}, {"collapse", 25},    {"populate_read", 22},
              {"populate", 23},            {"populate_write", 23},  {"guard_install", 102},
              {"guard_remove", 103},       {"cold", 20},            {"pageout", 21},
              {"normal", MADV_NORMAL},     {"random", MADV_RANDOM}, {"sequential", MADV_SEQUENTIAL},
              {"willneed", MADV_WILLNEED}, {"mergeable", MADV_MERGEABLE}, {"unmergeable", MADV_UNMERGEABLE},
              {"dontdump", MADV_DONTDUMP}, {"dodump", MADV_DODUMP}};

static bool parse_advice(struct op *op, const char *name) {
  for (size_t i = 0; i < sizeof ADVICE / sizeof *ADVICE; i++)
    if (!strcmp(name, ADVICE[i].name)) {
      op->kind = OP_MADVISE;
      op->what = (uint32_t)ADVICE[i].advice;
      return true;
    }
  return false;
}

static void parse_uffd(struct op *op) {
  static const struct {
    const char *name;
    uint32_t action;
  } names[] = {{"reg", UFFD_REGISTER}, {"unreg", UFFD_UNREGISTER}, {"wp", UFFD_WP},
               {"unwp", UFFD_UNWP},    {"on", UFFD_ON},            {"off", UFFD_UNREGISTER}};
  op->kind = OP_UFFD;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (is(3, names[i].name)) {
      op->what = names[i].action;
      return;
    }
  bad("an uffdwp needs reg, unreg, wp, unwp, on or off:", line);
}

/* The operation of the split line. */
static void parse(struct op *op) {
  memset(op, 0, sizeof *op);
  const char *name = words[0];
  if (!strcmp(name, "fork")) { op->kind = OP_FORK; return; }
  if (!strcmp(name, "childstat")) { op->kind = OP_CHILDSTAT; return; }
  if (!strcmp(name, "killchild")) { op->kind = OP_EXIT; return; }
  if (!strcmp(name, "vmas")) { op->kind = OP_VMAS; op->flags = is(1, "list") ? VMAS_F_LIST : 0; return; }
  if (!strcmp(name, "sleep")) { op->kind = OP_SLEEP; op->arg = num_word(1); return; }
  if (!strcmp(name, "truncate")) { op->kind = OP_TRUNCATE; op->addr = num_word(1); return; }
  if (!strcmp(name, "uffdmode")) {
    if (!is(1, "sync") && !is(1, "async")) bad("uffdmode is sync or async:", line);
    op->kind = OP_UFFDMODE, op->what = is(1, "async");
    return;
  }
  op->addr = num_word(1);
  op->len = num_word(2);
  if (!strcmp(name, "punch")) { op->kind = OP_PUNCH; return; }
  op->addr += ARENA_BASE;
  if (!strcmp(name, "map")) return parse_map(op);
  if (!strcmp(name, "unmap")) { op->kind = OP_MUNMAP; return; }
  if (!strcmp(name, "touch")) return parse_touch(op);
  if (!strcmp(name, "protect")) {
    op->kind = OP_MPROTECT;
    if (word_count < 4 || !prot_word(words[3], &op->what)) bad("a protect needs none, r, ro, rw, ...:", line);
    return;
  }
  if (!strcmp(name, "mremap") || !strcmp(name, "mremap_du")) {
    op->kind = OP_MREMAP;
    op->arg = num_word(3) + ARENA_BASE;
    op->arg2 = word_count > 4 ? num_word(4) : op->len;
    op->flags = MREMAP_F_FIXED | (name[6] ? MREMAP_F_DONTUNMAP : 0);
    return;
  }
  if (!strcmp(name, "resize")) { op->kind = OP_MREMAP; op->arg2 = num_word(3); return; }
  if (!strcmp(name, "mlock")) { op->kind = OP_MLOCK; return; }
  if (!strcmp(name, "mlock2")) { op->kind = OP_MLOCK; op->flags = MLOCK_F_ONFAULT; return; }
  if (!strcmp(name, "munlock")) { op->kind = OP_MUNLOCK; return; }
  if (!strcmp(name, "uffdwp")) return parse_uffd(op);
  if (!strcmp(name, "uffdmove")) {
    op->kind = OP_UFFD, op->what = UFFD_MOVE, op->arg = num_word(3) + ARENA_BASE;
    return;
  }
  if (!strcmp(name, "dontneed_step")) {
    op->kind = OP_MADVISE, op->what = MADV_DONTNEED, op->arg = num_word(3);
    return;
  }
  if (!strcmp(name, "pdontneed") || !strcmp(name, "pdontneed_child")) {
    op->kind = OP_MADVISE, op->what = MADV_DONTNEED, op->flags = name[9] ? MADV_F_CHILD : MADV_F_PROCESS;
    return;
  }
  if (!parse_advice(op, name)) bad("unknown operation:", name);
}

static void print_status(const struct result *r) {
  if (r->error) {
    out_str(errno_name(r->error));
  } else if (r->has_bytes) {
    out_str("ok="), out_dec((int64_t)r->bytes);
  } else if (r->has_child) {
    out_str("child="), out_dec(r->child_kb);
  } else if (r->has_vmas) {
    out_str("vmas="), out_dec((int64_t)r->vmas), out_str(vmas_list());
  } else if (r->segv || r->bus) {
    out_str("segv="), out_dec((int64_t)r->segv), out_str(",bus="), out_dec((int64_t)r->bus);
  } else {
    out_str("ok");
  }
}

/* Runs the script of a file ("-": standard input) and prints a line for every operation. */
int conform_main(const char *path, enum mode mode) {
  script_name = strcmp(path, "-") ? path : "stdin";
  long fd = strcmp(path, "-") ? open_read(path) : 0;
  if (fd < 0) die(EXIT_USAGE, path, errno_name(error_of(fd)));
  struct usage base, now;
  usage_read(&base);
  for (uint64_t n = 0; !stopping && next_line(fd);) {
    split();
    if (!word_count) continue;
    if (is(0, "@reset")) {
      exec_reset();
      usage_read(&now);
      out_str("@reset\t"), out_dec(now.vmpte_kb - base.vmpte_kb), out_str("\n");
      n = 0;
      continue;
    }
    struct op op;
    struct result r;
    parse(&op);
    if (exec_hits_own_image(&op)) bad("the probe itself lies within this range:", line);
    exec_op(&op, mode, &r);
    usage_read(&now);
    out_dec((int64_t)++n), out_str("\t");
    out_dec(now.vmpte_kb - base.vmpte_kb), out_str("\t");
    print_status(&r);
    out_str("\t"), out_str(line), out_str("\n");
  }
  out_flush();
  return EXIT_OK;
}
