/*
 * Loaded before the C library (LD_PRELOAD): lets one kind of call fail, the k-th that is made on a file of a folder.
 *
 *   FAULT_CALL    open, write, fsync, rename, unlink or ftruncate
 *   FAULT_ERRNO   what it fails with, as a number; 0: the process is killed there
 *   FAULT_AT      which of the calls, from 1 on; 0: none, they are only counted
 *   FAULT_ON      "once", or "on": that one and all that follow
 *   FAULT_UNDER   a folder, as realpath gives it
 *   FAULT_NAME    only files whose path ends with this text (may be absent)
 *   FAULT_COUNT   a file that the number of calls is written to when the process ends
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { NONE, OPEN, WRITE, FSYNC, RENAME, UNLINK, FTRUNCATE };

static enum kind wanted;
static int with, from_there_on;
static long at;
static const char *under, *part, *count_file;
static size_t under_length;
static atomic_long seen;

__attribute__((constructor)) static void begin(void)
{
	static const char *const names[] = { "", "open", "write", "fsync", "rename", "unlink", "ftruncate" };
	const char *call = getenv("FAULT_CALL");

	under = getenv("FAULT_UNDER");
	if (!call || !under)
		return;
	under_length = strlen(under);
	part = getenv("FAULT_NAME");
	count_file = getenv("FAULT_COUNT");
	with = atoi(getenv("FAULT_ERRNO") ?: "5");
	at = atol(getenv("FAULT_AT") ?: "0");
	from_there_on = !strcmp(getenv("FAULT_ON") ?: "once", "on");
	for (int i = 1; i < 7; i++)
		if (!strcmp(call, names[i]))
			wanted = i;
}

__attribute__((destructor)) static void end(void)
{
	char text[32];
	long fd;
	int length;

	if (!wanted || !count_file)
		return;
	fd = syscall(SYS_openat, AT_FDCWD, count_file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return;
	length = snprintf(text, sizeof(text), "%ld\n", atomic_load(&seen));
	if (syscall(SYS_write, fd, text, length) < 0)
		return;
	syscall(SYS_close, fd);
}

static int fails(enum kind kind, const char *path)
{
	size_t length;
	long now;

	if (kind != wanted || !path || strncmp(path, under, under_length))
		return 0;
	length = strlen(path);
	if (part && (length < strlen(part) || strcmp(path + length - strlen(part), part)))
		return 0;
	now = atomic_fetch_add(&seen, 1) + 1;
	if (!at || (from_there_on ? now < at : now != at))
		return 0;
	if (!with)
		kill(getpid(), SIGKILL);
	errno = with;
	return 1;
}

static int fails_fd(enum kind kind, int fd)
{
	char link[40], path[PATH_MAX];
	ssize_t length;

	if (kind != wanted)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return 0;
	path[length] = 0;
	return fails(kind, path);
}

static int fails_at(enum kind kind, int folder, const char *name)
{
	char link[40], path[2 * PATH_MAX];
	ssize_t length;

	if (kind != wanted)
		return 0;
	if (name[0] == '/' || folder == AT_FDCWD)
		return fails(kind, name);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", folder);
	length = readlink(link, path, PATH_MAX - 1);
	if (length < 0)
		return 0;
	snprintf(path + length, sizeof(path) - length, "/%s", name);
	return fails(kind, path);
}

#define NEXT(name) \
	static __typeof__(name) *next; \
	if (!next) \
		next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define OPENER(name) \
	int name(const char *path, int flags, ...) \
	{ \
		va_list more; \
		mode_t mode; \
		NEXT(name); \
		va_start(more, flags); \
		mode = va_arg(more, mode_t); \
		va_end(more); \
		if (fails(OPEN, path)) \
			return -1; \
		return next(path, flags, mode); \
	}
OPENER(open)
OPENER(open64)

#define OPENER_AT(name) \
	int name(int folder, const char *path, int flags, ...) \
	{ \
		va_list more; \
		mode_t mode; \
		NEXT(name); \
		va_start(more, flags); \
		mode = va_arg(more, mode_t); \
		va_end(more); \
		if (fails_at(OPEN, folder, path)) \
			return -1; \
		return next(folder, path, flags, mode); \
	}
OPENER_AT(openat)
OPENER_AT(openat64)

ssize_t write(int fd, const void *bytes, size_t length)
{
	NEXT(write);
	return fails_fd(WRITE, fd) ? -1 : next(fd, bytes, length);
}

#define WRITER_AT(name) \
	ssize_t name(int fd, const void *bytes, size_t length, off_t where) \
	{ \
		NEXT(name); \
		return fails_fd(WRITE, fd) ? -1 : next(fd, bytes, length, where); \
	}
WRITER_AT(pwrite)
WRITER_AT(pwrite64)

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
	NEXT(writev);
	return fails_fd(WRITE, fd) ? -1 : next(fd, pieces, count);
}

#define VECTOR_AT(name) \
	ssize_t name(int fd, const struct iovec *pieces, int count, off_t where) \
	{ \
		NEXT(name); \
		return fails_fd(WRITE, fd) ? -1 : next(fd, pieces, count, where); \
	}
VECTOR_AT(pwritev)
VECTOR_AT(pwritev64)

int fsync(int fd)
{
	NEXT(fsync);
	return fails_fd(FSYNC, fd) ? -1 : next(fd);
}

int fdatasync(int fd)
{
	NEXT(fdatasync);
	return fails_fd(FSYNC, fd) ? -1 : next(fd);
}

int rename(const char *from, const char *to)
{
	NEXT(rename);
	return fails(RENAME, to) ? -1 : next(from, to);
}

int link(const char *from, const char *to)
{
	NEXT(link);
	return fails(RENAME, to) ? -1 : next(from, to);
}

int unlink(const char *path)
{
	NEXT(unlink);
	return fails(UNLINK, path) ? -1 : next(path);
}

int remove(const char *path)
{
	NEXT(remove);
	return fails(UNLINK, path) ? -1 : next(path);
}

int unlinkat(int folder, const char *path, int flags)
{
	NEXT(unlinkat);
	return fails_at(UNLINK, folder, path) ? -1 : next(folder, path, flags);
}

#define TRUNCATER(name) \
	int name(int fd, off_t length) \
	{ \
		NEXT(name); \
		return fails_fd(FTRUNCATE, fd) ? -1 : next(fd, length); \
	}
TRUNCATER(ftruncate)
TRUNCATER(ftruncate64)
