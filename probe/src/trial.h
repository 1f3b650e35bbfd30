/* What trials of behaviours are made of: profile.c runs them, trials-*.c are them. */
#ifndef RECLAIM_PROBE_TRIAL_H
#define RECLAIM_PROBE_TRIAL_H

#include "probe.h"

#include <linux/mman.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

struct trial {
  const char *name;
  void (*attempt)(void);
};

/* Ends with a name that is NULL. */
extern const struct trial TRIALS[];

/* profile.c: what a trial says */
void say(const char *value);
void say_bool(bool value);
void say_number(uint64_t value);
void unknown(const char *why);
/* Adds to what was seen. */
void because(const char *text);
void because_number(const char *before, int64_t value, const char *after);

/* trial.c: what a trial does; addresses are offsets in the arena, sizes are bytes, results are an errno */
void trial_prepare(void);
int t_map(uint64_t at, uint64_t len, uint32_t prot, uint32_t flags);
int t_unmap(uint64_t at, uint64_t len);
int t_read(uint64_t at, uint64_t len);
int t_write(uint64_t at, uint64_t len);
int t_advise(uint64_t at, uint64_t len, int advice);
int t_move(uint64_t at, uint64_t len, uint64_t to);
int t_protect(uint64_t at, uint64_t len, uint32_t prot);
int t_op(struct op op);
uint64_t t_vmas(void);
int64_t t_tables_kb(void);
int64_t t_rss_kb(void);
/* Is the page mapped (bit 63 of pagemap)? A page that was never touched is where something huge maps it. */
bool t_mapped(uint64_t at);
/* The entry of pagemap. */
uint64_t t_pagemap(uint64_t at);
/* The text of a small file, or NULL; the next call overwrites it. */
const char *t_file(const char *path);
int64_t t_file_number(const char *path);

/* trials-*.c */
void try_reclaim(void);
void try_zero_page(void);
void try_read_prepares_anon_vma(void);
void try_guard_anon(void);
void try_guard_file(void);
void try_guard_mark(void);
void try_process_madvise_self(void);
void try_dontneed_locked(void);
void try_mremap_multi(void);
void try_mremap_checks_first(void);
void try_dontunmap_apart(void);
void try_dontunmap_alone(void);
void try_dontunmap_realigns(void);
void try_protect_uncharges(void);
void try_merges_unfaulted(void);
void try_populate_stops(void);
void try_maps_between(void);
void try_mremap_realigns(void);
void try_anon_vma_name(void);
void try_soft_dirty(void);
void try_levels(void);
void try_fork_copies_read_tables(void);
void try_thp_asked(void);
void try_thp_unasked(void);
void try_thp_deposit(void);
void try_thp_read(void);
void try_thp_zero_write(void);
void try_collapse(void);
void try_collapse_short(void);
void try_stack_no_huge_pages(void);
void try_collapse_read_only(void);
void try_collapse_retracts_all(void);
void try_collapse_makes_pmd(void);
void try_collapse_skips_none(void);
void try_collapse_shmem(void);
void try_pageout_keeps_huge(void);
void try_no_huge_page_faults_small(void);
void try_fault_maps_folio(void);
void try_shmem_huge(void);
void try_shmem_huge_unasked(void);
void try_file_huge(void);
void try_thp_sizes(void);
void try_set_thp(void);
void try_set_thp_defrag(void);
void try_set_shmem(void);
void try_set_zero_page(void);
void try_khugepaged(void);
void try_khugepaged_none(void);
void try_khugepaged_swap(void);
void try_khugepaged_shared(void);
void try_khugepaged_sleep(void);
void try_set_sizes(void);
void try_overcommit(void);
void try_max_map_count(void);
void try_stack_limit(void);
void try_memlock(void);
void try_swap(void);
void try_hugetlb_pages(void);
void try_uffd_wp(void);
void try_uffd_wp_async(void);
void try_uffd_wp_shmem(void);
void try_uffd_wp_unpopulated(void);
void try_uffd_own_only(void);
void try_uffd_move(void);

#endif
