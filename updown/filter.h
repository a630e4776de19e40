/* SPDX-License-Identifier: GPL-2.0-or-later */
/* filter.h - which system calls there are for us: ours, and others' lists. */
#ifndef UPDOWN_FILTER_H
#define UPDOWN_FILTER_H

#include <stdbool.h>

/* Is somebody else's list of system calls in force, the daemon's or a
 * container's? */
bool filter_is_inherited(void);
/* Would that end a process which does this?  Tried in a child. */
bool filter_kills(void (*step)(void *arg), void *arg);
/* Allow updown/syscalls.list and nothing else from here on, in children as well;
 * raw: and raw IP sockets.  What is refused fails and stands in the kernel's log.
 * Needs no_new_privs.  Returns 0, also where the kernel has no such lists, or a
 * negative errno. */
int filter_install(bool raw);

#endif
