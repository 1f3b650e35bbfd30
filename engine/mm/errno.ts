/** Outcomes of system calls, by their names. */

export type Errno =
  | "EPERM"
  | "ENOENT"
  | "ESRCH"
  | "E2BIG"
  | "EAGAIN"
  | "ENOMEM"
  | "EACCES"
  | "EFAULT"
  | "EBUSY"
  | "EEXIST"
  | "ENODEV"
  | "EINVAL"
  | "ENOSPC"
  | "EBADF"
  | "ENOSYS";

export type Status = "ok" | Errno;
