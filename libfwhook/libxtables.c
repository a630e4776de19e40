// SPDX-License-Identifier: GPL-2.0-or-later
/* libxtables.c - libxtables, loaded when it is needed. */
#include "internal.h"
#include "library.h"
#include "libxtables.h"

const struct fwh_xtables *fwh_xtables_load(void)
{
	static const struct fwh_symbol symbols[] = {
#define SYMBOL(name)	{ #name, offsetof(struct fwh_xtables, name) },
		FWH_XTABLES(SYMBOL)
#undef SYMBOL
	};
	static struct fwh_xtables loaded;
	static bool is_loaded;

	if (!is_loaded)
		is_loaded = fwh_library_load(FWH_LIBXTABLES, "xtables_", symbols,
					     ARRAY_SIZE(symbols), &loaded);
	return is_loaded ? &loaded : NULL;
}
