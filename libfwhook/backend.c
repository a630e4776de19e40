// SPDX-License-Identifier: GPL-2.0-or-later
/* backend.c - the table of backends, and which of them fits this machine. */
#include <errno.h>
#include <string.h>

#include "backend.h"

static const struct fwh_backend *const backends[] = {
	&fwh_backend_nftables,
	&fwh_backend_iptables,
	&fwh_backend_sets,
};

const struct fwh_backend *fwh_backend_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(backends); i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

const char *fwh_backend_nth(size_t n)
{
	return n < ARRAY_SIZE(backends) ? backends[n]->name : NULL;
}

bool fwh_backend_is_known(const char *name)
{
	const struct fwh_backend *backend = fwh_backend_find(name);

	/* A form of the legacy tables is what "scale" says. */
	return !strcmp(name, "auto") ||
	       (backend && backend != &fwh_backend_sets);
}

/* Rules in both would be seen by nobody at once: where somebody has built on the
 * legacy tables alone, ours go there too. */
static const struct fwh_backend *choose(const char **ret_why)
{
	if (!fwh_nftables_is_there()) {
		*ret_why = "this kernel has no nf_tables";
		return &fwh_backend_iptables;
	}
	if (!fwh_nftables_is_used() && fwh_iptables_is_used()) {
		*ret_why = "the legacy tables hold rules, and nftables none";
		return &fwh_backend_iptables;
	}
	*ret_why = "this kernel has nf_tables";
	return &fwh_backend_nftables;
}

int fwh_backend_choose(const char *name, const struct fwh_backend **ret,
		       const char **ret_why, struct fwh_err *err)
{
	const struct fwh_backend *backend = fwh_backend_find(name);
	const char *why = "the settings say so";

	if (!strcmp(name, "auto"))
		backend = choose(&why);
	if (!backend)
		return fwh_fail(err, -EINVAL, "backend = %s: not built in",
				name);
	*ret = backend;
	if (ret_why)
		*ret_why = why;
	return 0;
}

const char *fwh_backend_name(const struct fwh_backend *backend)
{
	return backend->name;
}

int fwh_backend_apply(const struct fwh_backend *backend,
		      const struct fwh_globals *globals,
		      const struct fwh_change *changes, size_t n, bool all,
		      struct fwh_err *err)
{
	return backend->apply(globals, changes, n, all, err);
}

int fwh_backend_print(const struct fwh_backend *backend,
		      const struct fwh_globals *globals,
		      const struct fwh_plan *plan, FILE *f)
{
	return backend->print(globals, plan, f);
}
