/* SPDX-License-Identifier: GPL-2.0-or-later */
/* landlock.h - which files there are for us. */
#ifndef UPDOWN_LANDLOCK_H
#define UPDOWN_LANDLOCK_H

#include <stdbool.h>

enum landlock_right {
	LANDLOCK_READ,			/* files and folders */
	LANDLOCK_WRITE,			/* likewise, and make, rename and remove them */
	LANDLOCK_FILE,			/* one file: read and write */
};

/* A set of files; -1 where the kernel has no Landlock, which all of these take. */
int landlock_begin(void);
/* What is at this path, and beneath it, too.  False: nothing is there. */
bool landlock_add(int set, const char *path, enum landlock_right right);
/* The same of an open file or folder. */
void landlock_add_fd(int set, int fd, enum landlock_right right);
/* Nothing else from here on, in children as well; closes the set.  Needs
 * no_new_privs.  Returns 0 or a negative errno. */
int landlock_end(int set);

#endif
