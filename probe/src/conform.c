/*
 * Conformance scripts, as probe/conformance/lower.ts writes them: an operation a line, the five numbers of a stream's record
 * (probe.h) in lower-case hexadecimal with a blank between. After each a line `VmPTE delta kB <tab> status`. OP_RESET empties
 * the arena, so that one process can answer many scripts. A line that is anything else ends the probe: what is not in RULES,
 * and numbers where a kind has none, are mistakes of whoever wrote it.
 */
#include "probe.h"

#include <linux/mman.h>

#define LINE_MAX 128
#define HEX_DIGITS_MAX 14 /* below 2^56 */
#define MADV_MAX 103 /* MADV_GUARD_REMOVE, since 6.13 */

static char input[1 << 15];
static size_t input_at, input_end;
static char line[LINE_MAX];
static uint64_t line_number;

static _Noreturn void bad(const char *why) {
  char what[64 + LINE_MAX] = "stdin:";
  size_t n = 6 + format_dec(what + 6, line_number);
  memcpy(what + n, ": ", 2);
  memcpy(what + n + 2, line, strlen(line) + 1);
  die(EXIT_USAGE, what, why);
}

/* The next line, without its end; false at the end of the script. Results are flushed before it waits for input. */
static bool next_line(void) {
  size_t n = 0;
  line_number++;
  for (;;) {
    line[n] = 0;
    if (input_at == input_end) {
      out_flush();
      long got = sys3(__NR_read, 0, input, sizeof input);
      if (got == -EINTR && !stopping) continue;
      if (stopping || (got == 0 && n == 0)) return false;
      if (got < 0) bad(errno_name(error_of(got)));
      if (got == 0) bad("it is cut off");
      input_at = 0, input_end = (size_t)got;
    }
    char c = input[input_at++];
    if (c == '\n') return true;
    if (!c) bad("it has a NUL");
    if (n == LINE_MAX - 1) bad("it is too long");
    line[n++] = c;
  }
}

enum { KNOWN = 1, ADDR = 2, LEN = 4, ARG = 8, ARG2 = 16, RANGE = KNOWN | ADDR | LEN };

/* What an operation of a kind may say: numbers that may be other than 0, the greatest `what`, and flags. */
static const struct rule {
  uint32_t numbers, what, flags;
} RULES[] = {
    [OP_MMAP] = {RANGE | ARG, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_F_ALL},
    [OP_MUNMAP] = {RANGE, 0, 0},
    [OP_TOUCH] = {RANGE | ARG, 0, TOUCH_F_WRITE},
    [OP_MADVISE] = {RANGE | ARG, MADV_MAX, MADV_F_PROCESS | MADV_F_CHILD},
    [OP_MPROTECT] = {RANGE, PROT_READ | PROT_WRITE | PROT_EXEC, 0},
    [OP_MREMAP] = {RANGE | ARG | ARG2, 0, MREMAP_F_FIXED | MREMAP_F_DONTUNMAP},
    [OP_MLOCK] = {RANGE, 0, MLOCK_F_ONFAULT},
    [OP_MUNLOCK] = {RANGE, 0, 0},
    [OP_FORK] = {KNOWN, 0, 0},
    [OP_EXIT] = {KNOWN, 0, 0},
    [OP_UFFD] = {RANGE | ARG, UFFD_MOVE, 0},
    [OP_UFFDMODE] = {KNOWN, 1, 0},
    [OP_PUNCH] = {RANGE, 0, 0},
    [OP_TRUNCATE] = {KNOWN | ADDR, 0, 0},
    [OP_SLEEP] = {KNOWN | ARG, 0, 0},
    [OP_VMAS] = {KNOWN, 0, VMAS_F_LIST},
    [OP_CHILDSTAT] = {KNOWN, 0, 0},
    [OP_RESET] = {KNOWN, 0, 0},
};

/* Advice that takes pages of the machine out of use for good. */
static bool poisons(const struct op *op) {
  return op->kind == OP_MADVISE && (op->what == MADV_HWPOISON || op->what == MADV_SOFT_OFFLINE);
}

static void check(const struct op *op) {
  if (op->kind >= sizeof RULES / sizeof *RULES || !RULES[op->kind].numbers) bad("it is no operation of a script");
  const struct rule *rule = &RULES[op->kind];
  if (op->process || op->what > rule->what || op->flags & ~rule->flags || poisons(op)) bad("its code is out of range");
  const uint64_t numbers[] = {op->addr, op->len, op->arg, op->arg2};
  for (uint32_t i = 0; i < 4; i++) {
    if (numbers[i] && !(rule->numbers & ADDR << i)) bad("a number that it has no use for is not 0");
    if (numbers[i] > USER_END_5) bad("a number is out of range");
    if (numbers[i] % PAGE && op->kind != OP_SLEEP) bad("a number is no multiple of the page size");
  }
  if (op->addr + op->len > USER_END_5 || op->arg + op->arg2 > USER_END_5) bad("it reaches beyond the user range");
  if (exec_hits_own_image(op)) bad("the probe itself lies within this range");
}

/* The operation of the line. */
static void parse(struct op *op) {
  uint64_t record[RECORD_NUMBERS];
  const char *p = line;
  for (int i = 0; i < RECORD_NUMBERS; i++) {
    const char *start = p;
    record[i] = parse_hex(&p);
    if (p == start || p - start > HEX_DIGITS_MAX || *p != (i < RECORD_NUMBERS - 1 ? ' ' : 0)) bad("it is not five numbers");
    p++;
  }
  record_decode(record, op);
  check(op);
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

/* Runs the script of standard input and prints a line for every operation. */
int conform_main(enum mode mode) {
  struct usage base, now;
  usage_read(&base);
  while (!stopping && next_line()) {
    struct op op;
    struct result r = {.error = 0};
    parse(&op);
    if (op.kind == OP_RESET) exec_reset();
    else exec_op(&op, mode, &r);
    usage_read(&now);
    out_dec(now.vmpte_kb - base.vmpte_kb), out_str("\t");
    print_status(&r);
    out_str("\n");
  }
  out_flush();
  return EXIT_OK;
}
