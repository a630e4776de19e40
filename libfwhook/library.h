/* SPDX-License-Identifier: GPL-2.0-or-later */
/* library.h - libraries that few events need, loaded by those. */
#ifndef FWHOOK_LIBRARY_H
#define FWHOOK_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* A function or variable of a library's, and where in a structure the pointer to it
 * belongs. */
struct fwh_symbol {
	const char *name;
	size_t at;
};

/* Load a library for the rest of the process and fill in the structure *ret.  prefix
 * stands before each name.  False if the library is missing or lacks one of them. */
bool fwh_library_load(const char *file, const char *prefix,
		      const struct fwh_symbol *symbols, size_t n, void *ret);

#endif
