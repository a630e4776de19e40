/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backend.h - what a backend is. */
#ifndef FWHOOK_BACKEND_H
#define FWHOOK_BACKEND_H

#include "internal.h"

struct fwh_backend {
	const char *name;
	int (*apply)(const struct fwh_globals *globals,
		     const struct fwh_change *changes, size_t n, bool all,
		     struct fwh_err *err);
	int (*print)(const struct fwh_globals *globals,
		     const struct fwh_plan *plan, FILE *f);
};

extern const struct fwh_backend fwh_backend_iptables;
extern const struct fwh_backend fwh_backend_nftables;

/* Do the legacy tables hold anything that is not ours?  Makes no table. */
bool fwh_iptables_is_used(void);
/* A number that is another when a rule was added to them or taken away. */
uint64_t fwh_iptables_shape(void);
/* Has this kernel nf_tables? */
bool fwh_nftables_is_there(void);
/* Does it hold a table that is not ours? */
bool fwh_nftables_is_used(void);

#endif
