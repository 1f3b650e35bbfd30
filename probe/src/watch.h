/* watch.c: readings of processes from outside */
#ifndef RECLAIM_PROBE_WATCH_H
#define RECLAIM_PROBE_WATCH_H

#include "probe.h"

#include <linux/resource.h>

/* One process; it and those below it, a file each; or all of them in one line. */
enum watch_what { WATCH_ONE, WATCH_EACH, WATCH_SUM };

/* Lets this process open as many files as it may; `before`: the limits that it had (NULL: nobody asks). */
void watch_raise_files(struct rlimit64 *before);
/* Makes OUT; ends the probe, with a line on `report`, where it cannot. */
void watch_prepare(const char *path, enum watch_what what, long report);
/* Takes OUT away again: there is nothing to watch. */
void watch_discard(void);
/* Begins OUT with `pid`. From here on what cannot be written ends the readings, and nothing else. */
void watch_begin(long pid);
/* Reads until `over` says so, nothing is left to be read, or readings cannot be written; then notes what is missing. */
void watch_until(uint64_t interval_ns, bool (*over)(void));
/* A line "# NAME VALUE" at the end of OUT. */
void watch_note(const char *name, uint64_t value);
/* Could readings or notes not be written? Then that is noted where there is room now, and said on `report`. */
bool watch_failed(long report);
void watch_pause(uint64_t ns);
/* Calls `call` for every process below `root`; nothing is watched any more. */
void watch_each_below(long root, void (*call)(long pid));

#endif
