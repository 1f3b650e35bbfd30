/** What makes known programs map their memory by 2 MiB pages, and who says so. */

export interface KnownSetting {
  /** How the program calls its processes (/proc/PID/comm, at most 15 characters). */
  readonly names: RegExp;
  readonly program: string;
  /** Which memory: what its processes share, or what each has for itself. */
  readonly memory: "shared" | "own";
  readonly setting: string;
  readonly source: string;
}

const KNOWN_SETTINGS: readonly KnownSetting[] = [
  {
    names: /^(postgres|postmaster|postgresql)/,
    program: "PostgreSQL",
    memory: "shared",
    setting:
      "huge_pages = on in postgresql.conf, and vm.nr_hugepages for its shared buffers (as many as postgres -C shared_memory_size_in_huge_pages says, from version 15 on)",
    source: "https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-HUGE-PAGES",
  },
  {
    names: /^(ora_|oracle)/,
    program: "Oracle Database",
    memory: "shared",
    setting: "USE_LARGE_PAGES = ONLY, and vm.nr_hugepages for its SGA",
    source: "https://docs.oracle.com/en/database/oracle/oracle-database/19/refrn/USE_LARGE_PAGES.html",
  },
  {
    names: /^mysqld/,
    program: "MySQL",
    memory: "own",
    setting: "large-pages in my.cnf, and vm.nr_hugepages for its buffer pool",
    source: "https://dev.mysql.com/doc/refman/8.0/en/large-page-support.html",
  },
  {
    names: /^mariadbd/,
    program: "MariaDB",
    memory: "own",
    setting: "large-pages in my.cnf, and vm.nr_hugepages for its buffer pool",
    source: "https://mariadb.com/docs/reference/mdb/cli/mariadbd/large-pages/",
  },
  {
    names: /^java$/,
    program: "Java",
    memory: "own",
    setting: "-XX:+UseLargePages, and vm.nr_hugepages for its heap",
    source: "https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html#large-pages",
  },
  {
    names: /^qemu-(system|kvm)/,
    program: "QEMU",
    memory: "own",
    setting: "-object memory-backend-memfd,hugetlb=on, and vm.nr_hugepages for the guest's memory",
    source: "https://www.qemu.org/docs/master/system/invocation.html",
  },
];

/** For memory of any program: hugetlb pages; 2 MiB pages of shared memory; of files of a file system. */
export const HUGETLB = {
  setting: "hugetlb pages (MAP_HUGETLB, MFD_HUGETLB, SHM_HUGETLB or a file on hugetlbfs) and vm.nr_hugepages",
  source: "https://docs.kernel.org/admin-guide/mm/hugetlbpage.html",
} as const;
export const HUGE_SHMEM = {
  setting:
    "/sys/kernel/mm/transparent_hugepage/shmem_enabled (advise needs madvise; always does not), or huge= of the tmpfs mount",
  source: "https://docs.kernel.org/admin-guide/mm/transhuge.html",
} as const;
export const HUGE_FILE = {
  setting: "the file on hugetlbfs, or on a tmpfs mounted with huge=always; MADV_COLLAPSE where the file system can",
  source: "https://man7.org/linux/man-pages/man2/madvise.2.html",
} as const;

export function settingFor(processName: string, memory: KnownSetting["memory"]): KnownSetting | undefined {
  return KNOWN_SETTINGS.find((known) => known.memory === memory && known.names.test(processName));
}

/** Is this shared memory and not a file of a file system? By the names that the kernel gives it. */
export function isSharedMemory(file: string): boolean {
  return /^\/(memfd:|SYSV|dev\/zero|dev\/shm\/)/.test(file);
}
