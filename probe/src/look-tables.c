/*
 * From entries to tables: the state of each window of 2 MiB (what one PTE table maps), in the order of their addresses,
 * written out as runs of windows that are alike.
 */
#include "look.h"

#define RUNS 256

struct run {
  uint64_t first_and_state;
  uint32_t windows, vma;
};

static struct run runs[RUNS];
static size_t run_count;
static uint64_t found;
static long fd;
static bool exact, at_once, trusted, markers_all;
static uint64_t stride; /* of windows without entries, each strideth is timed */

/* The window that is being looked at: several mappings may lie in it. */
static struct {
  uint64_t number;
  uint32_t real, markers;
  uint32_t tested, seen, timed; /* mappings asked for a table / that showed one / by time alone */
  bool any, deposited, huge, one_file;
  uint64_t file[3], delta; /* device, inode; address 0's place in the file */
  size_t vma;              /* with the most entries, else the largest part of the window */
  uint64_t weight;
  size_t part_vma;
  uint64_t part_weight;
} now;

static void emit(unsigned state, uint64_t window, size_t vma) {
  struct run *last = run_count ? &runs[run_count - 1] : NULL;
  uint64_t key = (uint64_t)state << 56;
  if (state != LOOK_HUGE) found++;
  look_vmas[vma].used = true;
  if (last && last->vma == vma && last->windows < UINT32_MAX && last->first_and_state + last->windows == (key | window)) {
    last->windows++;
    return;
  }
  if (run_count == RUNS) {
    out_str("runs "), out_dec(RUNS), out_str("\n"), out_bytes(runs, sizeof runs);
    run_count = 0;
  }
  runs[run_count++] = (struct run){key | window, 1, (uint32_t)vma};
}

static unsigned state_of_now(void) {
  if (now.deposited) return LOOK_DEPOSITED;
  if (now.real) {
    unsigned size = now.real >= 512 ? LOOK_FULL : now.real >= LOOK_SPARSE_BELOW ? LOOK_PARTLY : LOOK_SPARSE;
    return size | (now.one_file ? LOOK_FILE : 0);
  }
  if (now.markers) return LOOK_PINNED;
  /* A mapping in the window shows none of the entries that its part of the table may have. */
  if (now.seen) return now.seen < now.tested ? LOOK_UNSEEN : LOOK_EMPTY;
  if (now.timed) return LOOK_MAYBE_EMPTY;
  return now.huge ? LOOK_HUGE : LOOK_NONE;
}

static void flush(void) {
  if (!now.any) return;
  unsigned state = state_of_now();
  if (now.part_weight > now.weight) now.vma = now.part_vma;
  if (state != LOOK_NONE) emit(state, now.number, now.vma);
  now.any = false;
}

static void enter(uint64_t window) {
  if (now.any && now.number == window) return;
  flush();
  memset(&now, 0, sizeof now);
  now.number = window, now.any = true, now.one_file = true, now.part_vma = SIZE_MAX;
}

static void weigh(size_t vma, uint64_t weight) {
  if (now.part_vma != vma) {
    if (now.part_vma != SIZE_MAX && now.part_weight > now.weight) now.vma = now.part_vma, now.weight = now.part_weight;
    now.part_vma = vma, now.part_weight = 0;
  }
  now.part_weight += weight;
}

void tables_begin(long pagemap, bool by_scan, bool with_holes, bool swapped_are_markers, uint64_t every) {
  fd = pagemap, exact = by_scan, at_once = with_holes, trusted = false, markers_all = swapped_are_markers, stride = every;
  found = 0, run_count = 0, now.any = false;
}

/* PTE tables met so far. */
uint64_t tables_found(void) { return found; }

/* Was a table taken as there because a scan said nothing of it? Where mappings went meanwhile, it may have been their lack. */
bool tables_trusted(void) { return trusted; }

/* Is a page that is not present a marker (guard page, uffd-wp) and not a swapped one? */
static bool is_marker(const struct look_vma *v, uint64_t categories, uint64_t address) {
  if (!(categories & PAGE_IS_SWAPPED)) return false;
  if (categories & PAGE_IS_GUARD || markers_all) return true;
  if (look_means.frames) {
    uint64_t entry = 0;
    if (sys4(__NR_pread64, fd, &entry, 8, address / PAGE * 8) == 8 && entry >> 62 == 1)
      return (entry & 31) == look_means.marker;
    return false;
  }
  /* Shared memory that is swapped leaves no entry, but one that is write-protected does. */
  return look_means.exact && v->shared && !(categories & PAGE_IS_WRITTEN);
}

/* `pages` entries of the mapping in one window, alike, the first at `address`. */
void tables_entries(uint64_t window, size_t vma, uint64_t pages, uint64_t categories, uint64_t address) {
  const struct look_vma *v = &look_vmas[vma];
  enter(window);
  weigh(vma, pages << 12); /* an entry counts for more than any part of a window without one */
  if (categories & PAGE_IS_HUGE) {
    if (v->file)
      now.huge = true;
    else
      now.deposited = true;
    return;
  }
  if (is_marker(v, categories, address)) {
    now.markers += (uint32_t)pages;
    return;
  }
  uint64_t file[3] = {v->major, v->minor, v->inode}, delta = v->offset - v->start;
  if (!now.real) memcpy(now.file, file, sizeof file), now.delta = delta;
  if (!v->file || !(v->shared || categories & PAGE_IS_FILE) || memcmp(now.file, file, sizeof file) || now.delta != delta)
    now.one_file = false;
  now.real += (uint32_t)pages;
}

static uint64_t overlap(const struct look_vma *v, uint64_t window) {
  uint64_t start = window * PMD_SIZE, end = start + PMD_SIZE;
  return ((v->end < end ? v->end : end) - (v->start > start ? v->start : start)) / PAGE;
}

static void saw_table(uint64_t window, size_t vma) {
  enter(window);
  if (!now.real && !now.markers) weigh(vma, overlap(&look_vmas[vma], window));
  now.seen++;
}

/* Windows that other mappings lie in too are asked one by one: a mapping may be blind (see state_of_now). */
static bool is_boundary(const struct look_vma *v, uint64_t window) {
  return window * PMD_SIZE < v->start || (window + 1) * PMD_SIZE > v->end;
}

/* Does a scan of this page alone, for these categories, report it? */
static bool reported(uint64_t page, uint64_t mask, uint64_t ret) {
  struct page_region one;
  return scan_ioctl(fd, page, page + PAGE, mask, 0, ret, 1, &one, 1, NULL) > 0;
}

/* Windows [from, to), whole ones of the mapping: a scan at once said nothing of them. The first and the last are asked again. */
static bool trust(size_t vma, uint64_t from, uint64_t to) {
  if (!reported(from * PMD_SIZE, PAGE_IS_WRITTEN, PAGE_IS_WRITTEN)) return false;
  if (!reported((to - 1) * PMD_SIZE, PAGE_IS_WRITTEN, PAGE_IS_WRITTEN)) return false;
  for (uint64_t window = from; window < to; window++) saw_table(window, vma);
  return trusted = true;
}

/*
 * Windows [from, to) of the mapping have no entry of it: which of them have a table? A scan for PAGE_IS_WRITTEN and
 * nothing else (pagemap_scan_pmd_entry's short way) reports every page of a table that is not write-protected, entries
 * that are none too, and nothing where there is no table. Two pages are asked for at once: the last of one window and
 * the first of the next.
 */
static void find_exact(size_t vma, uint64_t from, uint64_t to) {
  const struct look_vma *v = &look_vmas[vma];
  uint64_t stop = to * PMD_SIZE < v->end ? to * PMD_SIZE : v->end;
  for (uint64_t window = from; window < to && !stopping;) {
    uint64_t start = (window + 1) * PMD_SIZE - PAGE;
    if (start >= stop) start = stop - PAGE;
    if (start < v->start) start = v->start;
    uint64_t end = start + scan_step() * PMD_SIZE, walked;
    if (end > stop) end = stop;
    struct page_region pages[2];
    uint64_t begun = look_cycles();
    long n = scan_ioctl(fd, start, end, PAGE_IS_WRITTEN, 0, PAGE_IS_WRITTEN, 2, pages, 2, &walked);
    if (n < 0) return;
    if (walked == end) scan_took(look_cycles() - begun);
    uint64_t last = window;
    for (long i = 0; i < n; i++)
      for (uint64_t page = pages[i].start; page < pages[i].end; page += PAGE) {
        uint64_t at = page / PMD_SIZE;
        if (!(i == 0 && page == pages[i].start) && at == last) continue; /* both in one window */
        saw_table(at, vma);
        last = at;
      }
    if (walked < end)
      window = last + 1;
    else if (end < stop)
      window = end / PMD_SIZE > last ? end / PMD_SIZE : last + 1;
    else
      return;
  }
}

/* Windows [from, to) of the mapping have no table. */
void tables_hole(size_t vma, uint64_t from, uint64_t to) {
  const struct look_vma *v = &look_vmas[vma];
  for (uint64_t window = from; window < to; window = window + 1 < to ? to - 1 : to)
    if (is_boundary(v, window)) enter(window), now.tested++;
}

static void find_one(size_t vma, uint64_t window) {
  const struct look_vma *v = &look_vmas[vma];
  uint64_t page = window * PMD_SIZE > v->start ? window * PMD_SIZE : v->start;
  enter(window);
  if (now.deposited || now.real) return;
  now.tested++;
  if (reported(page, PAGE_IS_WRITTEN, PAGE_IS_WRITTEN)) saw_table(window, vma);
}

static void find_by_time(size_t vma, uint64_t window) {
  const struct look_vma *v = &look_vmas[vma];
  uint64_t start = window * PMD_SIZE, end = start + PMD_SIZE;
  enter(window);
  if (now.real || now.markers || now.deposited || now.huge || now.timed) return;
  if (start < v->start) start = v->start;
  if (end > v->end) end = v->end;
  /* A part of a window takes a part of the time; too small a part says nothing. */
  if (end - start < PMD_SIZE / 2) return;
  uint64_t limit = look_means.cycles_none + look_means.cycles_table * ((end - start) / PAGE) / 1024;
  if (time_window(fd, start, end, !look_means.scan, 6) <= limit) return;
  if (time_window(fd, start, end, !look_means.scan, 24) <= limit) return;
  weigh(vma, overlap(v, window));
  now.timed++;
}

void tables_gap(size_t vma, uint64_t from, uint64_t to, bool timed) {
  struct look_vma *v = &look_vmas[vma];
  if (from >= to) return;
  if (!exact) {
    if (!timed) return;
    for (from = (from + stride - 1) / stride * stride; from < to && !stopping; from += stride) find_by_time(vma, from);
    return;
  }
  if (!v->asked) {
    v->asked = true;
    v->protects |= reported(v->start, PAGE_IS_WPALLOWED, PAGE_IS_WPALLOWED);
  }
  /*
   * Where userfaultfd may write-protect, what was never touched counts as written, whether there is a table or not: there
   * time has to tell. Asynchronous protection is asked for, the other is in smaps (look_smaps_read).
   */
  if (v->protects) {
    if (!look_means.timed && !look_means.timing_tried) {
      look_means.timing_tried = true;
      look_means.timed = time_calibrate(!look_means.scan, &look_means.cycles_none, &look_means.cycles_table);
    }
    for (; look_means.timed && from < to && !stopping; from++) find_by_time(vma, from);
    return;
  }
  if (is_boundary(v, from)) find_one(vma, from++);
  bool last = from < to && is_boundary(v, to - 1);
  uint64_t end = to - last;
  if (end > from && !(at_once && end - from > 2 && !scan_lost() && trust(vma, from, end))) find_exact(vma, from, end);
  if (last) find_one(vma, to - 1);
}

void tables_end(void) {
  flush();
  if (!run_count) return;
  out_str("runs "), out_dec((int64_t)run_count), out_str("\n"), out_bytes(runs, run_count * sizeof *runs);
  run_count = 0;
}
