/* The mappings of another process, from its maps and, where pagemap alone does not say enough, its smaps. */
#include "look.h"

#include <fcntl.h>
#include <linux/mman.h>

struct look_vma *look_vmas;
size_t look_vma_count;

static struct look_room text, table;

/* More room at the end of `room`: the kernel moves the pages, nothing is copied. */
void *room_for(struct look_room *room, size_t bytes) {
  if (room->used + bytes > room->room) {
    size_t wanted = room->room ? room->room : 1 << 16;
    while (wanted < room->used + bytes) wanted *= 2;
    long at = room->at ? sys4(__NR_mremap, room->at, room->room, wanted, MREMAP_MAYMOVE)
                       : sys6(__NR_mmap, 0, (long)wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (error_of(at)) die(EXIT_FAILED, "not enough memory for the mappings of a process", errno_name(error_of(at)));
    room->at = (char *)at, room->room = wanted;
  }
  return room->at + room->used;
}

const char *look_maps_text(void) { return text.at; }

static bool read_whole(long dir, const char *name) {
  long fd = sys4(__NR_openat, dir, name, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  text.used = 0;
  long n;
  for (;;) {
    char *to = room_for(&text, 1 << 15);
    n = sys3(__NR_read, fd, to, (1 << 15) - 1);
    if (n == -EINTR) continue;
    if (n <= 0) break;
    text.used += (size_t)n;
  }
  *(char *)room_for(&text, 1) = 0;
  sys1(__NR_close, fd);
  return n == 0;
}

static uint64_t number(const char **p, unsigned base) {
  uint64_t v = 0;
  for (;; (*p)++) {
    char c = **p;
    unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
    if (digit >= base) return v;
    v = v * base + digit;
  }
}

/* `START-END rwxp OFFSET MAJOR:MINOR INODE   NAME` */
static bool parse_line(const char *p, struct look_vma *v) {
  v->start = number(&p, 16);
  if (*p++ != '-') return false;
  v->end = number(&p, 16);
  if (*p++ != ' ' || strlen(p) < 5) return false;
  v->shared = p[3] == 's';
  p += 5;
  v->offset = number(&p, 16);
  p++;
  v->major = (uint32_t)number(&p, 16);
  p++;
  v->minor = (uint32_t)number(&p, 16);
  p++;
  v->inode = number(&p, 10);
  v->file = v->major || v->minor || v->inode;
  /* Above the user's half: [vsyscall], which is the kernel's. */
  return v->end > v->start && !(v->start >> 63);
}

static bool wanted(const struct look_vma *v, const uint64_t (*only)[3], size_t count) {
  if (!count) return true;
  for (size_t i = 0; i < count; i++)
    if (v->file && v->major == only[i][0] && v->minor == only[i][1] && v->inode == only[i][2]) return true;
  return false;
}

/* Reads the mappings into look_vmas, all or those of some files; false where they may not be read or are gone. */
bool look_maps_read(long dir, const uint64_t (*only)[3], size_t only_count) {
  look_vma_count = 0, table.used = 0;
  if (!read_whole(dir, "maps")) return false;
  uint64_t passed = 0;
  for (size_t at = 0; at < text.used;) {
    size_t end = at;
    while (end < text.used && text.at[end] != '\n') end++;
    text.at[end] = 0;
    struct look_vma v = {.line = (uint32_t)at, .line_length = (uint32_t)(end - at)};
    /* Maps is read a page at a time: a mapping that changed in between may come twice. */
    if (parse_line(text.at + at, &v) && v.start >= passed && wanted(&v, only, only_count)) {
      memcpy(room_for(&table, sizeof v), &v, sizeof v);
      table.used += sizeof v;
      look_vma_count++;
      passed = v.end;
    }
    at = end + 1;
  }
  look_vmas = (struct look_vma *)table.at;
  return true;
}

/* Are the mappings still those that were read? */
bool look_maps_same(long dir) {
  struct look_room before = text;
  text = (struct look_room){0};
  bool same = read_whole(dir, "maps") && text.used == before.used;
  for (size_t i = 0; same && i < text.used; i++) same = (text.at[i] == '\n' ? 0 : text.at[i]) == before.at[i];
  if (text.at) sys2(__NR_munmap, text.at, text.room);
  text = before;
  return same;
}

static uint64_t field_kb(const char *line) {
  while (*line && *line != ':') line++;
  while (*line && (*line < '0' || *line > '9')) line++;
  return number(&line, 10);
}

/*
 * What plain pagemap does not show: how many 2 MiB pages map each mapping (AnonHugePages, ShmemPmdMapped,
 * FilePmdMapped, hugetlb); and which are registered for write protection by userfaultfd.
 */
void look_smaps_read(long dir) {
  /* The lines that the mappings point at stay: names are printed from them. */
  struct look_room maps = text;
  text = (struct look_room){0};
  bool ok = read_whole(dir, "smaps");
  struct look_room smaps = text;
  text = maps;
  struct look_vma *v = NULL;
  size_t next = 0;
  for (size_t at = 0; ok && at < smaps.used;) {
    size_t end = at;
    while (end < smaps.used && smaps.at[end] != '\n') end++;
    smaps.at[end] = 0;
    const char *line = smaps.at + at;
    if (*line >= 'A' && *line <= 'Z') {
      if (v) {
        uint64_t kb = field_kb(line);
        if (!strncmp(line, "AnonHugePages:", 14) || !strncmp(line, "ShmemPmdMapped:", 15) ||
            !strncmp(line, "FilePmdMapped:", 14) || !strncmp(line, "Shared_Hugetlb:", 15) ||
            !strncmp(line, "Private_Hugetlb:", 16))
          v->huge_left += kb / 2048;
        if (!strncmp(line, "VmFlags:", 8) && strstr(line, " uw")) v->protects = true;
      }
    } else {
      struct look_vma header = {0};
      v = NULL;
      if (parse_line(line, &header)) {
        while (next < look_vma_count && look_vmas[next].start < header.start) next++;
        if (next < look_vma_count && look_vmas[next].start == header.start) v = &look_vmas[next];
      }
    }
    at = end + 1;
  }
  if (smaps.at) sys2(__NR_munmap, smaps.at, smaps.room);
}

struct linux_dirent64 {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

#define DESCRIPTORS_MOST 4096

/* Has the process a userfaultfd open? Of one with very many files, among the first of them. */
bool look_has_userfaultfd(long dir) {
  static char entries[4096], link[64], path[32];
  long fd = sys4(__NR_openat, dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  bool found = false;
  unsigned looked = 0;
  for (long n; !found && looked < DESCRIPTORS_MOST && (n = sys3(__NR_getdents64, fd, entries, sizeof entries)) > 0;)
    for (long at = 0; !found && at < n; looked++) {
      const struct linux_dirent64 *entry = (const void *)(entries + at);
      at += entry->length;
      size_t length = strlen(entry->name);
      if (length >= sizeof path || entry->name[0] == '.') continue;
      memcpy(path, entry->name, length + 1);
      long m = sys4(__NR_readlinkat, fd, path, link, sizeof link - 1);
      link[m > 0 ? m : 0] = 0;
      found = !strcmp(link, "anon_inode:[userfaultfd]");
    }
  sys1(__NR_close, fd);
  return found;
}
