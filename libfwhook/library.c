// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * library.c - libraries that few events need, loaded by those: each that is loaded
 * at the start costs every event some 0.05 ms.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "library.h"

bool fwh_library_load(const char *file, const char *prefix,
		      const struct fwh_symbol *symbols, size_t n, void *ret)
{
	void *so = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	size_t i;

	for (i = 0; so && i < n; i++) {
		char name[64];
		void *symbol;

		snprintf(name, sizeof(name), "%s%s", prefix, symbols[i].name);
		symbol = dlsym(so, name);
		if (!symbol)
			return false;
		memcpy((char *)ret + symbols[i].at, &symbol, sizeof(symbol));
	}
	return so != NULL;
}
