/*
 * Where the probe lies. It is position-independent, and the kernel loads it among what it maps by itself; its own page tables would
 * then be among those that it measures. So it maps itself once more, where no workload is (a PGD entry of its own), and goes on there.
 */
#include "probe.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/mman.h>

#define HOME 0x508000000000ull

/* Read before anything is relocated: only what lies beside this code may be asked for. */
extern const char __executable_start[] __attribute__((visibility("hidden")));

static void no_place(void) {
  static const char WHY[] = "reclaim-probe: its place at 0x508000000000 is taken, or /proc/self/exe cannot be read\n";
  sys3(__NR_write, 2, WHY, sizeof WHY - 1);
  sys1(__NR_exit_group, EXIT_FAILED);
}

static int protection(uint32_t flags) {
  return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) | (flags & PF_X ? PROT_EXEC : 0);
}

/* One part of the file, and the zeros after it. */
static bool map_part(long fd, const Elf64_Phdr *part) {
  uint64_t at = HOME + (part->p_vaddr & ~(PAGE - 1)), shift = part->p_vaddr & (PAGE - 1);
  uint64_t of_file = (part->p_filesz + shift + PAGE - 1) & ~(PAGE - 1);
  uint64_t all = (part->p_memsz + shift + PAGE - 1) & ~(PAGE - 1);
  int prot = protection(part->p_flags);
  long got = sys6(__NR_mmap, (long)at, (long)of_file, prot, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd,
                  (long)(part->p_offset - shift));
  if (got != (long)at) return false;
  if (part->p_memsz == part->p_filesz) return true;
  for (uint64_t p = HOME + part->p_vaddr + part->p_filesz; p < at + of_file; p++) *(volatile char *)p = 0;
  if (all == of_file) return true;
  at += of_file;
  return sys6(__NR_mmap, (long)at, (long)(all - of_file), prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
         (long)at;
}

static void relocate(const Elf64_Dyn *dynamic) {
  uint64_t table = 0, bytes = 0;
  for (; dynamic->d_tag != DT_NULL; dynamic++) {
    if (dynamic->d_tag == DT_RELA) table = dynamic->d_un.d_ptr;
    if (dynamic->d_tag == DT_RELASZ) bytes = dynamic->d_un.d_val;
  }
  const Elf64_Rela *each = (const Elf64_Rela *)(HOME + table);
  for (uint64_t n = bytes / sizeof *each; n > 0; n--, each++)
    if (ELF64_R_TYPE(each->r_info) == R_X86_64_RELATIVE)
      *(uint64_t *)(HOME + each->r_offset) = HOME + (uint64_t)each->r_addend;
}

/* Maps the image anew and relocates it. Gives how far it is from where this runs. */
__attribute__((used)) int64_t find_place(void) {
  uint64_t base = (uint64_t)__executable_start;
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)base;
  const Elf64_Phdr *part = (const Elf64_Phdr *)(base + header->e_phoff);
  long fd = sys4(__NR_openat, AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) no_place();
  const Elf64_Dyn *dynamic = NULL;
  for (int i = 0; i < header->e_phnum; i++) {
    if (part[i].p_type == PT_LOAD && !map_part(fd, &part[i])) no_place();
    if (part[i].p_type == PT_DYNAMIC) dynamic = (const Elf64_Dyn *)(HOME + part[i].p_vaddr);
  }
  sys1(__NR_close, fd);
  if (dynamic) relocate(dynamic);
  return (int64_t)(HOME - base);
}
