/*
 * A workload as a stream. Standard input: records of RECORD_NUMBERS doubles, one an operation, read in large pieces and
 * never kept. Standard output: frames of FRAME_DOUBLES doubles. Doubles hold every number here exactly (below 2^53, or
 * multiples of the page size). The format's other end is probe/stream-format.ts.
 *
 * Records are described in probe.h. Besides the operations there are RECORD_BEGIN (what came so far made the start-up image:
 * count from here), RECORD_SAMPLE (answer with a sample) and RECORD_END (answer with the end, and go).
 */
#include "probe.h"

#define RECORD_BYTES (RECORD_NUMBERS * 8)
#define FRAME_DOUBLES 9
enum { RECORD_BEGIN = 253, RECORD_SAMPLE = 254, RECORD_END = 255 };
enum { FRAME_HELLO = 1, FRAME_SAMPLE = 2, FRAME_RESULT = 3, FRAME_END = 4 };
/* How often frames go out while there is input, and memory is looked at besides after touches. */
#define BEAT_NS 50000000ull
#define LONG_BYTES (16ull << 20)

static double input[5 << 14];
static struct usage own;
static uint64_t operations, failed, faulted, active_ns;

static void frame(double type, const double *values, size_t n) {
  double out[FRAME_DOUBLES] = {type};
  for (size_t i = 0; i < n; i++) out[i + 1] = values[i];
  out_bytes(out, sizeof out);
}

static void state_frame(double type, double reason) {
  struct usage u;
  usage_read(&u);
  double values[] = {(double)operations,
                     (double)active_ns,
                     (double)(u.vmpte_kb - own.vmpte_kb),
                     (double)(u.rss_kb - own.rss_kb),
                     (double)(u.virt_kb - own.virt_kb),
                     (double)failed,
                     (double)faulted,
                     reason};
  frame(type, values, 8);
}

static void result_frame(const struct result *r) {
  struct usage u;
  usage_read(&u);
  double values[] = {(double)operations,  (double)r->error, (double)(u.vmpte_kb - own.vmpte_kb), (double)r->segv,
                     (double)r->bus,      (double)r->bytes, (double)r->child_kb};
  frame(FRAME_RESULT, values, 7);
}

static void decode(const double *doubles, struct op *op) {
  uint64_t record[RECORD_NUMBERS];
  for (int i = 0; i < RECORD_NUMBERS; i++) record[i] = (uint64_t)doubles[i];
  record_decode(record, op);
}

/* Takes in whole records; their number, 0 at the end of input. The clock does not run meanwhile. */
static size_t receive(void) {
  static size_t held;
  char *bytes = (char *)input;
  size_t used = held / RECORD_BYTES * RECORD_BYTES;
  memmove(bytes, bytes + used, held - used);
  held -= used;
  while (held < RECORD_BYTES) {
    out_flush();
    if (stopping) return 0;
    long n = sys3(__NR_read, 0, bytes + held, sizeof input - held);
    if (n == -EINTR) continue;
    if (n <= 0) return 0;
    held += (size_t)n;
  }
  return held / RECORD_BYTES;
}

/* Runs the stream. Returns the exit status; the end frame says how it went. */
int stream_main(enum mode mode, bool results, int64_t floor_kb) {
  usage_read(&own);
  stop_guard_memory(floor_kb);
  frame(FRAME_HELLO, (double[]){(double)own.vmpte_kb, (double)own.rss_kb, (double)own.virt_kb}, 3);
  bool ended = false;
  uint64_t beat = now_ns();
  while (!ended && !stopping) {
    size_t records = receive();
    if (!records) break;
    uint64_t started = now_ns();
    for (size_t i = 0; i < records && !ended && !stopping; i++) {
      struct op op;
      struct result r;
      decode(input + i * RECORD_NUMBERS, &op);
      if (op.kind >= RECORD_BEGIN) {
        active_ns += now_ns() - started;
        if (op.kind == RECORD_BEGIN) operations = failed = faulted = active_ns = 0;
        else if (op.kind == RECORD_SAMPLE) state_frame(FRAME_SAMPLE, 0);
        else ended = true;
        started = now_ns();
        if (started - beat > BEAT_NS) {
          out_flush();
          beat = started;
        }
        continue;
      }
      if (exec_hits_own_image(&op)) die(EXIT_FAILED, "an operation names the addresses where the probe itself lies", NULL);
      if (op.len >= LONG_BYTES) out_flush(); /* what is known goes out before an operation that takes its time */
      exec_op(&op, mode, &r);
      operations++;
      failed += r.error != 0;
      faulted += r.segv + r.bus;
      if (results) result_frame(&r);
      stop_look(PAGE * 16);
    }
    active_ns += now_ns() - started;
  }
  /* Ended by RECORD_END: 0; asked to stop, or input that ends without it: 1; memory runs short: 2. */
  state_frame(FRAME_END, ended ? 0 : stopping == STOP_MEMORY ? 2 : 1);
  out_flush();
  return EXIT_OK;
}
