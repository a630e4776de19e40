/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_keys.h - the INI's keys as a list, for whoever explains or checks
 * them: documentation tests, completion, help. */
#ifndef FWHOOK_CONFIG_KEYS_H
#define FWHOOK_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>

struct fwh_config_key {
	const char *name;
	bool global;			/* of [global]; else of the others */
	const char *words;		/* known words of its value, blanks between */
	const char *expected;		/* what a value looks like */
	const char *help;		/* one line */
};

/* The nth key, in the order of the manual page.  Returns false after the
 * last, with *ret untouched. */
bool fwh_config_key(size_t n, struct fwh_config_key *ret);

#endif
