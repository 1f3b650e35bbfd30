/*
 * `reclaim-probe profile`: which of the behaviours that differ between kernels this one has. Each is tried in a child, by
 * doing it; nothing is concluded from a version. A line each: NAME <tab> VALUE <tab> WHAT WAS SEEN. VALUE is yes, no, a word or
 * a number, or `unknown` where it cannot be tried here; then the last column says why.
 */
#include "probe.h"

#include <asm/signal.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/utsname.h>

#include "trial.h"

#define TEXT_MAX 512
#define PATIENCE_MS 20000

/* What a trial found; `why` may be empty. */
struct finding {
  char value[TEXT_MAX], why[TEXT_MAX];
};

static struct finding found;

static void put(char *to, const char *text) {
  size_t used = strlen(to), n = strlen(text);
  if (n > TEXT_MAX - 1 - used) n = TEXT_MAX - 1 - used;
  memcpy(to + used, text, n);
  to[used + n] = 0;
}

void say(const char *value) { found.value[0] = 0, put(found.value, value); }
void say_bool(bool value) { say(value ? "yes" : "no"); }
void say_number(uint64_t value) {
  char digits[24];
  format_dec(digits, value);
  say(digits);
}
void because(const char *text) { put(found.why, text); }
void because_number(const char *before, int64_t value, const char *after) {
  char digits[24];
  because(before);
  if (value < 0) because("-");
  format_dec(digits, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
  because(digits);
  because(after);
}
void unknown(const char *why) {
  say("unknown");
  found.why[0] = 0;
  because(why);
}

static _Noreturn void in_child(void (*attempt)(void), long out) {
  trial_prepare();
  say("unknown");
  because("the trial said nothing");
  found.why[0] = 0;
  attempt();
  sys3(__NR_write, out, &found, sizeof found);
  for (;;) sys1(__NR_exit_group, 0);
}

/* Runs one trial in a child of its own; a child that dies or hangs makes the answer unknown. */
static void run_trial(void (*attempt)(void)) {
  int ends[2];
  memset(&found, 0, sizeof found);
  if (sys2(__NR_pipe2, ends, 0) < 0) return unknown("no pipe");
  long pid = sys5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) in_child(attempt, ends[1]);
  sys1(__NR_close, ends[1]);
  if (error_of(pid)) {
    unknown("cannot fork: ");
    because(errno_name(error_of(pid)));
  } else {
    struct pollfd wait = {.fd = ends[0], .events = POLLIN};
    long ready = sys3(__NR_poll, &wait, 1, PATIENCE_MS);
    long got = ready == 1 ? sys3(__NR_read, ends[0], &found, sizeof found) : 0;
    sys2(__NR_kill, pid, SIGKILL);
    int status = 0;
    while (sys4(__NR_wait4, pid, &status, 0, 0) == -EINTR) continue;
    if (ready == 0) unknown("the trial did not end");
    else if (got != sizeof found) {
      unknown("");
      because_number("the trial ended with signal ", status & 0x7f, "");
    }
  }
  sys1(__NR_close, ends[0]);
}

const struct trial TRIALS[] = {
    {"reclaim", try_reclaim},
    {"zero_page", try_zero_page},
    {"read_prepares_anon_vma", try_read_prepares_anon_vma},
    {"guard_anon", try_guard_anon},
    {"guard_file", try_guard_file},
    {"guard_mark", try_guard_mark},
    {"process_madvise_self", try_process_madvise_self},
    {"dontneed_locked", try_dontneed_locked},
    {"mremap_multi", try_mremap_multi},
    {"mremap_checks_first", try_mremap_checks_first},
    {"dontunmap_apart", try_dontunmap_apart},
    {"dontunmap_alone", try_dontunmap_alone},
    {"dontunmap_realigns", try_dontunmap_realigns},
    {"protect_uncharges", try_protect_uncharges},
    {"merges_unfaulted", try_merges_unfaulted},
    {"populate_stops", try_populate_stops},
    {"maps_between", try_maps_between},
    {"mremap_realigns", try_mremap_realigns},
    {"anon_vma_name", try_anon_vma_name},
    {"soft_dirty", try_soft_dirty},
    {"levels", try_levels},
    {"fork_copies_read_tables", try_fork_copies_read_tables},
    {"thp_asked", try_thp_asked},
    {"thp_unasked", try_thp_unasked},
    {"thp_deposit", try_thp_deposit},
    {"thp_read", try_thp_read},
    {"thp_zero_write", try_thp_zero_write},
    {"collapse", try_collapse},
    {"collapse_short", try_collapse_short},
    {"stack_no_huge_pages", try_stack_no_huge_pages},
    {"collapse_read_only", try_collapse_read_only},
    {"collapse_retracts_all", try_collapse_retracts_all},
    {"collapse_makes_pmd", try_collapse_makes_pmd},
    {"collapse_skips_none", try_collapse_skips_none},
    {"collapse_shmem", try_collapse_shmem},
    {"pageout_keeps_huge", try_pageout_keeps_huge},
    {"no_huge_page_faults_small", try_no_huge_page_faults_small},
    {"fault_maps_folio", try_fault_maps_folio},
    {"shmem_huge", try_shmem_huge},
    {"shmem_huge_unasked", try_shmem_huge_unasked},
    {"file_huge", try_file_huge},
    {"thp_sizes", try_thp_sizes},
    {"set_thp", try_set_thp},
    {"set_thp_defrag", try_set_thp_defrag},
    {"set_shmem", try_set_shmem},
    {"set_zero_page", try_set_zero_page},
    {"khugepaged", try_khugepaged},
    {"khugepaged_none", try_khugepaged_none},
    {"khugepaged_swap", try_khugepaged_swap},
    {"khugepaged_shared", try_khugepaged_shared},
    {"khugepaged_sleep", try_khugepaged_sleep},
    {"set_sizes", try_set_sizes},
    {"overcommit", try_overcommit},
    {"max_map_count", try_max_map_count},
    {"stack_limit", try_stack_limit},
    {"memlock", try_memlock},
    {"swap", try_swap},
    {"hugetlb_pages", try_hugetlb_pages},
    {"uffd_wp", try_uffd_wp},
    {"uffd_wp_async", try_uffd_wp_async},
    {"uffd_wp_shmem", try_uffd_wp_shmem},
    {"uffd_wp_unpopulated", try_uffd_wp_unpopulated},
    {"uffd_own_only", try_uffd_own_only},
    {"uffd_move", try_uffd_move},
    {NULL, NULL},
};

static void print_finding(const char *name) {
  out_str(name), out_str("\t"), out_str(found.value), out_str("\t"), out_str(found.why), out_str("\n");
}

int profile_main(void) {
  static struct new_utsname uts;
  sys1(__NR_uname, &uts);
  out_str("release\t"), out_str(uts.release), out_str("\t"), out_str(uts.version), out_str("\n");
  for (const struct trial *t = TRIALS; t->name; t++) {
    run_trial(t->attempt);
    print_finding(t->name);
    out_flush();
  }
  return EXIT_OK;
}
