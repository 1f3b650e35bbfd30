/* Finds out by doing what this kernel can. One JSON object on standard output. */
#include "probe.h"

#include <linux/mman.h>
#include <linux/utsname.h>

static struct result perform(uint32_t kind, uint64_t len, uint32_t what, uint32_t flags) {
  struct op op = {.kind = kind, .addr = ARENA_BASE, .len = len, .what = what, .flags = flags};
  struct result r;
  exec_op(&op, MODE_SYNC, &r);
  return r;
}

static int64_t vmpte_kb(void) {
  struct usage u;
  usage_read(&u);
  return u.vmpte_kb;
}

static void out_field(const char *name, bool value) { out_str(",\""), out_str(name), out_str(value ? "\":true" : "\":false"); }

/* {"release","own_kb","reclaims","uffd_wp","guard","process_madvise","swap"} */
int detect_main(void) {
  static struct new_utsname name;
  sys1(__NR_uname, &name);
  int64_t own = vmpte_kb();

  /* Touch two tables' worth, give it all back: a kernel that reclaims has both PTE tables back. */
  perform(OP_MMAP, 2 * PMD_SIZE, PROT_READ | PROT_WRITE, MAP_F_NOHUGEPAGE);
  perform(OP_TOUCH, 2 * PMD_SIZE, 0, TOUCH_F_WRITE);
  int64_t before = vmpte_kb();
  struct result dontneed = perform(OP_MADVISE, 2 * PMD_SIZE, MADV_DONTNEED, 0);
  bool reclaims = !dontneed.error && before - vmpte_kb() == 8;

  struct result process = perform(OP_MADVISE, PAGE, MADV_DONTNEED, MADV_F_PROCESS);
  bool guard = !perform(OP_MADVISE, PAGE, 102, 0).error;
  bool uffd = !perform(OP_UFFD, 2 * PMD_SIZE, UFFD_ON, 0).error;
  perform(OP_MUNMAP, 2 * PMD_SIZE, 0, 0);

  out_str("{\"release\":\""), out_str(name.release);
  out_str("\",\"own_kb\":"), out_dec(own);
  out_field("reclaims", reclaims);
  out_field("process_madvise", !process.error);
  out_field("guard", guard);
  out_field("uffd_wp", uffd);
  out_field("returned_to_zero", vmpte_kb() == own);
  out_str("}\n");
  out_flush();
  return EXIT_OK;
}
