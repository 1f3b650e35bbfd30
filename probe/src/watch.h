/* watch.c: readings of processes from outside */
#ifndef RECLAIM_PROBE_WATCH_H
#define RECLAIM_PROBE_WATCH_H

#include "probe.h"

/* One process; it and those below it, a file each; or all of them in one line. */
enum watch_what { WATCH_ONE, WATCH_EACH, WATCH_SUM };

/* Opens OUT for `pid`. */
void watch_begin(const char *path, enum watch_what what, long pid);
/* Reads until `over` says so, or nothing is left to be read. */
void watch_until(uint64_t interval_ns, bool (*over)(void));
/* A line "# NAME VALUE" at the end of OUT. */
void watch_note(const char *name, uint64_t value);
void watch_pause(uint64_t ns);
/* Calls `call` for every process below `root`; nothing is watched any more. */
void watch_each_below(long root, void (*call)(long pid));

#endif
