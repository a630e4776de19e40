/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backend.h - what a backend is. */
#ifndef FWHOOK_BACKEND_H
#define FWHOOK_BACKEND_H

#include "internal.h"

/* What a reader finds; text is the list's own. */
struct fwh_held_list {
	struct fwh_held *list;
	size_t n, cap;
};

/* A new row; NULL when out of memory. */
struct fwh_held *fwh_held_add(struct fwh_held_list *list, size_t conn,
			      enum fwh_step step, enum fwh_presence presence,
			      const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

struct fwh_backend {
	const char *name;
	int (*apply)(const struct fwh_globals *globals,
		     const struct fwh_change *changes, size_t n, bool all,
		     struct fwh_err *err);
	int (*print)(const struct fwh_globals *globals,
		     const struct fwh_plan *plan, FILE *f);
	/* What the kernel holds of these connections, held against their plans,
	 * and of connections that are none of them.  Changes nothing, and makes
	 * no table. */
	int (*read)(const struct fwh_globals *globals,
		    const struct fwh_plan *plans, size_t n,
		    struct fwh_held_list *ret, struct fwh_err *err);
	/* Take everything away that looks like ours, whosever it is. */
	int (*flush)(const struct fwh_globals *globals, struct fwh_err *err);
};

/* To whom it may concern: this is what was found. */
void fwh_change_stood(const struct fwh_change *change, enum fwh_stood stood);

extern const struct fwh_backend fwh_backend_iptables;
extern const struct fwh_backend fwh_backend_nftables;
/* The legacy tables again, with sets: of the many connections there may be. */
extern const struct fwh_backend fwh_backend_sets;

/* Do the legacy tables hold anything that is not ours?  Makes no table.  1, 0, which
 * is also for whoever cannot use them, or what stands in the way for the moment:
 * fwh_is_momentary(). */
int fwh_iptables_is_used(void);
/* A number that is another when a rule was added to them or taken away. */
uint64_t fwh_iptables_shape(void);
/* The same of our sets and their elements. */
uint64_t fwh_sets_shape(void);
/* Has this kernel nf_tables?  Likewise. */
int fwh_nftables_is_there(void);
/* Does it hold a table that is not ours?  Likewise. */
int fwh_nftables_is_used(void);
/* -ENOMEM and its like, which say nothing of what was asked for. */
bool fwh_is_momentary(int code);

#endif
