/* SPDX-License-Identifier: GPL-2.0-or-later */
/* extensions.h - which of the kernel's modules there are. */
#ifndef FWHOOK_EXTENSIONS_H
#define FWHOOK_EXTENSIONS_H

#include "internal.h"

/* Have modprobe load a module, as iptables does.  True if it says it did. */
bool fwh_extension_load(const char *module);
/* The name of the first match or target of an entry that this kernel does not
 * have in the revision used ("xt_policy (policy match)"), NULL if it has all.
 * The string lasts until the next call. */
const char *fwh_extension_missing(enum fwh_family family, const void *entry);
/* Can rules look into sets of ip_set here, and take marks from them? */
bool fwh_extension_has_sets(void);

#endif
