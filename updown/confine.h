/* SPDX-License-Identifier: GPL-2.0-or-later */
/* confine.h - few rights, for both programs. */
#ifndef UPDOWN_CONFINE_H
#define UPDOWN_CONFINE_H

#include "fwhook.h"

struct confine {
	struct fwh_needs needs;
	const char *run_dir, *state_dir;	/* NULL: the built-in places */
	/* Settings are read again: this file, or the built-in places (NULL). */
	bool rereads;
	const char *config_file;
	/* A daemon of our own: what execve() could give goes, too. */
	bool stays;
};

/* Give up for good what is not needed: capabilities, new privileges, core dumps,
 * files (Landlock), system calls (seccomp).  Should: come when everything that
 * needs more has been done, and before anything is locked.  Mustn't: be called
 * twice.  What the kernel does not have is gone without; what it has and refuses is
 * an error.  Returns 0 or a negative errno. */
int confine(const struct confine *confine, struct fwh_err *err);

#endif
