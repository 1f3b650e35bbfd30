/*
 * look: the page tables of running processes, from outside. Nothing but reads of /proc: the process that is looked at
 * is neither stopped nor traced, and the kernel holds its mmap_lock for reading for a fraction of a millisecond at a time.
 *
 * Standard input: one question a line, `PID [once] [lazy] [unless SEEN] [MAJOR:MINOR:INODE ...]`. SEEN:
 * the numbers of `after` with colons, where nothing is to be looked at while they are the same (`lazy`: while the two sizes
 * are, VIRT and RSS); files: their mappings alone.
 * The answer:
 *
 *     process PID
 *     before VMPTE-KB RSS-KB VIRT-KB SWAP-KB MINOR-FAULTS
 *     pass N
 *     progress PERMILLE                     now and then
 *     runs N                                followed by N records of 16 bytes; as often as needed
 *     vma INDEX LINE-OF-MAPS                the mappings that runs name
 *     spans GIB HALF-TIB                    stretches of 1 GiB and of 512 GiB that a mapping overlaps
 *     after VMPTE-KB ...                    as before
 *     end still|moving|gone|denied|nomm|same exact|timed|blind STRIDE
 *
 * A process that moved meanwhile is looked at again: up to three passes.
 *
 * A record: u64 first window (address / 2 MiB) with the state in the top byte, u32 windows, u32 index of the mapping.
 */
#ifndef RECLAIM_PROBE_LOOK_H
#define RECLAIM_PROBE_LOOK_H

#include "probe.h"

/* What a window of 2 MiB has; probe/look.ts has the same numbers. */
enum look_state {
  LOOK_NONE = 0,
  LOOK_EMPTY = 1,       /* a table without an entry */
  LOOK_SPARSE = 2,      /* 1 to 31 entries */
  LOOK_PARTLY = 3,      /* 32 to 511 */
  LOOK_FULL = 4,        /* 512 */
  LOOK_PINNED = 5,      /* nothing but markers */
  LOOK_DEPOSITED = 6,   /* an anonymous huge page: its table is put aside */
  LOOK_HUGE = 7,        /* a file's 2 MiB by one entry of the PMD table: no PTE table */
  LOOK_UNSEEN = 8,      /* a table whose entries pagemap does not show (VM_PFNMAP) */
  LOOK_MAYBE_EMPTY = 9, /* a table without an entry, by the time that a scan of it takes */
  LOOK_FILE = 0x10,     /* flag of 2, 3, 4: every entry is a page of one file at one place of it */
};

#define LOOK_SPARSE_BELOW 32

/* include/uapi/linux/fs.h since 6.7; the headers at hand may be older. */
enum {
  PAGE_IS_WPALLOWED = 1,
  PAGE_IS_WRITTEN = 2,
  PAGE_IS_FILE = 4,
  PAGE_IS_PRESENT = 8,
  PAGE_IS_SWAPPED = 16,
  PAGE_IS_HUGE = 64,
  PAGE_IS_GUARD = 256,
};

struct page_region {
  uint64_t start, end, categories;
};

struct look_vma {
  uint64_t start, end, offset, inode;
  uint32_t major, minor;
  uint32_t line, line_length; /* in the text of maps */
  bool shared, file, used;
  bool asked, protects; /* is it registered for write protection by userfaultfd, once that was asked */
  uint64_t huge_left; /* plain: windows of this mapping that a huge page maps (smaps) and that were not met yet */
};

/* Memory that grows: bytes at `at`, `used` of `room`. */
struct look_room {
  char *at;
  size_t used, room;
};
void *room_for(struct look_room *room, size_t bytes);

/* What this kernel can, found out once on tables of the probe's own. */
struct look_means {
  bool scan;         /* PAGEMAP_SCAN (6.7) */
  bool guard;        /* ... shows PAGE_IS_GUARD (6.15) */
  bool exact;        /* ... tells a table without entries from no table */
  bool at_once;      /* ... and does in the scan that shows the entries */
  bool frames;       /* pagemap shows swap types (CAP_SYS_ADMIN) */
  uint64_t marker;   /* swap type of markers, where frames are shown */
  bool swap;         /* the machine has swap space */
  bool timing_tried;
  bool timed;        /* own tables could be told from none by the time of a scan: */
  uint64_t cycles_none, cycles_table; /* what a window without one takes, what a table takes beyond that */
};
extern struct look_means look_means;

/* look-means.c; `plain`, `no_exact`, `two_scans`: as if the kernel could not do more */
void look_means_find(bool plain, bool no_exact, bool two_scans);

/* look-maps.c */
extern struct look_vma *look_vmas;
extern size_t look_vma_count;
const char *look_maps_text(void);
bool look_maps_read(long dir, const uint64_t (*only)[3], size_t only_count);
bool look_maps_same(long dir);
void look_smaps_read(long dir);
bool look_has_userfaultfd(long dir);

/* look-scan.c: entries of the process at hand, as regions of pages that are alike, in the order of their addresses */
void scan_begin(long pagemap, bool plain, bool at_once);
const struct page_region *scan_peek(size_t vma);
void scan_trim(uint64_t start);
long scan_ioctl(long pagemap, uint64_t start, uint64_t end, uint64_t mask, uint64_t any, uint64_t ret, uint64_t max,
                struct page_region *to, size_t room, uint64_t *walked);
long scan_ioctl_at_once(long pagemap, uint64_t start, uint64_t end, uint64_t ret, struct page_region *to, size_t room,
                        uint64_t *walked);
bool scan_is_hole(const struct page_region *region);
uint64_t scan_step(void);
void scan_took(uint64_t cycles);
bool scan_lost(void);

/* look-tables.c: the state of windows, in the order of their addresses */
void tables_begin(long pagemap, bool exact, bool at_once, bool swapped_are_markers, uint64_t stride);
void tables_entries(uint64_t window, size_t vma, uint64_t pages, uint64_t categories, uint64_t address);
void tables_gap(size_t vma, uint64_t from, uint64_t to, bool timed);
void tables_hole(size_t vma, uint64_t from, uint64_t to);
void tables_end(void);
uint64_t tables_found(void);
bool tables_trusted(void);

/* look-time.c */
uint64_t look_cycles(void);
uint64_t time_window(long pagemap, uint64_t start, uint64_t end, bool plain, unsigned times);
bool time_calibrate(bool plain, uint64_t *none, uint64_t *table);

#endif
