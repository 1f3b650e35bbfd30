/** What makes known programs map their shared memory by 2 MiB pages, and who says so. */

export interface KnownSetting {
  /** How the program calls its processes (/proc/PID/comm, at most 15 characters). */
  readonly names: RegExp;
  readonly program: string;
  readonly setting: string;
  readonly source: string;
}

const KNOWN_SETTINGS: readonly KnownSetting[] = [
  {
    names: /^(postgres|postmaster|postgresql)/,
    program: "PostgreSQL",
    setting: "huge_pages = on in postgresql.conf, and vm.nr_hugepages for its shared buffers",
    source: "https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-HUGE-PAGES",
  },
  {
    names: /^(ora_|oracle)/,
    program: "Oracle Database",
    setting: "USE_LARGE_PAGES = ONLY, and vm.nr_hugepages for its SGA",
    source: "https://docs.oracle.com/en/database/oracle/oracle-database/19/refrn/USE_LARGE_PAGES.html",
  },
  {
    names: /^(mysqld|mariadbd)/,
    program: "MySQL",
    setting: "large-pages in my.cnf, and vm.nr_hugepages for its buffer pool",
    source: "https://dev.mysql.com/doc/refman/8.0/en/large-page-support.html",
  },
];

/** For shared memory and files of any program. */
export const HUGE_SHMEM = {
  setting:
    "/sys/kernel/mm/transparent_hugepage/shmem_enabled (advise needs madvise; always does not), or huge= of the tmpfs mount",
  source: "https://docs.kernel.org/admin-guide/mm/transhuge.html",
} as const;
export const HUGETLB = {
  setting: "hugetlb pages: MAP_HUGETLB, MFD_HUGETLB, SHM_HUGETLB or a file on hugetlbfs, and vm.nr_hugepages",
  source: "https://docs.kernel.org/admin-guide/mm/hugetlbpage.html",
} as const;

export function settingFor(processName: string): KnownSetting | undefined {
  return KNOWN_SETTINGS.find(({ names }) => names.test(processName));
}

/** Is this shared memory and not a file of a file system? By the names that the kernel gives it. */
export function isSharedMemory(file: string): boolean {
  return /^\/(memfd:|SYSV|dev\/zero|dev\/shm\/)/.test(file);
}
