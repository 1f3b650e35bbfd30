/**
 * The modelled kernel: one value with a field for each behaviour that differs between kernels and changes a number.
 * Paths test a field, never a version. The words of the fields and the validation of profiles from outside are in
 * kernel-profile-fields.ts, the profiles that come with the lab in kernel-profiles.ts. Pure data: any process may read it.
 */

/** `enabled` in /sys/kernel/mm/transparent_hugepage. */
export type ThpEnabled = "always" | "madvise" | "never";

/** `enabled` of one huge page size; `inherit`: as the global setting. */
export type ThpSizeEnabled = ThpEnabled | "inherit";

/** `shmem_enabled` in /sys/kernel/mm/transparent_hugepage. */
export type ShmemHuge = "always" | "within_size" | "advise" | "never" | "deny" | "force";

export interface KernelProfile {
  /** Its name: reference, 6.12, ..., the release of the machine on which it was found, or the name in its file. */
  readonly name: string;

  // Page-table reclaim.

  /**
   * Does the kernel itself free PTE tables that MADV_DONTNEED of a whole 2 MiB slot leaves empty? CONFIG_PT_RECLAIM, 6.14; zap_pte_range().
   * This describes the kernel, for measured runs and default policies; a run's policy may model the other behaviour.
   */
  readonly ptReclaim: boolean;
  /** Levels of page tables: 5 if processor and kernel have LA57; pgtable_l5_enabled(). */
  readonly levels: 4 | 5;
  /** Is a PTE table deposited under an anonymous huge page (and counted in VmPTE)? In every release so far; set_huge_zero_folio(), map_anon_folio_pmd(). */
  readonly depositedTables: boolean;

  // Zero pages.

  /**
   * Does a read of untouched anonymous memory map the shared zero page? Without it (boot option pvm_no_zero_page of some guests' kernels;
   * mm_forbids_zeropage()) the read allocates a page, which prepares the anon_vma; do_anonymous_page().
   */
  readonly zeroPage: boolean;
  /** Does a read of untouched huge memory map the huge zero page? /sys/kernel/mm/transparent_hugepage/use_zero_page; do_huge_pmd_anonymous_page(). */
  readonly hugeZeroPage: boolean;
  /** A write to the huge zero page: `huge` allocates a huge page (since 6.13), `split` maps small zero pages and replaces one of them; do_huge_pmd_wp_page(). */
  readonly hugeZeroWrite: "huge" | "split";

  // Guard pages.

  /** MADV_GUARD_INSTALL on private anonymous memory: 6.13; madvise_guard_install(). */
  readonly guardAnon: boolean;
  /** MADV_GUARD_INSTALL on file and shared memory: 6.15; is_valid_guard_vma(). */
  readonly guardFile: boolean;
  /**
   * What marks a VMA with guards, so that fork copies them: an `anon_vma` (6.13), which prevents merging, or a `flag` of its own
   * (VM_MAYBE_GUARD, 6.19, and in 6.18.44 as it was tried; anonymous memory gets the anon_vma too); madvise_guard_install(), vma_needs_copy().
   */
  readonly guardMark: "anon_vma" | "flag";

  // System calls.

  /** process_madvise() on the calling process accepts any advice: 6.13; before, only the four that it accepts for other processes; process_madvise_remote_valid(). */
  readonly processMadviseSelf: boolean;
  /** mremap() moves several mappings in one call: 6.17; remap_move(). Before: EFAULT. */
  readonly mremapSeveral: boolean;
  /**
   * Does mremap() to a fixed address check the source before it unmaps the destination? 6.17; check_prep_vma(). Before, a refused call
   * (the source has a hole or ends early) has already unmapped the destination and cut off a shrinking source; mremap_to().
   */
  readonly mremapChecksFirst: boolean;
  /**
   * After MREMAP_DONTUNMAP, are only the moved pages unlocked (the source is split for that), and does the moved part never merge with
   * the adjacent source? Seen in 6.12.115 and in 6.1.0-56 of Debian, not in its 6.1.0-50 and not in 6.18.44; move_vma(), copy_vma(). Otherwise
   * the whole mapping is unlocked.
   */
  readonly dontUnmapApart: boolean;
  /**
   * With dontUnmapApart: does what would merge with its source not merge with the mapping at its other side either? Seen in 6.1.0-57 of Debian,
   * whose vma_merge() is called for both sides at once; not in 6.12.117; copy_vma().
   */
  readonly dontUnmapAlone: boolean;
  /**
   * Does anonymous memory that MREMAP_DONTUNMAP has emptied count its pages from where it lies, whatever was moved there before, and so merge
   * with new memory beside it? Seen in 6.12.115 and in 6.1.0-56 of Debian, not in its 6.1.0-50 and not in
   * 6.18.44; move_vma(). Otherwise it keeps the page offsets that it had.
   */
  readonly dontUnmapRealigns: boolean;
  /**
   * Does mprotect() that makes private memory without pages read-only give its commit charge back? Seen in 6.12.115 of Debian, not in 6.1.0-56;
   * mprotect_fixup(). Otherwise it keeps VM_ACCOUNT and does not merge with memory that was never writable.
   */
  readonly protectUncharges: boolean;
  /**
   * Whether a mapping with an anon_vma may merge with one without: since 6.16 the one that has it must not have its parent's pages
   * (vma_had_uncowed_parents()); before, the rule considered only one side; is_mergeable_anon_vma().
   */
  readonly mergesUnfaulted: boolean;
  /**
   * Does mmap() merge a new mapping with both neighbours if only the one after it has pages? The releases between 6.1 and 6.12;
   * mmap_region(). Earlier kernels do not merge the one before it.
   */
  readonly mapsBetween: boolean;
  /** Does mremap() move whole tables even if the range begins within one, provided nothing else is mapped there? 6.7; try_realign_addr(). */
  readonly mremapRealigns: boolean;
  /**
   * Does MADV_COLLAPSE strictly within a 2 MiB slot succeed without doing anything? 7.2; madvise_collapse(). Before: EINVAL. What begins or ends
   * where a slot does succeeds everywhere.
   */
  readonly collapseShort: boolean;
  /** Does MAP_STACK disable huge pages, so that the mapping does not merge with others? 6.7; calc_vm_flag_bits(). */
  readonly stackNoHugePages: boolean;
  /**
   * Do MADV_COLLAPSE and khugepaged collapse 2 MiB without any writable entry: read-only memory, memory all shared after fork, or zero
   * pages? 6.18; collapse_scan_pmd(). Before: EINVAL (SCAN_PAGE_RO).
   */
  readonly collapseReadOnly: boolean;
  /**
   * Does MADV_COLLAPSE of a file free the tables of all its mappings, and accept a private mapping written elsewhere? 6.6;
   * retract_page_tables(), collapse_pte_mapped_thp(). Before: only the table of the advised mapping, which must have one and
   * no pages of its own anywhere (EINVAL).
   */
  readonly collapseRetractsAll: boolean;
  /**
   * Does MADV_COLLAPSE of a file map the huge page where the advised mapping has no PMD table yet? Seen in 6.18.44, not in 6.12.117 and
   * 6.1.0-56 of Debian: the file is collapsed all the same, and the answer is EINVAL; collapse_pte_mapped_thp().
   */
  readonly collapseMakesPmd: boolean;
  /**
   * Does MADV_COLLAPSE go on past a slot whose PMD entry is none? 7.0 ("mm/khugepaged: continue to collapse on
   * SCAN_PMD_NONE"; not measured here); madvise_collapse(). Before, it ends there (EINVAL): 6.18.44, 6.12.117 and 6.1.0-57. All go on past
   * a slot where there is no PMD table.
   */
  readonly collapseSkipsNone: boolean;
  /**
   * Where there is no swap, does MADV_PAGEOUT leave a huge page of shared memory whole? Seen in 6.12.117 and 6.18.44, not in 6.1.0-57 of
   * Debian, where it is split into small pages, which stay in the cache; shmem_writepage().
   */
  readonly pageoutKeepsHuge: boolean;
  /**
   * Does a fault in a mapping with MADV_NOHUGEPAGE map small pages of a huge page that the file has in the cache? Seen in 6.12.117 and
   * 6.18.44, not in 6.1.0-57 of Debian; do_set_pmd().
   */
  readonly noHugePageFaultsSmall: boolean;
  /**
   * Which fault maps all of a huge folio of a file by small entries where VMA and table have room for it: "any"; "write", and what fault-around
   * does not serve; "none": the page, or its 64 KiB. Seen so in 6.18.44, 6.12.117 and 6.1.0-57; filemap_map_pages(), finish_fault().
   */
  readonly faultMapsFolio: "any" | "write" | "none";
  /**
   * Does MADV_POPULATE_READ or _WRITE stop at the first hole? 6.9; madvise_populate(). Before, it used madvise_walk_vmas(), as other advice
   * does: memory after the hole is populated too, and the call still fails.
   */
  readonly populateStopsAtHole: boolean;
  /** prctl(PR_SET_VMA_ANON_NAME) names anonymous memory, and neighbours merge only with the same name: CONFIG_ANON_VMA_NAME, 5.17; anon_vma_name_eq(). */
  readonly anonVmaNames: boolean;

  // userfaultfd and soft-dirty.

  /** Write protection by userfaultfd: of nothing, of anonymous memory (`anon`), or of shmem and hugetlb too (`all`: CONFIG_PTE_MARKER_UFFD_WP, 5.19); vma_can_userfault(). */
  readonly uffdWp: "none" | "anon" | "all";
  /** UFFD_FEATURE_WP_UNPOPULATED protects unpopulated anonymous memory by markers: 6.4; userfaultfd_wp_use_markers(). */
  readonly uffdWpUnpopulated: boolean;
  /** UFFD_FEATURE_WP_ASYNC resolves write faults in the kernel, for all memory types: 6.7; userfaultfd_wp_async(). */
  readonly uffdWpAsync: boolean;
  /**
   * UFFDIO_UNREGISTER refuses (EINVAL) memory that is registered with another userfaultfd. Seen in 6.18.44, not in 6.12.117 and 6.1 of
   * Debian, where whoever asks ends the registration; userfaultfd_unregister().
   */
  readonly uffdOwnOnly: boolean;
  /** UFFDIO_MOVE: 6.8; move_pages(). */
  readonly uffdMove: boolean;
  /** Soft-dirty bits (CONFIG_MEM_SOFT_DIRTY): a bit in entries of swap or file memory; no count depends on it; pte_mksoft_dirty(). */
  readonly softDirty: boolean;

  // Transparent huge pages.

  /** transparent_hugepage/enabled; __thp_vma_allowable_orders(). */
  readonly thpEnabled: ThpEnabled;
  /**
   * transparent_hugepage/hugepages-SIZEkB/enabled by size in kB (6.8; before, 2048 alone, by `enabled`). An unlisted size is `never`, 2048 `inherit`;
   * thp_vma_allowable_orders().
   */
  readonly thpSizes: Readonly<Record<string, ThpSizeEnabled>>;
  /** transparent_hugepage/shmem_enabled: shared memory and memfd files; shmem_huge_global_enabled(). */
  readonly shmemHuge: ShmemHuge;
  /** Does khugepaged scan while a program waits? No with its default (4096 pages every 10 s); khugepaged_do_scan(). */
  readonly khugepaged: boolean;
  /** khugepaged/max_ptes_none: how many none entries khugepaged accepts in a slot; hpage_collapse_scan_pmd(). */
  readonly khugepagedMaxPtesNone: number;
  /** khugepaged/max_ptes_swap, in the same way; hpage_collapse_scan_pmd(). */
  readonly khugepagedMaxPtesSwap: number;
  /** khugepaged/max_ptes_shared, in the same way; hpage_collapse_scan_pmd(). */
  readonly khugepagedMaxPtesShared: number;

  // Limits and settings of the system.

  /** vm.overcommit_memory: `heuristic` (0), `always` (1), `strict` (2: MAP_NORESERVE has no effect); do_mmap(). */
  readonly overcommit: "heuristic" | "always" | "strict";
  /** vm.max_map_count: mappings of a process; do_mmap(), split_vma(). */
  readonly maxMapCount: number;
  /** RLIMIT_STACK in pages of 4 KiB (0: no limit); acct_stack_growth(). */
  readonly stackPages: number;
  /** Is there swap space? Without it MADV_PAGEOUT leaves anonymous memory alone; shrink_folio_list(). */
  readonly swap: boolean;
  /** Free pages of 2 MiB in the hugetlb pool (vm.nr_hugepages); hugetlb_acct_memory(). */
  readonly hugetlbPages: number;
}
