/**
 * What sort of kernel is modelled: one value with a field for each behaviour that differs between kernels and changes a number.
 * Paths ask for a field, never for a version. The fields' words and the check of a profile from outside are in
 * kernel-profile-fields.ts, the profiles that come with the lab in kernel-profiles.ts. Pure data: any process may read it.
 */

/** `enabled` in /sys/kernel/mm/transparent_hugepage. */
export type ThpEnabled = "always" | "madvise" | "never";

/** `enabled` of one size of huge page; `inherit`: as the one above. */
export type ThpSizeEnabled = ThpEnabled | "inherit";

/** `shmem_enabled` in /sys/kernel/mm/transparent_hugepage. */
export type ShmemHuge = "always" | "within_size" | "advise" | "never" | "deny" | "force";

export interface KernelProfile {
  /** What it is called: reference, 6.12, ..., the release of the machine it was found on, or what its file says. */
  readonly name: string;

  // Page-table reclaim.

  /**
   * Does the kernel itself free PTE tables that MADV_DONTNEED of a whole 2 MiB slot leaves empty? CONFIG_PT_RECLAIM, 6.14; zap_pte_range().
   * What the kernel has, for measured runs and default policies: a run's policy may model another.
   */
  readonly ptReclaim: boolean;
  /** Levels of page tables: 5 where processor and kernel have LA57; pgtable_l5_enabled(). */
  readonly levels: 4 | 5;
  /** Is a PTE table deposited under an anonymous huge page (and counted in VmPTE)? In every release so far; set_huge_zero_folio(), map_anon_folio_pmd(). */
  readonly depositedTables: boolean;

  // Zero pages.

  /**
   * Does a read of untouched anonymous memory map the shared zero page? Without it (boot option pvm_no_zero_page of some guests' kernels;
   * mm_forbids_zeropage()) the read gets a page of its own, which prepares the anon_vma; do_anonymous_page().
   */
  readonly zeroPage: boolean;
  /** Does a read of untouched huge memory map the huge zero page? /sys/kernel/mm/transparent_hugepage/use_zero_page; do_huge_pmd_anonymous_page(). */
  readonly hugeZeroPage: boolean;
  /** A write to the huge zero page: `huge` gets a huge page (since 6.13), `split` small zero pages, one of which is replaced; do_huge_pmd_wp_page(). */
  readonly hugeZeroWrite: "huge" | "split";

  // Guard pages.

  /** MADV_GUARD_INSTALL on private anonymous memory: 6.13; madvise_guard_install(). */
  readonly guardAnon: boolean;
  /** MADV_GUARD_INSTALL on file and shared memory: 6.15; is_valid_guard_vma(). */
  readonly guardFile: boolean;
  /**
   * What marks a VMA with guards, so that fork copies them: an `anon_vma` (6.13), which hinders merging, or a `flag` of its own
   * (VM_MAYBE_GUARD, 6.19, and in 6.18.44 as it was tried; anonymous memory gets the anon_vma too); madvise_guard_install(), vma_needs_copy().
   */
  readonly guardMark: "anon_vma" | "flag";

  // System calls.

  /** process_madvise() on oneself takes any advice: 6.13; before, only the four that it takes for other processes; process_madvise_remote_valid(). */
  readonly processMadviseSelf: boolean;
  /** mremap() moves several mappings in one call: 6.17; remap_move(). Before: EFAULT. */
  readonly mremapSeveral: boolean;
  /**
   * Does mremap() to a fixed address look at the source before it unmaps the destination? 6.17; check_prep_vma(). Before, what is refused
   * (the source has a hole or ends early) has unmapped the destination all the same, and cut off what shrinks; mremap_to().
   */
  readonly mremapChecksFirst: boolean;
  /**
   * After MREMAP_DONTUNMAP, are only the moved pages unlocked, the source being split for that, and does what was moved never merge with
   * the source beside it? Seen in 6.12.115 and in 6.1.0-56 of Debian, not in its 6.1.0-50 and not in 6.18.44; move_vma(), copy_vma(). Otherwise
   * the whole mapping is unlocked.
   */
  readonly dontUnmapApart: boolean;
  /**
   * How a mapping with an anon_vma and one without are told fit to merge: since 6.16 the one that has it must not have its parent's pages
   * (vma_had_uncowed_parents()), before, the rule looked at the side that was given alone; is_mergeable_anon_vma().
   */
  readonly mergesUnfaulted: boolean;
  /**
   * Does mmap() join a new mapping to both neighbours where only the one after it has pages? The releases between 6.1 and 6.12;
   * mmap_region(). Before, the one before it was left apart.
   */
  readonly mapsBetween: boolean;
  /** Does mremap() move whole tables also where the range begins within one and nothing else is beside it? 6.7; try_realign_addr(). */
  readonly mremapRealigns: boolean;
  /**
   * Does MADV_COLLAPSE strictly within a 2 MiB slot succeed without doing anything? 7.2; madvise_collapse(). Before: EINVAL. What begins or ends
   * where a slot does succeeds everywhere.
   */
  readonly collapseShort: boolean;
  /** Does MAP_STACK ask for no huge pages, which makes it another sort of mapping to its neighbours? 6.7; calc_vm_flag_bits(). */
  readonly stackNoHugePages: boolean;
  /**
   * Do MADV_COLLAPSE and khugepaged collapse 2 MiB without a single writable entry: read-only memory, or all of it shared after fork, or zero
   * pages? 6.18; collapse_scan_pmd(). Before: EINVAL (SCAN_PAGE_RO).
   */
  readonly collapseReadOnly: boolean;
  /**
   * Does MADV_COLLAPSE of a file free the tables of every mapping of it, and take a private mapping that was written elsewhere? 6.6;
   * retract_page_tables(), collapse_pte_mapped_thp(). Before: only the table of the mapping that is advised, which has to have one and
   * no pages of its own anywhere (EINVAL).
   */
  readonly collapseRetractsAll: boolean;
  /**
   * Does MADV_POPULATE_READ or _WRITE end at the first hole? 6.9; madvise_populate(). Before, it went by madvise_walk_vmas(), as other advice
   * does: what comes after the hole is populated too, and the call fails all the same.
   */
  readonly populateStopsAtHole: boolean;
  /** prctl(PR_SET_VMA_ANON_NAME) names anonymous memory, and neighbours merge only under one name: CONFIG_ANON_VMA_NAME, 5.17; anon_vma_name_eq(). */
  readonly anonVmaNames: boolean;

  // userfaultfd and soft-dirty.

  /** Write-protection by userfaultfd: of nothing, anonymous memory (`anon`), or shmem and hugetlb too (`all`: CONFIG_PTE_MARKER_UFFD_WP, 5.19); vma_can_userfault(). */
  readonly uffdWp: "none" | "anon" | "all";
  /** UFFD_FEATURE_WP_UNPOPULATED protects unpopulated anonymous memory by markers: 6.4; userfaultfd_wp_use_markers(). */
  readonly uffdWpUnpopulated: boolean;
  /** UFFD_FEATURE_WP_ASYNC resolves write faults in the kernel, on memory of every sort: 6.7; userfaultfd_wp_async(). */
  readonly uffdWpAsync: boolean;
  /** UFFDIO_MOVE: 6.8; move_pages(). */
  readonly uffdMove: boolean;
  /** Soft-dirty bits (CONFIG_MEM_SOFT_DIRTY): a set bit in an entry of swap or file memory; no count depends on it; pte_mksoft_dirty(). */
  readonly softDirty: boolean;

  // Transparent huge pages.

  /** transparent_hugepage/enabled; __thp_vma_allowable_orders(). */
  readonly thpEnabled: ThpEnabled;
  /**
   * transparent_hugepage/hugepages-SIZEkB/enabled by size in kB (6.8; before, 2048 alone, by `enabled`). A size that is not listed is `never`, 2048
   * is `inherit`; thp_vma_allowable_orders().
   */
  readonly thpSizes: Readonly<Record<string, ThpSizeEnabled>>;
  /** transparent_hugepage/shmem_enabled: shared memory and memfd files; shmem_huge_global_enabled(). */
  readonly shmemHuge: ShmemHuge;
  /** Does khugepaged come round while a program waits? Where it comes rarely (its default: 4096 pages every 10 s), no; khugepaged_do_scan(). */
  readonly khugepaged: boolean;
  /** khugepaged/max_ptes_none: none entries that a slot may have which khugepaged collapses; hpage_collapse_scan_pmd(). */
  readonly khugepagedMaxPtesNone: number;
  /** khugepaged/max_ptes_swap, in the same way. */
  readonly khugepagedMaxPtesSwap: number;
  /** khugepaged/max_ptes_shared, in the same way. */
  readonly khugepagedMaxPtesShared: number;

  // Limits and settings of the system.

  /** vm.overcommit_memory: `heuristic` (0), `always` (1), `strict` (2, where MAP_NORESERVE means nothing); do_mmap(). */
  readonly overcommit: "heuristic" | "always" | "strict";
  /** vm.max_map_count: mappings of a process; do_mmap(), split_vma(). */
  readonly maxMapCount: number;
  /** RLIMIT_STACK in pages of 4 KiB, 0: no limit; acct_stack_growth(). */
  readonly stackPages: number;
  /** Is there swap space? Without it MADV_PAGEOUT leaves anonymous memory alone; shrink_folio_list(). */
  readonly swap: boolean;
  /** Free pages of 2 MiB in the hugetlb pool (vm.nr_hugepages); hugetlb_acct_memory(). */
  readonly hugetlbPages: number;
}
