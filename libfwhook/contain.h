/* SPDX-License-Identifier: GPL-2.0-or-later */
/* contain.h - other people's parsers, at a distance. */
#ifndef FWHOOK_CONTAIN_H
#define FWHOOK_CONTAIN_H

#include "internal.h"

/* Have a child do the job and write its answer, which comes back in *ret
 * (malloc'ed, ret_n bytes).  What else it writes goes nowhere; it may exit, abort,
 * leak and hang: after FWH_CONTAIN_SECONDS it ends.
 * Returns 0, or a negative errno if it did not come to the end of its answer. */
#define FWH_CONTAIN_SECONDS	10
int fwh_contain(void (*job)(FILE *answer, void *arg), void *arg,
		const char *what, char **ret, size_t *ret_n,
		struct fwh_err *err);

#endif
